// Forward mode: a primal and its tangent. No tangent means exactly zero and costs nothing. Five short functions carry it through
// every op: the product rule for forms, linearity for maps and sums, the chain rule for pointwise functions.
#pragma once

#include <optional>

#include "autodiff/pointwise.h"
#include "autodiff/value.h"

namespace tangentplane {

/// A value and how fast it moves. Every function of value.h and ops.h takes it.
template <class T>
struct Dual {
  T primal;                  ///< the value
  std::optional<T> tangent;  ///< how fast it moves; none: exactly zero

  Dual() = default;
  Dual(T p) : primal(std::move(p)) {}  ///< a constant: no tangent
  /// A primal and perhaps a tangent of its shape.
  Dual(T p, std::optional<T> t) : primal(std::move(p)), tangent(std::move(t)) {}
};

/// As value.h asks of a value type.
template <class T>
struct ValueTraits<Dual<T>> {
  using Scalar = ScalarOf<T>;
  static const Tensor<Scalar>& primal(const Dual<T>& x) { return tangentplane::primal(x.primal); }
  static Dual<T> lift(Tensor<Scalar> x) { return tangentplane::lift<T>(std::move(x)); }
  static bool exactly_zero(const Dual<T>& x) {
    return tangentplane::exactly_zero(x.primal) && (!x.tangent || tangentplane::exactly_zero(*x.tangent));
  }
};

/// The product rule.
template <Slot s, class Form, class T>
Dual<T> solve(const Form& form, const Dual<T>& p, const Dual<T>& q) {
  Dual<T> y{solve<s>(form, p.primal, q.primal)};
  if (p.tangent) accumulate(y.tangent, solve<s>(form, *p.tangent, q.primal));
  if (q.tangent) accumulate(y.tangent, solve<s>(form, p.primal, *q.tangent));
  return y;
}

/// A map is its own derivative.
template <class Map, class T>
Dual<T> apply(const Map& map, const Dual<T>& x) {
  Dual<T> y{apply(map, x.primal)};
  if (x.tangent) y.tangent = apply(map, *x.tangent);
  return y;
}

/// Primals and tangents apart.
template <class T>
Dual<T> add(Dual<T> a, Dual<T> b) {
  Dual<T> y{add(std::move(a.primal), std::move(b.primal)), std::move(a.tangent)};
  if (b.tangent) accumulate(y.tangent, std::move(*b.tangent));
  return y;
}

/// x + map(b), primals and tangents apart.
template <class Map, class T>
Dual<T> add(Dual<T> x, const Map& map, const Dual<T>& b) {
  Dual<T> y{add(std::move(x.primal), map, b.primal)};
  if (x.tangent && b.tangent)
    y.tangent = add(std::move(*x.tangent), map, *b.tangent);
  else if (b.tangent)
    y.tangent = apply(map, *b.tangent);
  else
    y.tangent = std::move(x.tangent);
  return y;
}

/// The chain rule.
template <class F, class T>
Dual<T> pointwise(const F& f, const Dual<T>& x) {
  Dual<T> y{pointwise(f, x.primal)};
  if (x.tangent) y.tangent = slope_times(f, x.primal, *x.tangent);
  return y;
}

}  // namespace tangentplane
