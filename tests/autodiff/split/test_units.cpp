// The tile units against what Intel's manual says of TDPBF16PS, written down once more: loops over plain indices, std::fma.
#include <bit>
#include <cmath>
#include <limits>

#include "autodiff/cpu/split/packed.h"
#include "autodiff/random.h"
#include "autodiff/tensor.h"
#include "tests/catch.h"

using namespace tangentplane;
using namespace tangentplane::cpu;

namespace {

float number(std::uint32_t upper) {
  const float x = std::bit_cast<float>(upper << 16);
  return std::abs(x) < 0x1p-126F ? std::copysign(0.F, x) : x;
}
/// Tiny after rounding to 24 digits: zero.
float multiply_add(float a, float b, float c) {
  const double exact = static_cast<double>(a) * static_cast<double>(b) + static_cast<double>(c);
  return std::abs(exact) < 0x1p-126 - 0x1p-151 ? std::copysign(0.F, static_cast<float>(exact)) : std::fma(a, b, c);
}
float add(float a, float b) {
  const float r = a + b;
  return std::abs(r) < 0x1p-126F ? std::copysign(0.F, r) : r;
}

/// One entry of a product over k terms: x[p], y[p] are the factors' numbers.
float by_the_manual(const std::vector<float>& x, const std::vector<float>& y) {
  float c = 0;
  for (std::size_t first = 0; first < x.size(); first += 32)
    for (const auto& [low_x, low_y] : {std::pair{true, false}, {false, false}, {false, true}}) {
      float even = 0, odd = 0;
      for (std::size_t p = first; p < first + 32; ++p) {
        const split::Parts a = p < x.size() ? split::parts_of(x[p]) : split::Parts{},
                           b = p < y.size() ? split::parts_of(y[p]) : split::Parts{};
        float& sum = p % 2 == 0 ? even : odd;
        sum = multiply_add(number(low_x ? a.low : a.high), number(low_y ? b.low : b.high), sum);
      }
      c = add(c, add(even, odd));
    }
  return c;
}

/// A [m, k] and B [k, n] as they lie in memory, each perhaps transposed.
struct Problem {
  Index m, n, k;
  bool transposed_a, transposed_b;
  Tensor<float> a, b;

  split::Factor left() const { return {split::Side::left, a.data(), transposed_a ? 1 : k, transposed_a ? m : 1, m, k}; }
  split::Factor right() const { return {split::Side::right, b.data(), transposed_b ? k : 1, transposed_b ? 1 : n, n, k}; }
  float entry(Index i, Index j) const {
    std::vector<float> x, y;
    for (Index p = 0; p < k; ++p) {
      x.push_back(a[transposed_a ? p * m + i : i * k + p]);
      y.push_back(b[transposed_b ? j * k + p : p * n + j]);
    }
    return by_the_manual(x, y);
  }
};

/// Compares every unit with the manual; entries that overflow are another test's.
template <class Draw>
void compare(Problem problem, const Draw& draw) {
  problem.a = Tensor<float>({problem.m, problem.k}), problem.b = Tensor<float>({problem.k, problem.n});
  for (float& v : problem.a.span()) v = draw();
  for (float& v : problem.b.span()) v = draw();
  split::Packed a(problem.left()), b(problem.right());
  a.pack(0, a.blocks());
  b.pack(0, b.blocks());
  for (int u = 0; u < split::units().count; ++u) {
    const split::Unit& unit = *split::units().units[u];
    INFO(unit.name << ", " << problem.m << " x " << problem.n << " x " << problem.k << ", transposed " << problem.transposed_a << " "
                   << problem.transposed_b);
    auto c = Tensor<float>::full({problem.m, problem.n}, NAN);
    split::multiply(unit, a, 0, problem.m, b, 0, problem.n, 1, 0, c.data(), problem.n);
    Index different = 0, zeros = 0;
    for (Index i = 0; i < problem.m; ++i)
      for (Index j = 0; j < problem.n; ++j) {
        const float expected = problem.entry(i, j);
        if (!std::isfinite(expected)) continue;
        different += std::bit_cast<std::uint32_t>(c[i * problem.n + j]) != std::bit_cast<std::uint32_t>(expected);
        zeros += expected == 0;
      }
    CHECK(different == 0);
    CHECK(2 * zeros <= problem.m * problem.n);  // the draw says something
  }
}

}  // namespace

