// Ops on a tape: forms, maps, sums and pointwise functions of values that know where they came from. Each computes its output, tells the
// tape what becomes of the examples, and records its way back.
#pragma once

#include "autodiff/pointwise.h"
#include "autodiff/tape.h"

namespace tangentplane {

namespace tape_detail {

/// The tape that the operands of an op are on, none if all are constants that no tape knows. Throws std::invalid_argument for two.
template <class T>
Tape<T>* common_tape(std::initializer_list<const Place<T>*> operands) {
  Tape<T>* tape = nullptr;
  for (const Place<T>* p : operands) {
    require(!tape || !p->tape || p->tape == tape, "tape: the operands were recorded on two different tapes");
    if (p->tape) tape = p->tape;
  }
  return tape;
}
/// What is computed from these operands, where no cotangent goes to any of them.
template <class T>
bool all_constant(std::initializer_list<const Place<T>*> operands) {
  return std::all_of(operands.begin(), operands.end(), [](const Place<T>* p) { return p->constant(); });
}
/// The place of what is computed from these constants.
template <class T>
Place<T> constant_place(std::initializer_list<const Place<T>*> operands) {
  Place<T> place{.tape = common_tape(operands)};
  for (const Place<T>* p : operands) place.examples = std::max(place.examples, p->examples);
  return place;
}

/// The form solved for slot `wanted`, given the values in the two other slots, each named by its slot.
template <Slot wanted, Slot a, Slot b, class Form, class T>
T solve_ordered(const Form& form, const T& in_a, const T& in_b) {
  if constexpr (a < b)
    return solve<wanted>(form, in_a, in_b);
  else
    return solve<wanted>(form, in_b, in_a);
}

/// Hands on what the operand in slot `to` receives, where `other` sits in slot `o` and the cotangent came back to slot `s`.
template <Slot to, Slot o, Slot s, class Form, class T>
void contribute(const Form& form, const Place<T>& place, const T& other, const T& cotangent, Pull<T>& pull) {
  if (place.constant()) return;
  if constexpr (to == Slot::weight && may_share_weight<Form>) {
    if (place.parameter >= 0 && weight_is_shared(form)) {
      if constexpr (o == Slot::input) {
        pull.emit({place.parameter, std::make_shared<FormEntrance<Form, T>>(form, place.view), other, cotangent});
      } else {
        using Turned = decltype(transposed_form(form));
        pull.emit({place.parameter, std::make_shared<FormEntrance<Turned, T>>(transposed_form(form), place.view), other, cotangent});
      }
      return;
    }
  }
  if constexpr (prunes_at_zero_weight<Form> && o == Slot::weight) {
    if (exactly_zero(other)) return;
  }
  pull.into(place, solve_ordered<to, o, s>(form, other, cotangent));
}

/// Tells the tape what a form with operands p and q does with the examples. -> whether its result belongs to them.
template <Slot s, class Form, class T>
Examples note_form(Tape<T>& tape, const Form& form, const Var<T>& p, const Var<T>& q, const Shape& result) {
  const bool constant = p.at.constant() && q.at.constant(), shared = weight_is_shared(form);
  // Where operands are repeated by their shapes, those that are not lie row by row along the output.
  const Shape& output = s == Slot::output ? result : shape_of(q);
  const auto aligned = [&](const Shape& x) { return x.rank() == output.rank() && x.rank() > 0 && x[0] == output[0]; };
  const auto take = [&](const Var<T>& x) {
    Reach reach = reach_of(form);
    if ((s == Slot::weight && shared) || (shares_by_shape<Form> && !aligned(shape_of(x)))) reach = Reach::batch;
    tape.take(Form::name, reach, x.at, shape_of(x), constant);
  };
  const Var<T>&weight = s == Slot::input ? p : q, &other = s == Slot::input ? q : p;
  take(other);
  // A weight of one row may belong to the example of a batch of one: then it is not repeated for others.
  if (s == Slot::weight || !shared || (shares_by_shape<Form> && !weight.at.shared() && aligned(shape_of(weight)))) {
    take(weight);
    return std::max(p.at.examples, q.at.examples);
  }
  tape.spread(Form::name, weight.at, other.at.examples);
  // A constant that an op takes as its weight is not the images.
  return weight.at.constant() && weight.at.examples == Examples::perhaps ? other.at.examples : std::max(p.at.examples, q.at.examples);
}

/// A form whose operands may change places says `swapped()`: the parameter then goes where it leaves a factor.
template <class Form>
constexpr bool commutes = requires(const Form& form) {
  form.swapped();
};

}  // namespace tape_detail

/// Records a form: on the way back it is solved for the slots of its operands.
template <Slot s, class Form, class T>
Var<T> solve(const Form& form, const Var<T>& p, const Var<T>& q) {
  constexpr Slot a = s == Slot::input ? Slot::weight : Slot::input, b = s == Slot::output ? Slot::weight : Slot::output;
  if constexpr (s == Slot::output && tape_detail::commutes<Form>) {
    if (p.at.shared() && !q.at.shared()) return solve<s>(form.swapped(), q, p);
  }
  T y = solve<s>(form, p.value, q.value);
  Tape<T>* tape = tape_detail::common_tape({&p.at, &q.at});
  if (!tape) return y;
  const Examples examples = tape_detail::note_form<s>(*tape, form, p, q, shape_of(y));
  if (p.at.constant() && q.at.constant()) return {std::move(y), {tape, -1, -1, examples}};
  // A value is kept only if the other operand will ask for it.
  return tape->record(
      std::move(y),
      [form, p_at = p.at, q_at = q.at, p_value = q.at.constant() ? T{} : p.value, q_value = p.at.constant() ? T{} : q.value](
          const T& dy, Pull<T>& pull) {
        tape_detail::contribute<a, b, s>(form, p_at, q_value, dy, pull);
        tape_detail::contribute<b, a, s>(form, q_at, p_value, dy, pull);
      },
      examples);
}

namespace tape_detail {

/// Hands the cotangent of map(x) to x; a parameter that is repeated for every example gets a factor.
template <class Map, class T>
void contribute_map(const Map& map, const Place<T>& to, const T& dy, Pull<T>& pull) {
  if constexpr (may_broadcast<Map>) {
    if (to.parameter >= 0 && broadcasts(map)) {
      pull.emit({to.parameter, std::make_shared<MapEntrance<Map, T>>(map, to.view), {}, dy});
      return;
    }
  }
  if (!to.constant()) pull.into(to, apply(transposed(map), dy));
}

/// Tells the tape what map(x) does with the examples, where the result goes `to` those of another operand. -> whether it belongs to them.
template <class Map, class T>
Examples note_map(Tape<T>& tape, const Map& map, const Var<T>& x, Examples to) {
  // What has its own row for each example is not repeated for them, whatever else the map repeats.
  if (!broadcasts(map) || (!x.at.shared() && reach_of(map) != Reach::batch)) {
    tape.take(Map::name, reach_of(map), x.at, shape_of(x), x.at.constant());
    return x.at.examples;
  }
  tape.spread(Map::name, x.at, to);
  return x.at.constant() && x.at.examples == Examples::perhaps ? Examples::none : x.at.examples;
}

/// A parameter of one row that is added to a value of one row meets the example of a batch of one, as it would be repeated for others.
struct Repeat {
  static constexpr const char* name = "add";
  static constexpr bool broadcasts_to_examples = true;
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    return x;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return y;
  }
};

/// Whether an operand of a sum is such a parameter.
template <class T>
bool repeated(const Place<T>& operand, Examples other, const Shape& sum) {
  return operand.parameter >= 0 && other != Examples::none && sum.rank() > 0 && sum[0] == 1;
}
/// Hands the cotangent of a sum to one operand.
template <class T>
void contribute_sum(const Place<T>& to, bool is_repeated, const T& dy, Pull<T>& pull) {
  if (is_repeated)
    contribute_map(Repeat{}, to, dy, pull);
  else
    pull.into(to, dy);
}

}  // namespace tape_detail

