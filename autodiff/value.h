// What every value type (Tensor, and Dual and Var around one) has in common. A model is written over any of them.
#pragma once

#include <optional>

#include "autodiff/cpu/elementwise.h"
#include "autodiff/tensor.h"

namespace tangentplane {

/// The slots of a form's trilinear <y, B(input, weight)>; solving for one takes the other two, in this order.
enum class Slot { input, weight, output };

/// A shape, scalar type and way to lift a constant, for each value type.
template <class T>
struct ValueTraits;

/// As value.h asks of a value type.
template <class S>
struct ValueTraits<Tensor<S>> {
  using Scalar = S;
  static const Tensor<S>& primal(const Tensor<S>& x) { return x; }
  static Tensor<S> lift(Tensor<S> x) { return x; }
  static bool exactly_zero(const Tensor<S>& x) { return cpu::all_zero(x); }
};

/// A type that carries numbers through a program: Tensor, and Dual and Var around one. It keeps names that numbers have too, + and exp and
/// their kind, for values.
template <class T>
concept Value = requires {
  typename ValueTraits<T>::Scalar;
};

/// The type of the numbers inside: float or double.
template <class T>
using ScalarOf = typename ValueTraits<T>::Scalar;

/// The innermost tensor: what the network computes, whatever is differentiated around it.
template <class T>
const Tensor<ScalarOf<T>>& primal(const T& x) {
  return ValueTraits<T>::primal(x);
}
/// Of the innermost tensor.
template <class T>
const Shape& shape_of(const T& x) {
  return primal(x).shape();
}
/// A tensor as a constant of type T: no tangent, no place on a tape.
template <class T>
T lift(Tensor<ScalarOf<T>> x) {
  return ValueTraits<T>::lift(std::move(x));
}
/// True if x is known to be zero in every part that a derivative could read.
template <class T>
bool exactly_zero(const T& x) {
  return ValueTraits<T>::exactly_zero(x);
}

// The engine's functions on plain tensors; dual.h and tape.h extend each of them to their type.

/// The third slot of a form, given the two others.
template <Slot s, class Form, class S>
Tensor<S> solve(const Form& form, const Tensor<S>& p, const Tensor<S>& q) {
  return form.template solve<s>(p, q);
}

/// map(x).
template <class Map, class S>
Tensor<S> apply(const Map& map, const Tensor<S>& x) {
  return map.apply(x);
}

/// How far an entry of an op's output reaches into the input that belongs to the examples, which lie along the first axis.
enum class Reach {
  entry,  ///< the same entry in row-major order: examples stay apart whatever the shapes are
  row,    ///< the same row
  batch   ///< any entry; what an op is taken for that does not say
};
/// What the op says, or batch.
template <class Op>
Reach reach_of(const Op& op) {
  if constexpr (requires { op.reach(); })
    return op.reach();
  else
    return Reach::batch;
}

/// True for a map whose output holds the numbers of its input in another order or under another shape: a parameter stays a parameter
/// through it (View in factor.h).
template <class Map>
constexpr bool rearranges = requires {
  requires Map::rearranges;
};

/// A map turned round; its transpose is the map.
template <class Map>
struct Transposed {
  static constexpr const char* name = Map::name;
  static constexpr bool rearranges = tangentplane::rearranges<Map>;  ///< as the map does
  Map map;                                                           ///< the map that is turned round
  Reach reach() const { return reach_of(map); }
  template <class S>
  Tensor<S> apply(const Tensor<S>& y) const {
    return map.transpose(y);
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& x) const {
    return map.apply(x);
  }
};
/// The map turned round.
template <class Map>
Transposed<Map> transposed(const Map& map) {
  return {map};
}
/// Turned round twice: the map.
template <class Map>
Map transposed(const Transposed<Map>& t) {
  return t.map;
}

/// True for a map that may repeat its input for every example. Such a map says `static constexpr bool broadcasts_to_examples`, or, where
/// that depends on its shapes, `bool repeats_for_examples() const`.
template <class Map>
constexpr bool may_broadcast = requires(const Map& map) {
  map.repeats_for_examples();
}
|| requires { requires Map::broadcasts_to_examples; };
/// Whether this map's output repeats its input for every example: a parameter that enters through it has per-example cotangents. A map that
/// decides by its shapes says so of any input whose first axis is missing or 1, so that a batch of one example is treated as any other.
template <class Map>
bool broadcasts(const Map& map) {
  if constexpr (requires { map.repeats_for_examples(); })
    return map.repeats_for_examples();
  else
    return may_broadcast<Map>;
}

/// True for a form that decides by its shapes, `bool weight_is_shared() const`, whether one weight meets every example.
template <class Form>
constexpr bool shares_by_shape = requires(const Form& form) {
  form.weight_is_shared();
};
/// Whether one weight meets every example, so that a parameter in that slot leaves a factor: as the form says, once for all
/// (`static constexpr bool shares_weight`) or by its shapes. By shape it is so for any weight whose first axis is missing or 1. Otherwise
/// both operands may belong to the examples, row by row.
template <class Form>
bool weight_is_shared(const Form& form) {
  if constexpr (shares_by_shape<Form>)
    return form.weight_is_shared();
  else
    return Form::shares_weight;
}
/// False for a form that never shares its weight.
template <class Form>
constexpr bool may_share_weight = shares_by_shape<Form> || requires {
  requires Form::shares_weight;
};

/// a + b, of one shape. Throws std::invalid_argument for two.
template <class S>
Tensor<S> add(Tensor<S> a, Tensor<S> b) {
  require(a.shape() == b.shape(), "add: shapes {} and {} differ", a.shape(), b.shape());
  Tensor<S> y = a.unique() ? a : (b.unique() ? b : Tensor<S>(a.shape()));
  cpu::transform(y.size(), a.data(), b.data(), y.data(), [](S u, S v) { return u + v; });
  return y;
}

/// x + map(b), without the array map(b) where the map knows how.
template <class Map, class S>
Tensor<S> add(Tensor<S> x, const Map& map, const Tensor<S>& b) {
  if constexpr (requires { map.add_to(x, b); })
    return map.add_to(std::move(x), b);
  else
    return add(std::move(x), map.apply(b));
}

/// sum <- sum + term, where no value means exactly zero.
template <class T>
void accumulate(std::optional<T>& sum, T term) {
  if (sum) {
    T before = std::move(*sum);
    sum.emplace(add(std::move(before), std::move(term)));
  } else {
    sum.emplace(std::move(term));
  }
}

}  // namespace tangentplane
