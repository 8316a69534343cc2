// Reverse mode: a value and its place on a tape. The tape is a vector in recording order and the pull-back one loop over it. Given
// the cotangent of its output, a node solves the same form for its other slots, or, where a slot is a parameter, emits a factor.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autodiff/factor.h"
#include "autodiff/pointwise.h"
#include "autodiff/value.h"

namespace tangentplane {

template <class T>
class Tape;

/// Whether a value belongs to the examples, [N, ...], as far as the tape knows.
enum class Examples {
  none,     ///< shared: computed from parameters alone, the same for every example
  perhaps,  ///< a constant, which may be the images, and what is computed from parameters and such a constant
  some      ///< computed from what is known to belong to them
};

/// Where a value's cotangent goes: to a node of the tape, to a parameter, or (a constant) nowhere.
template <class T>
struct Place {
  Tape<T>* tape = nullptr;                ///< none: a constant that no tape knows
  int node = -1;                          ///< number of the step that made it; -1: none
  int parameter = -1;                     ///< its number, if it is a parameter; else -1
  Examples examples = Examples::perhaps;  ///< whether it belongs to them
  std::shared_ptr<const View<T>> view{};  ///< of a parameter whose numbers were rearranged; else none

  bool constant() const { return node < 0 && parameter < 0; }  ///< no cotangent goes there
  bool shared() const { return examples == Examples::none; }   ///< computed from parameters alone
};

/// A value and where it came from. Every function of value.h and ops.h takes it.
template <class T>
struct Var {
  T value;      ///< the value itself
  Place<T> at;  ///< where its cotangent goes

  Var() = default;
  Var(T v) : value(std::move(v)) {}  ///< a constant: no place
  /// A value and its place.
  Var(T v, Place<T> place) : value(std::move(v)), at(std::move(place)) {}
};

/// As value.h asks of a value type.
template <class T>
struct ValueTraits<Var<T>> {
  using Scalar = ScalarOf<T>;
  static const Tensor<Scalar>& primal(const Var<T>& x) { return tangentplane::primal(x.value); }
  static Var<T> lift(Tensor<Scalar> x) { return tangentplane::lift<T>(std::move(x)); }
  static bool exactly_zero(const Var<T>& x) { return x.at.constant() && tangentplane::exactly_zero(x.value); }
};

/// Receives the factors of a pull-back, last op first.
template <class T>
using FactorSink = std::function<void(Factor<T>)>;

/// One run of the reverse pass: the cotangents that have arrived so far.
template <class T>
class Pull {
 public:
  /// Over a tape of so many nodes; factors go to `sink`.
  Pull(std::size_t nodes, const FactorSink<T>& sink) : cotangents_(nodes), sink_(sink) {}

  /// Adds a cotangent to what a value has received.
  void into(const Place<T>& to, T cotangent) {
    if (to.node >= 0)
      accumulate(cotangents_[static_cast<std::size_t>(to.node)], std::move(cotangent));
    else if (to.parameter >= 0)
      sink_({to.parameter, std::make_shared<DirectEntrance<T>>(), {}, to.view ? to.view->own(std::move(cotangent)) : std::move(cotangent)});
  }
  /// Hands on a factor.
  void emit(Factor<T> factor) { sink_(std::move(factor)); }

  /// What a node has received, which it then has no more.
  std::optional<T> take(std::size_t node) { return std::exchange(cotangents_[node], std::nullopt); }

 private:
  std::vector<std::optional<T>> cotangents_;
  const FactorSink<T>& sink_;
};

/// The steps of a program in the order in which they were recorded, each with its way back.
template <class T>
class Tape {
 public:
  /// A step's way back: given the cotangent of its output, it hands its operands theirs.
  using Back = std::function<void(const T& cotangent, Pull<T>& pull)>;

  Tape() = default;
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// A parameter: its cotangent leaves factors with this number.
  Var<T> parameter(T value, int index) { return {std::move(value), {this, -1, index, Examples::none}}; }
  /// A constant that is known to belong to the examples: the images.
  Var<T> examples(T value) { return {std::move(value), {this, -1, -1, Examples::some}}; }

  /// A new node: `back` hands on the cotangent of `value`. `examples` as in Place.
  Var<T> record(T value, Back back, Examples examples = Examples::some) {
    nodes_.push_back(std::move(back));
    return {std::move(value), {this, static_cast<int>(nodes_.size()) - 1, -1, examples}};
  }

