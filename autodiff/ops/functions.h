// Functions of one number beside those of pointwise.h, and the names that models use for all of them. Slopes at kinks are PyTorch's where
// it has one; a choice never loses a NaN.
#pragma once

#include <limits>

#include "autodiff/gaussian.h"
#include "autodiff/ops/basic.h"
#include "autodiff/scalar_functions.h"

namespace tangentplane {

/// e^x.
struct Exp {
  template <class X>
  X operator()(const X& x) const {
    return exp(x);
  }
};
/// The square root of x.
struct Sqrt {
  template <class X>
  X operator()(const X& x) const {
    return sqrt(x);
  }
};
/// |x|, with slope 0 at 0.
struct Abs {
  template <class X>
  X operator()(const X& x) const {
    return innermost(x) == 0 ? X(0) : (innermost(x) < 0 ? -x : x);
  }
};
/// x^exponent.
struct Pow {
  double exponent;  ///< a constant
  template <class X>
  X operator()(const X& x) const {
    return pow(x, exponent);
  }
};
/// sin(x).
struct Sin {
  template <class X>
  X operator()(const X& x) const {
    return sin(x);
  }
};
/// cos(x).
struct Cos {
  template <class X>
  X operator()(const X& x) const {
    return cos(x);
  }
};
/// 1 / x.
struct Reciprocal {
  template <class X>
  X operator()(const X& x) const {
    return X(1) / x;
  }
};
/// The error function.
struct Erf {
  template <class X>
  X operator()(const X& x) const {
    return erf(x);
  }
};
/// x Phi(x), Phi the normal distribution.
struct ExactGelu {
  template <class X>
  X operator()(const X& x) const {
    const X y = x * normal_distribution(x);
    return innermost(x) > 40 ? x : (innermost(x) < -40 ? X(0) : y);  // Phi is long 0 or 1 there
  }
};
/// x sigmoid(x).
struct Silu {
  template <class X>
  X operator()(const X& x) const {
    const X y = x * sigmoid(x);
    return innermost(x) > 800 ? x : (innermost(x) < -800 ? X(0) : y);
  }
};
/// x where x > 0, else slope x.
struct LeakyRelu {
  double slope;  ///< where x <= 0
  template <class X>
  X operator()(const X& x) const {
    const X left = X(slope) * x;  // read before the choice, or the loop is not vectorised
    return innermost(x) <= 0 ? left : x;
  }
};
/// x where x > 0, else alpha (e^x - 1).
struct Elu {
  double alpha;  ///< minus the limit
  template <class X>
  X operator()(const X& x) const {
    const X y = X(alpha) * expm1(x);
    return innermost(x) > 0 ? x : y;
  }
};
/// x times x / 6 + 1/2 cut to [0, 1]. At -3 the slope is 0, at 3 it is 1.
struct HardSwish {
  template <class X>
  X operator()(const X& x) const {
    const X y = x * (x + X(3)) / X(6);
    return innermost(x) <= -3 ? X(0) : (innermost(x) >= 3 ? x : y);
  }
};
/// alpha x + beta cut to [0, 1], with slope alpha strictly between.
struct HardSigmoid {
  double alpha, beta;  ///< slope and shift
  template <class X>
  X operator()(const X& x) const {
    const X y = X(alpha) * x + X(beta);
    return innermost(y) <= 0 ? X(0) : (innermost(y) >= 1 ? X(1) : y);
  }
};
/// x cut to [low, high], with slope 1 strictly between and 0 at and beyond the ends, as that of relu at 0.
struct Clip {
  double low, high;  ///< the ends
  template <class X>
  X operator()(const X& x) const {
    using S = decltype(innermost(x));
    // The ends as numbers of x's type, so that an entry equal to one is at it; read before the choice, or the loop is not vectorised.
    const S bottom = static_cast<S>(low), top = static_cast<S>(high);
    const X below = innermost(x) >= top ? X(top) : x;
    return innermost(x) <= bottom ? X(bottom) : below;
  }
};
/// min(x, 0), with slope 1 at 0: what relu leaves of x.
struct NegativePart {
  template <class X>
  X operator()(const X& x) const {
    return innermost(x) > 0 ? X(0) : x;
  }
};

/// max(x, 0), entry by entry.
template <class T>
T relu(const T& x) {
  return pointwise(Relu{}, x);
}
/// x Phi(x) in its tanh form, entry by entry.
template <class T>
T gelu(const T& x) {
  return pointwise(Gelu{}, x);
}
/// x Phi(x) by the error function, entry by entry; what PyTorch calls gelu.
template <class T>
T gelu_exact(const T& x) {
  return pointwise(ExactGelu{}, x);
}
/// tanh(x), entry by entry.
template <Value T>
T tanh(const T& x) {
  return pointwise(Tanh{}, x);
}
/// 1 / (1 + e^-x), entry by entry.
template <Value T>
T sigmoid(const T& x) {
  return pointwise(Sigmoid{}, x);
}
/// log(1 + e^x), entry by entry.
template <Value T>
T softplus(const T& x) {
  return pointwise(Softplus{}, x);
}
/// log(x), entry by entry.
template <Value T>
T log(const T& x) {
  return pointwise(Log{}, x);
}
/// 1 / sqrt(x + shift).
template <class T>
T rsqrt(const T& x, double shift = 0) {
  return pointwise(Rsqrt{shift}, x);
}
/// e^x, entry by entry.
template <Value T>
T exp(const T& x) {
  return pointwise(Exp{}, x);
}
/// The square root, entry by entry.
template <Value T>
T sqrt(const T& x) {
  return pointwise(Sqrt{}, x);
}
/// |x|, entry by entry; its slope at 0 counts as 0.
template <Value T>
T abs(const T& x) {
  return pointwise(Abs{}, x);
}
/// x^exponent, entry by entry; 1 for an exponent of 0, NaN for a negative x where the exponent is no whole number.
template <Value T>
T pow(const T& x, double exponent) {
  return pointwise(Pow{exponent}, x);
}
/// The error function, entry by entry.
template <Value T>
T erf(const T& x) {
  return pointwise(Erf{}, x);
}
/// sin(x), entry by entry.
template <Value T>
T sin(const T& x) {
  return pointwise(Sin{}, x);
}
/// cos(x), entry by entry.
template <Value T>
T cos(const T& x) {
  return pointwise(Cos{}, x);
}
/// -x.
template <class T>
T negate(const T& x) {
  return scale(x, -1);
}
/// 1 / x, entry by entry.
template <class T>
T reciprocal(const T& x) {
  return pointwise(Reciprocal{}, x);
}
/// x sigmoid(x), entry by entry.
template <class T>
T silu(const T& x) {
  return pointwise(Silu{}, x);
}
/// x where x > 0, else slope x.
template <Value T>
T leaky_relu(const T& x, double slope = 0.01) {
  return pointwise(LeakyRelu{slope}, x);
}
/// x where x > 0, else alpha (e^x - 1).
template <class T>
T elu(const T& x, double alpha = 1) {
  return pointwise(Elu{alpha}, x);
}
/// x times x / 6 + 1/2 cut to [0, 1].
template <class T>
T hard_swish(const T& x) {
  return pointwise(HardSwish{}, x);
}
/// alpha x + beta cut to [0, 1].
template <class T>
T hard_sigmoid(const T& x, double alpha = 1.0 / 6, double beta = 0.5) {
  return pointwise(HardSigmoid{alpha, beta}, x);
}
/// x cut to [low, high]; either may be infinite. Throws std::invalid_argument unless low <= high.
template <class T>
T clip(const T& x, double low, double high) {
  require(low <= high, "clip: [{}, {}] is empty; low must not be above high", low, high);
  return pointwise(Clip{low, high}, x);
}

}  // namespace tangentplane
