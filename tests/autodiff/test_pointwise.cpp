// Pointwise functions: derivatives of both modes and of second order, the kink, and the accuracy of exp and tanh.
#include "tests/check.h"

using namespace tangentplane;
using check::all_orders;

// A smooth function around the op, so that second derivatives are not all zero.
#define OP(expression)         \
  [](const auto& p) {          \
    const auto a = tanh(p[0]); \
    return expression;         \
  }

TEST_CASE("pointwise functions") {
  all_orders(OP(relu(a)), {{7, 3}});
  all_orders(OP(gelu(a)), {{7, 3}});
  all_orders(OP(tanh(a)), {{7, 3}});
  all_orders(OP(sigmoid(a)), {{7, 3}});
  all_orders(OP(softplus(a)), {{7, 3}});
  all_orders(OP(log(softplus(a))), {{7, 3}});
  all_orders(OP(rsqrt(mul(a, a), 0.3)), {{7, 3}});
  // long enough for the threads and for the vector loop's tail
  all_orders(OP(gelu(a)), {{33001}});
}

TEST_CASE("relu's derivative at zero is zero") {
  const auto zero = Tensor<double>::zeros({3});
  CHECK(grad([](const auto& p) { return sum(relu(p[0])); }, std::vector{zero})[0][1] == 0);
}

TEST_CASE("exp and tanh are accurate to a few units in the last place, to the ends of their range") {
  for (double x = -708; x < 709.7; x += 0.37) CHECK(std::abs(tangentplane::exp(x) / std::exp(x) - 1) < 5e-16);
  for (float x = -87; x < 88.7f; x += 0.037f) CHECK(std::abs(tangentplane::exp(x) / std::exp(x) - 1) < 3e-7f);
  for (double x = 1e-12; x < 30; x *= 1.1) {
    CHECK(std::abs(tangentplane::tanh(x) / std::tanh(x) - 1) < 1e-15);
    CHECK(tangentplane::tanh(-x) == -tangentplane::tanh(x));
    CHECK(std::abs(tangentplane::tanh(static_cast<float>(x)) / std::tanh(static_cast<float>(x)) - 1) < 5e-7f);
  }
  CHECK(tangentplane::tanh(0.0) == 0);
  CHECK(std::isnan(tangentplane::tanh(std::nan(""))));
  CHECK(std::isnan(tangentplane::exp(std::nan(""))));
}
