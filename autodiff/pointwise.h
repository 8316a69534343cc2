// Functions of one number applied to every entry. Each is written once over a scalar type; its derivatives of every order come from
// instantiating it with (nested) scalar duals inside one vectorised loop. Choices read the innermost primal.
#pragma once

#include "autodiff/forms.h"
#include "autodiff/scalar.h"
#include "autodiff/value.h"

namespace tangentplane {

namespace pointwise_detail {

// 2 sqrt(2 / pi) (x + 0.044715 x^3) = x (linear + cubic x^2), twice the argument of the tanh form's tanh. In the left tail gelu is as small
// as e to this argument, and needs more digits of it than one number holds.
constexpr double linear = 0x1.9884533d43651p+0, cubic = 0x1.2444f2a4d8b4bp-4;

/// The argument less `inner`, which is the argument as it was rounded.
inline float gelu_rest(float x, float inner) {
  const double wide = x;
  return static_cast<float>(wide * (linear + cubic * wide * wide) - static_cast<double>(inner));
}
inline double gelu_rest(double x, double inner) {
  // In parts whose products are exact: x to 12 bits, its cube to 36, the coefficients to 40 and 17.
  constexpr double linear_high = 0x1.9884533d42000p+0, linear_low = 0x1.6508d0fcb3c50p-40, cubic_high = 0x1.2444000000000p-4,
                   cubic_low = 0x1.e549b1695e938p-21;
  const double high = std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) & 0xfffffe0000000000u), low = x - high;
  const double first = linear_high * high, third = cubic_high * (high * high * high);
  const double sum = first + third, back = sum - first, lost = (first - (sum - back)) + (third - back);
  const double others = linear_high * low + linear_low * x + cubic_high * (low * (x * x + high * (x + high))) + cubic_low * (x * x * x);
  return ((sum - inner) + lost) + others;
}

}  // namespace pointwise_detail

/// max(x, 0).
struct Relu {  // relu'(0) = 0; NaN stays NaN (its slope counts as 1)
  template <class X>
  X operator()(const X& x) const {
    return innermost(x) <= 0 ? X(0) : x;
  }
};
/// The tanh form of x Phi(x), as in flax.
struct Gelu {  // tanh form (Hendrycks and Gimpel, 2016): x (1 + tanh(u)) / 2 = x sigmoid(2 u)
  template <class X>
  X operator()(const X& x) const {
    const X inner = x * (X(pointwise_detail::linear) + X(pointwise_detail::cubic) * x * x);
    const X y = x * sigmoid(inner, pointwise_detail::gelu_rest(innermost(x), innermost(inner)));
    // The sigmoid is long 0 or 1 there, and the cube may overflow.
    return innermost(x) > 40 ? x : (innermost(x) < -40 ? X(0) : y);
  }
};
/// tanh(x).
struct Tanh {
  template <class X>
  X operator()(const X& x) const {
    return tanh(x);
  }
};
/// 1 / (1 + e^-x).
struct Sigmoid {
  template <class X>
  X operator()(const X& x) const {
    return sigmoid(x);
  }
};
/// log(1 + e^x).
struct Softplus {
  template <class X>
  X operator()(const X& x) const {
    return softplus(x);
  }
};
/// log(x).
struct Log {
  template <class X>
  X operator()(const X& x) const {
    return log(x);
  }
};
/// 1 / sqrt(x + shift).
struct Rsqrt {
  double shift = 0;  ///< added to x
  template <class X>
  X operator()(const X& x) const {
    return X(1) / sqrt(x + X(shift));
  }
};

/// f' as a pointwise function of its own.
template <class F>
struct Derivative {
  F f;  ///< the function whose slope it is
  template <class X>
  X operator()(const X& x) const {
    return f(ScalarDual<X>(x, X(1))).tangent;
  }
};

/// f(x), entry by entry.
template <class F, class S>
Tensor<S> pointwise(const F& f, const Tensor<S>& x) {
  Tensor<S> y(x.shape());
  cpu::transform(x.size(), x.data(), y.data(), [&f](S v) { return f(v); });
  return y;
}

/// f'(x) t: how a tangent and a cotangent alike pass through a pointwise function.
template <class F, class T>
T slope_times(const F& f, const T& x, const T& t) {
  return solve<Slot::output>(Mul{}, pointwise(Derivative<F>{f}, x), t);
}
/// The same in one sweep.
template <class F, class S>
Tensor<S> slope_times(const F& f, const Tensor<S>& x, const Tensor<S>& t) {
  Tensor<S> y(x.shape());
  const Derivative<F> slope{f};
  cpu::transform(x.size(), x.data(), t.data(), y.data(), [&slope](S v, S u) { return slope(v) * u; });
  return y;
}

}  // namespace tangentplane
