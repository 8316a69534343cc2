// The tile unit in plain C++: each fused multiply-add in double, where it is exact or rounds as the single rounding would, and denormals
// are flushed by hand. A bfloat16 has 8 digits, so a product has 16; a sum of it and a float that needs more than double's 53 is so much
// of one and so little of the other that rounding twice cannot matter.
#include <bit>
#include <cmath>
#include <limits>

#include "autodiff/cpu/split/unit.h"

namespace tangentplane::cpu::split {
namespace {

/// A bfloat16 in the upper half.
float expand(std::uint32_t bits) {
  const float x = std::bit_cast<float>(bits);
  return std::abs(x) < std::numeric_limits<float>::min() ? x * 0.F : x;
}

/// r rounded to float, or zero where the rounded value would be smaller than every normal number. From 2^-126 - 2^-151 on it is not.
float flushed(double r) { return static_cast<float>(std::abs(r) < 0x1p-126 - 0x1p-151 ? r * 0. : r); }

/// Of two floats the sum is exact where it is so small.
float flushed_sum(float a, float b) {
  const float r = a + b;
  return std::abs(r) < std::numeric_limits<float>::min() ? r * 0.F : r;
}

/// A tile's numbers: first and second ones.
using Expanded = float[2][tile];

/// c [16, 16] += one tile times one tile.
void add_tiles(const Expanded& a, const Expanded& b, float* c, std::int64_t stride) {
  for (std::int64_t i = 0; i < lanes; ++i) {
    float sums[2][lanes] = {};
    for (std::int64_t p = 0; p < pairs; ++p)
      for (int k = 0; k < 2; ++k) {
        const double x = a[k][i * pairs + p];
        for (std::int64_t j = 0; j < lanes; ++j)
          sums[k][j] = flushed(x * static_cast<double>(b[k][p * lanes + j]) + static_cast<double>(sums[k][j]));
      }
    for (std::int64_t j = 0; j < lanes; ++j) c[i * stride + j] = flushed_sum(c[i * stride + j], flushed_sum(sums[0][j], sums[1][j]));
  }
}

void expand(const Pair* from, Expanded& to) {
  for (std::int64_t i = 0; i < tile; ++i) to[0][i] = expand(from[i] << 16), to[1][i] = expand(from[i] & 0xffff0000U);
}

void multiply(const Pair* a, std::int64_t rows, const Pair* b, std::int64_t columns, std::int64_t steps, float* c, std::int64_t stride) {
  for (std::int64_t i = 0; i < lanes * rows; ++i)
    for (std::int64_t j = 0; j < lanes * columns; ++j) c[i * stride + j] = 0;
  Expanded high_a, low_a, high_b, low_b;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < columns; ++column)
      for (std::int64_t s = 0; s < steps; ++s) {
        const Pair *from_a = a + (row * steps + s) * tile_pair, *from_b = b + (column * steps + s) * tile_pair;
        expand(from_a, high_a);
        expand(from_a + tile, low_a);
        expand(from_b, high_b);
        expand(from_b + tile, low_b);
        float* const to = c + row * lanes * stride + column * lanes;
        add_tiles(low_a, high_b, to, stride);
        add_tiles(high_a, high_b, to, stride);
        add_tiles(high_a, low_b, to, stride);
      }
}

}  // namespace

const Unit plain_unit{"plain", multiply};

}  // namespace tangentplane::cpu::split
