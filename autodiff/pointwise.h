// Functions of one number applied to every entry. Each is written once over a scalar type; its derivatives of every order come from
// instantiating it with (nested) scalar duals inside one vectorised loop. Choices read the innermost primal.
#pragma once

#include "autodiff/forms.h"
#include "autodiff/scalar.h"
#include "autodiff/value.h"

namespace tangentplane {

struct Relu {  // relu'(0) = 0
  template <class X>
  X operator()(const X& x) const {
    return innermost(x) > 0 ? x : X(0);
  }
};
struct Gelu {  // tanh form (Hendrycks and Gimpel, 2016)
  template <class X>
  X operator()(const X& x) const {
    const X inner = X(0.79788456080286535588) * (x + X(0.044715) * x * x * x);  // sqrt(2 / pi)
    return X(0.5) * x * (X(1) + tanh(inner));
  }
};
struct Tanh {
  template <class X>
  X operator()(const X& x) const {
    return tanh(x);
  }
};
struct Sigmoid {
  template <class X>
  X operator()(const X& x) const {
    return X(0.5) * (X(1) + tanh(X(0.5) * x));
  }
};
struct Softplus {  // log(1 + e^x) without overflow
  template <class X>
  X operator()(const X& x) const {
    return innermost(x) > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
  }
};
struct Log {
  template <class X>
  X operator()(const X& x) const {
    return log(x);
  }
};
struct Rsqrt {  // 1 / sqrt(x + shift)
  double shift = 0;
  template <class X>
  X operator()(const X& x) const {
    return X(1) / sqrt(x + X(shift));
  }
};

/// f' as a pointwise function of its own.
template <class F>
struct Derivative {
  F f;
  template <class X>
  X operator()(const X& x) const {
    return f(ScalarDual<X>(x, X(1))).tangent;
  }
};

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
