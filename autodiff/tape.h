// Reverse mode: a value and its place on a tape. The tape is a vector in recording order and the pull-back one loop over it. Given
// the cotangent of its output, a node solves the same form for its other slots, or, where a slot is a parameter, emits a factor (record.h).
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autodiff/factor.h"
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
  /// Whether nothing has but values computed from parameters, so that gradients are those of examples on their own, and only what is by
  /// example does not exist.
  bool spreads_computed() const {
    return batch_coupled() &&
           std::all_of(mixed_.begin(), mixed_.end(), [](const Mixed& m) { return m.by == Mix::parameters || m.by == Mix::constants; });
  }
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

}  // namespace tangentplane