/// Records a map: its transpose on the way back. A parameter whose numbers it only rearranges stays a parameter, and nothing is recorded.
template <class Map, class T>
Var<T> apply(const Map& map, const Var<T>& x) {
  T y = apply(map, x.value);
  if (!x.at.tape) return y;
  if constexpr (rearranges<Map>) {
    if (x.at.parameter >= 0) {
      Place<T> at = x.at;
      at.view = std::make_shared<factor_detail::ViewBy<Map, T>>(map, x.at.view);
      return {std::move(y), std::move(at)};
    }
  }
  Examples examples = tape_detail::note_map(*x.at.tape, map, x, Examples::perhaps);
  if (broadcasts(map)) examples = std::max(examples, Examples::perhaps);  // the rows may be the examples'
  if (x.at.constant()) return {std::move(y), {x.at.tape, -1, -1, examples}};
  return x.at.tape->record(
      std::move(y), [map, at = x.at](const T& dy, Pull<T>& pull) { tape_detail::contribute_map(map, at, dy, pull); }, examples);
}

/// a + b: both receive the cotangent.
template <class T>
Var<T> add(Var<T> a, Var<T> b) {
  Tape<T>* tape = tape_detail::common_tape({&a.at, &b.at});
  T y = add(std::move(a.value), std::move(b.value));
  if (!tape) return y;
  const Examples examples = std::max(a.at.examples, b.at.examples);
  if (a.at.constant() && b.at.constant()) return {std::move(y), {tape, -1, -1, examples}};
  const bool a_repeated = tape_detail::repeated(a.at, b.at.examples, shape_of(y)),
             b_repeated = tape_detail::repeated(b.at, a.at.examples, shape_of(y));
  return tape->record(
      std::move(y),
      [a_at = a.at, b_at = b.at, a_repeated, b_repeated](const T& dy, Pull<T>& pull) {
        tape_detail::contribute_sum(a_at, a_repeated, dy, pull);
        tape_detail::contribute_sum(b_at, b_repeated, dy, pull);
      },
      examples);
}