TEST_CASE("split: every tile unit of this machine gives the bits that the manual says, packed from either layout and any sizes") {
  RandomStream random(0, "tile units");
  for (const auto& [m, n, k] : {std::array<Index, 3>{16, 16, 32}, {1, 1, 1}, {17, 33, 70}, {35, 18, 300}})
    for (const bool transposed_a : {false, true})
      for (const bool transposed_b : {false, true})
        compare({m, n, k, transposed_a, transposed_b, {}, {}}, [&] { return static_cast<float>(random.normal()); });
}

TEST_CASE("split: tile units agree where numbers, products and sums are denormal, or are many powers of two apart") {
  RandomStream random(1, "tile units");
  const auto exponents = [&](int low, int high) {
    return [&random, low, high] {
      const int e = low + static_cast<int>(random.below(static_cast<std::uint64_t>(high - low)));
      return static_cast<float>(std::ldexp(random.normal(), e));
    };
  };
  compare({20, 20, 64, false, false, {}, {}}, exponents(-64, -60));  // products near 2^-126
  compare({20, 20, 64, false, false, {}, {}}, exponents(-66, -40));  // sums that lose what is flushed
  compare({20, 20, 64, false, false, {}, {}}, exponents(-20, 20));   // sums that need more digits than double has
  compare({20, 20, 64, false, false, {}, {}}, exponents(-140, 60));  // low parts and numbers that are denormal themselves
  compare({20, 20, 64, false, false, {}, {}}, exponents(40, 62));
}

TEST_CASE("split: the parts of a number") {
  const auto value = [](std::uint32_t upper) { return static_cast<double>(std::bit_cast<float>(upper << 16)); };
  RandomStream random(2, "parts");
  for (int i = 0; i < 10000; ++i) {
    const auto x = static_cast<float>(std::ldexp(random.normal(), static_cast<int>(random.below(200)) - 100));
    const split::Parts parts = split::parts_of(x);
    const double off = std::abs(static_cast<double>(x) - value(parts.high)),
                 left = std::abs(static_cast<double>(x) - value(parts.high) - value(parts.low));
    if (off > 0x1p-8 * std::abs(static_cast<double>(x)) || left > 0x1p-17 * std::abs(static_cast<double>(x))) FAIL("parts of " << x);
  }
  // To nearest, ties to even: 8 digits.
  CHECK(value(split::parts_of(1 + 0x1p-8F).high) == 1);
  CHECK(value(split::parts_of(1 + 0x1.8p-7F).high) == 1 + 0x1p-6);
  CHECK(value(split::parts_of(1 + 0x1.2p-8F).high) == 1 + 0x1p-7);
  CHECK(value(split::parts_of(1 + 0x1.2p-8F).low) == 0x1.2p-8 - 0x1p-7);
  // The largest number, whose nearest bfloat16 is infinite.
  const split::Parts largest = split::parts_of(std::numeric_limits<float>::max());
  CHECK(value(largest.high) == 0x1.fep127);
  CHECK(value(largest.low) == 0x1p120);
  CHECK(value(split::parts_of(1e30F).high) + value(split::parts_of(1e30F).low) == Approx(1e30).epsilon(1e-5));
  CHECK(value(split::parts_of(-INFINITY).high) == -INFINITY);
  CHECK(split::parts_of(-INFINITY).low == 0);
  for (const std::uint32_t bits : {0x7f800001U, 0xff80ffffU, 0x7fc00000U, 0x7fffffffU}) {  // NaNs, whatever of their digits is cut off
    CHECK(std::isnan(value(split::parts_of(std::bit_cast<float>(bits)).high)));
    CHECK(split::parts_of(std::bit_cast<float>(bits)).low == 0);
  }
}