  /// Reverse pass from `output`. Can be repeated, unless `release` lets go of each node's activations once they are used.
  void pull(const Place<T>& output, T cotangent, const FactorSink<T>& sink, bool release = false) {
    Pull<T> pull(nodes_.size(), sink);
    pull.into(output, std::move(cotangent));
    for (std::size_t i = nodes_.size(); i-- > 0;) {
      if (std::optional<T> arrived = pull.take(i)) {
        require(static_cast<bool>(nodes_[i]), "tape: its activations were released by an earlier pull-back");
        nodes_[i](*arrived, pull);
      }
      if (release) nodes_[i] = nullptr;
    }
  }

  /// From here on examples are coupled: `op` hands every example what it computes from the batch.
  void couple(const char* op) { note({op, Mix::by_batch, true}); }
  /// `op` hands `value` to every row of another operand, which belongs to the examples or not (`to`). A parameter leaves a factor; what was
  /// computed on this tape couples the examples, or has a cotangent that is summed over them.
  void spread(const char* op, const Place<T>& value, Examples to = Examples::some) {
    if (value.parameter >= 0 || (value.constant() && value.examples != Examples::some)) return;
    if (value.shared() && to == Examples::none) return;  // still computing on parameters
    if (value.examples == Examples::some)
      note({op, Mix::by_value, true});
    else
      note({op, value.shared() ? Mix::parameters : Mix::constants, to == Examples::some});
  }
  /// `op` takes a value of the examples: where it goes by rows, or over the whole batch, decides whether they stay apart. Of constants only
  /// what is computed from them alone counts (`constant_result`): else the op's other operand tells.
  void take(const char* op, Reach reach, const Place<T>& value, const Shape& shape, bool constant_result = false) {
    if (value.shared() || reach == Reach::entry) return;
    if (value.constant() && !(constant_result && value.examples == Examples::some)) return;
    const Index rows = reach == Reach::row && shape.rank() > 0 ? shape[0] : 0;
    if (std::none_of(rows_.begin(), rows_.end(), [rows](const auto& known) { return known.second == rows; })) rows_.emplace_back(op, rows);
  }
  bool batch_coupled() const { return !mixed_.empty(); }  ///< whether anything has coupled the examples
  /// Throws std::invalid_argument unless the output of each of `examples` examples depends on that example alone, so that a cotangent stays
  /// in its example's rows; `what` names the quantity that was asked for.
  void require_per_example(const char* what, Index examples) const {
    const Mixed* told = nullptr;  // the first that is certain, else the first
    for (const Mixed& m : mixed_)
      if ((examples > 1 || m.by != Mix::by_value) && (!told || (m.certain && !told->certain))) told = &m;
    require(!told, "{}: {}", what, told ? told->sentence() : "");
    if (examples <= 1) return;
    for (const auto& [op, rows] : rows_) {
      require(rows > 0,
              "{}: {} takes entries of several examples together, so nothing per example exists; keep each example in its own row", what,
              op);
      require(
          rows % examples == 0,
          "{}: {} works on {} row{}, which {} examples do not share out evenly, so nothing per example exists; keep the examples as the "
          "first axis",
          what, op, rows, rows == 1 ? "" : "s", examples);
    }
  }

 private:
  /// What an op hands to every example.
  enum class Mix {
    by_batch,    ///< statistics of the batch
    by_value,    ///< a value of the examples, which for a batch of one is the example's own
    parameters,  ///< what was computed from parameters
    constants    ///< and from constants
  };
  struct Mixed {
    const char* op;
    Mix by;
    bool certain;  ///< to examples, and not perhaps to another computed weight

    std::string sentence() const {
      if (by == Mix::by_batch || by == Mix::by_value)
        return fmt::format(
            "the examples of this batch are coupled ({} hands each of them a value computed from all, as BatchNorm in training mode does), "
            "so nothing per example exists; run the network in evaluation mode",
            op);
      return fmt::format(
          "{} hands every example a value computed from parameters{}, whose cotangent is summed over them, so nothing per example exists; "
          "let {} take the parameter itself and compute on its output",
          op, by == Mix::constants ? " and constants" : "", op);
    }
  };
  void note(const Mixed& mixed) {
    if (std::none_of(mixed_.begin(), mixed_.end(), [&](const Mixed& m) { return m.by == mixed.by && m.certain == mixed.certain; }))
      mixed_.push_back(mixed);
  }

  std::vector<Back> nodes_;
  std::vector<Mixed> mixed_;                         // the first of each kind
  std::vector<std::pair<const char*, Index>> rows_;  // numbers of rows that ops worked on, each with its first op; 0: on all at once
};

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