/// x + map(b): x receives the cotangent, b what the transpose makes of it.
template <class Map, class T>
Var<T> add(Var<T> x, const Map& map, const Var<T>& b) {
  Tape<T>* tape = tape_detail::common_tape({&x.at, &b.at});
  T y = add(std::move(x.value), map, b.value);
  if (!tape) return y;
  const Examples added = tape_detail::note_map(*tape, map, b, x.at.examples), examples = std::max(x.at.examples, added);
  if (x.at.constant() && b.at.constant()) return {std::move(y), {tape, -1, -1, examples}};
  const bool x_repeated = tape_detail::repeated(x.at, added, shape_of(y));
  return tape->record(
      std::move(y),
      [map, x_at = x.at, b_at = b.at, x_repeated](const T& dy, Pull<T>& pull) {
        tape_detail::contribute_sum(x_at, x_repeated, dy, pull);
        tape_detail::contribute_map(map, b_at, dy, pull);
      },
      examples);
}

/// Records a pointwise function: its slope times the cotangent on the way back.
template <class F, class T>
Var<T> pointwise(const F& f, const Var<T>& x) {
  T y = pointwise(f, x.value);
  if (x.at.constant()) return {std::move(y), x.at};
  return x.at.tape->record(
      std::move(y), [f, value = x.value, at = x.at](const T& dy, Pull<T>& pull) { pull.into(at, slope_times(f, value, dy)); },
      x.at.examples);
}

/// x, which is a constant that belongs to the examples, as the tape of these parameters knows it. Other types of value: x.
template <class T>
T as_examples(T x, const std::vector<T>&) {
  return x;
}
/// The same on a tape.
template <class T>
Var<T> as_examples(Var<T> x, const std::vector<Var<T>>& parameters) {
  if (x.at.tape) return x;
  for (const Var<T>& p : parameters)
    if (p.at.tape) return p.at.tape->examples(std::move(x.value));
  return x;
}

}  // namespace tangentplane
