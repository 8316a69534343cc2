// The tile unit by AVX2 and fused multiply-adds; compiled with flags of its own. The processor flushes denormals while it runs.
#include <immintrin.h>

#include "autodiff/cpu/split/unit.h"

namespace tangentplane::cpu::split {
namespace {

using Vector = __m256;
constexpr std::int64_t width = 8;

/// Eight pairs' first numbers, and their second ones.
Vector first_of(__m256i eight) { return _mm256_castsi256_ps(_mm256_slli_epi32(eight, 16)); }
Vector second_of(__m256i eight) { return _mm256_castsi256_ps(_mm256_and_si256(eight, _mm256_set1_epi32(int(0xffff0000U)))); }

/// A tile's first numbers, then its second ones.
void expand(const Pair* from, float* to) {
  for (std::int64_t i = 0; i < tile; i += width) {
    const __m256i eight = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
    _mm256_storeu_ps(to + i, first_of(eight));
    _mm256_storeu_ps(to + tile + i, second_of(eight));
  }
}

/// c [16, 16] += one tile times one tile, two rows at a time: eight sums, which hide the latency of a multiply-add.
void add_tiles(const float* a, const float* b, float* c, std::int64_t stride) {
  for (std::int64_t i = 0; i < lanes; i += 2) {
    Vector sum[2][2][2];  // row, first or second numbers, half
    for (auto& row : sum)
      for (auto& numbers : row) numbers[0] = numbers[1] = _mm256_setzero_ps();
    for (std::int64_t p = 0; p < pairs; ++p)
      for (int k = 0; k < 2; ++k) {
        const float* const from = b + k * tile + p * lanes;
        const Vector left = _mm256_loadu_ps(from), right = _mm256_loadu_ps(from + width);
        for (int row = 0; row < 2; ++row) {
          const Vector x = _mm256_broadcast_ss(a + k * tile + (i + row) * pairs + p);
          sum[row][k][0] = _mm256_fmadd_ps(x, left, sum[row][k][0]);
          sum[row][k][1] = _mm256_fmadd_ps(x, right, sum[row][k][1]);
        }
      }
    for (int row = 0; row < 2; ++row)
      for (int half = 0; half < 2; ++half) {
        float* const to = c + (i + row) * stride + half * width;
        _mm256_storeu_ps(to, _mm256_add_ps(_mm256_loadu_ps(to), _mm256_add_ps(sum[row][0][half], sum[row][1][half])));
      }
  }
}

// Not inlined: no arithmetic of it may move to where denormals are not flushed.
[[gnu::noinline]] void multiply_flushing(const Pair* a, std::int64_t rows, const Pair* b, std::int64_t columns, std::int64_t steps,
                                         float* c, std::int64_t stride) {
  alignas(32) float of_a[steps_a_chunk][2][2 * tile], of_b[2][2 * tile];
  for (std::int64_t i = 0; i < lanes * rows; ++i)
    for (std::int64_t j = 0; j < lanes * columns; j += width) _mm256_storeu_ps(c + i * stride + j, _mm256_setzero_ps());
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t first = 0; first < steps; first += steps_a_chunk) {
      const std::int64_t count = steps - first < steps_a_chunk ? steps - first : steps_a_chunk;
      for (std::int64_t s = 0; s < count; ++s)
        for (int part = 0; part < 2; ++part) expand(a + (row * steps + first + s) * tile_pair + part * tile, of_a[s][part]);
      for (std::int64_t column = 0; column < columns; ++column)
        for (std::int64_t s = 0; s < count; ++s) {
          for (int part = 0; part < 2; ++part) expand(b + (column * steps + first + s) * tile_pair + part * tile, of_b[part]);
          float* const to = c + row * lanes * stride + column * lanes;
          add_tiles(of_a[s][1], of_b[0], to, stride);
          add_tiles(of_a[s][0], of_b[0], to, stride);
          add_tiles(of_a[s][0], of_b[1], to, stride);
        }
    }
}

void multiply(const Pair* a, std::int64_t rows, const Pair* b, std::int64_t columns, std::int64_t steps, float* c, std::int64_t stride) {
  constexpr unsigned masked = 0x1f80, flush_results = 0x8000, flush_operands = 0x0040;  // rounding to nearest even is 0
  const unsigned before = _mm_getcsr();
  _mm_setcsr(masked | flush_results | flush_operands);
  multiply_flushing(a, rows, b, columns, steps, c, stride);
  _mm_setcsr(before);
}

}  // namespace

const Unit fma_unit{"fma", multiply};

}  // namespace tangentplane::cpu::split
