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

/// Where a value's cotangent goes: to a node of the tape, to a parameter, or (a constant) nowhere.
template <class T>
struct Place {
  Tape<T>* tape = nullptr;  ///< none: a constant
  int node = -1;            ///< number of the step that made it; -1: none
  int parameter = -1;       ///< its number, if it is a parameter; else -1
  bool shared = false;      ///< computed from parameters (and constants) alone, the same for every example

  bool constant() const { return tape == nullptr; }  ///< no cotangent goes there
};

/// A value and where it came from. Every function of value.h and ops.h takes it.
template <class T>
struct Var {
  T value;      ///< the value itself
  Place<T> at;  ///< where its cotangent goes

  Var() = default;
  Var(T v) : value(std::move(v)) {}  ///< a constant: no place
  /// A value and its place.
  Var(T v, Place<T> place) : value(std::move(v)), at(place) {}
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
      sink_({to.parameter, std::make_shared<DirectEntrance<T>>(), {}, std::move(cotangent)});
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
  Var<T> parameter(T value, int index) { return {std::move(value), {this, -1, index, true}}; }

  /// A new node: `back` hands on the cotangent of `value`. `shared` as in Place.
  Var<T> record(T value, Back back, bool shared = false) {
    nodes_.push_back(std::move(back));
    return {std::move(value), {this, static_cast<int>(nodes_.size()) - 1, -1, shared}};
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
  void couple(const char* op) {
    if (coupled_.empty())
      coupled_ = fmt::format(
          "the examples of this batch are coupled ({} hands each of them a value computed from all, as BatchNorm in training mode does), "
          "so "
          "nothing per example exists; run the network in evaluation mode",
          op);
  }
  /// `op` hands `value` to every example. A parameter leaves a factor; what was computed on this tape couples the examples.
  void spread(const char* op, const Place<T>& value) {
    if (value.node < 0) return;
    if (!value.shared) return couple(op);
    if (coupled_.empty())
      coupled_ = fmt::format(
          "{} hands every example a value computed from parameters, whose cotangent is summed over them, so nothing per example exists; "
          "let {} take the parameter itself and compute on its output",
          op, op);
  }
  /// `op` takes a value of the examples: where it goes by rows, or over the whole batch, decides whether they stay apart.
  void take(const char* op, Reach reach, const Place<T>& value, const Shape& shape) {
    if (value.constant() || value.shared || reach == Reach::entry) return;
    const Index rows = reach == Reach::row && shape.rank() > 0 ? shape[0] : 0;
    if (std::none_of(rows_.begin(), rows_.end(), [rows](const auto& known) { return known.second == rows; })) rows_.emplace_back(op, rows);
  }
  bool batch_coupled() const { return !coupled_.empty(); }  ///< whether anything has coupled the examples
  /// Throws std::invalid_argument unless the output of each of `examples` examples depends on that example alone, so that a cotangent stays
  /// in its example's rows; `what` names the quantity that was asked for.
  void require_per_example(const char* what, Index examples) const {
    require(!batch_coupled(), "{}: {}", what, coupled_);
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
  std::vector<Back> nodes_;
  std::string coupled_;                              // the sentence that says by what
  std::vector<std::pair<const char*, Index>> rows_;  // numbers of rows that ops worked on, each with its first op; 0: on all at once
};

namespace tape_detail {

template <class T>
Tape<T>* common_tape(const Place<T>& p, const Place<T>& q) {
  require(!p.tape || !q.tape || p.tape == q.tape, "tape: the operands were recorded on two different tapes");
  return p.tape ? p.tape : q.tape;
}

/// True for a value that brings no example with it.
template <class T>
bool without_examples(const Place<T>& p) {
  return p.constant() || p.shared;
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
  if constexpr (to == Slot::weight && Form::shares_weight) {
    if (place.parameter >= 0) {
      const T& activation = o == Slot::input ? other : cotangent;
      const T& returned = o == Slot::input ? cotangent : other;
      pull.emit({place.parameter, std::make_shared<FormEntrance<Form, T>>(form), activation, returned});
      return;
    }
  }
  if constexpr (prunes_at_zero_weight<Form> && o == Slot::weight) {
    if (exactly_zero(other)) return;
  }
  pull.into(place, solve_ordered<to, o, s>(form, other, cotangent));
}

}  // namespace tape_detail

/// Records a form: on the way back it is solved for the slots of its operands.
template <Slot s, class Form, class T>
Var<T> solve(const Form& form, const Var<T>& p, const Var<T>& q) {
  constexpr Slot a = s == Slot::input ? Slot::weight : Slot::input, b = s == Slot::output ? Slot::weight : Slot::output;
  T y = solve<s>(form, p.value, q.value);
  Tape<T>* tape = tape_detail::common_tape(p.at, q.at);
  if (!tape) return y;
  // Of the operand that brings the examples: a form whose weight is shared takes them in the other slot.
  const Place<T>& examples = a == Slot::weight ? q.at : p.at;
  bool shared = tape_detail::without_examples(p.at) && tape_detail::without_examples(q.at);
  if (Form::shares_weight && s != Slot::weight) {
    tape->spread(Form::name, a == Slot::weight ? p.at : q.at);
    tape->take(Form::name, reach_of(form), examples, shape_of(a == Slot::weight ? q.value : p.value));
    shared = shared && !examples.constant();  // a constant may be the images
  } else if (Form::shares_weight) {
    for (const Place<T>& at : {p.at, q.at}) tape->take(Form::name, Reach::batch, at, {});
  }
  // A value is kept only if the other operand will ask for it.
  return tape->record(
      std::move(y),
      [form, p_at = p.at, q_at = q.at, p_value = q.at.constant() ? T{} : p.value, q_value = p.at.constant() ? T{} : q.value](
          const T& dy, Pull<T>& pull) {
        tape_detail::contribute<a, b, s>(form, p_at, q_value, dy, pull);
        tape_detail::contribute<b, a, s>(form, q_at, p_value, dy, pull);
      },
      shared);
}

namespace tape_detail {

/// Hands the cotangent of map(x) to x; a parameter that is repeated for every example gets a factor.
template <class Map, class T>
void contribute_map(const Map& map, const Place<T>& to, const T& dy, Pull<T>& pull) {
  if (broadcasts<Map> && to.parameter >= 0)
    pull.emit({to.parameter, std::make_shared<MapEntrance<Map, T>>(map), {}, dy});
  else if (!to.constant())
    pull.into(to, apply(transposed(map), dy));
}

}  // namespace tape_detail

/// Records a map: its transpose on the way back.
template <class Map, class T>
Var<T> apply(const Map& map, const Var<T>& x) {
  T y = apply(map, x.value);
  if (x.at.constant()) return y;
  if (broadcasts<Map>)
    x.at.tape->spread(Map::name, x.at);
  else if (!x.at.shared)
    x.at.tape->take(Map::name, reach_of(map), x.at, shape_of(x));
  return x.at.tape->record(
      std::move(y), [map, at = x.at](const T& dy, Pull<T>& pull) { tape_detail::contribute_map(map, at, dy, pull); },
      x.at.shared && !broadcasts<Map>);
}

/// a + b: both receive the cotangent.
template <class T>
Var<T> add(Var<T> a, Var<T> b) {
  Tape<T>* tape = tape_detail::common_tape(a.at, b.at);
  T y = add(std::move(a.value), std::move(b.value));
  if (!tape) return y;
  return tape->record(
      std::move(y),
      [a_at = a.at, b_at = b.at](const T& dy, Pull<T>& pull) {
        pull.into(a_at, dy);
        pull.into(b_at, dy);
      },
      tape_detail::without_examples(a.at) && tape_detail::without_examples(b.at));
}

/// x + map(b): x receives the cotangent, b what the transpose makes of it.
template <class Map, class T>
Var<T> add(Var<T> x, const Map& map, const Var<T>& b) {
  Tape<T>* tape = tape_detail::common_tape(x.at, b.at);
  T y = add(std::move(x.value), map, b.value);
  if (!tape) return y;
  if (broadcasts<Map>) tape->spread(Map::name, b.at);
  return tape->record(
      std::move(y),
      [map, x_at = x.at, b_at = b.at](const T& dy, Pull<T>& pull) {
        pull.into(x_at, dy);
        tape_detail::contribute_map(map, b_at, dy, pull);
      },
      x.at.shared && tape_detail::without_examples(b.at));
}

/// Records a pointwise function: its slope times the cotangent on the way back.
template <class F, class T>
Var<T> pointwise(const F& f, const Var<T>& x) {
  T y = pointwise(f, x.value);
  if (x.at.constant()) return y;
  return x.at.tape->record(
      std::move(y), [f, value = x.value, at = x.at](const T& dy, Pull<T>& pull) { pull.into(at, slope_times(f, value, dy)); }, x.at.shared);
}

}  // namespace tangentplane
