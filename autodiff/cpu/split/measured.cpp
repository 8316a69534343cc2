#include "autodiff/cpu/split/measured.h"

#include <atomic>
#include <bit>
#include <cmath>
#include <mutex>

namespace tangentplane::cpu::split {
namespace {

std::mutex mutex;
Measured sampled;                                                     // but for the flops
std::atomic<Index> tiles{0}, split_products{0}, float32_products{0};  // the latter in multiply-adds

}  // namespace

double Measured::relative() const { return norm > 0 ? std::sqrt(difference / norm) : 0; }

Measured Measured::since(const Measured& then) const {
  return {split_flops - then.split_flops, float32_flops - then.float32_flops, samples - then.samples, difference - then.difference,
          norm - then.norm};
}

Measured measured() {
  const std::lock_guard lock(mutex);
  Measured all = sampled;
  all.split_flops = 2 * static_cast<double>(split_products.load());
  all.float32_flops = 2 * static_cast<double>(float32_products.load());
  return all;
}

void measure_anew() { tiles = 0; }

void count_product(bool is_split, Index m, Index n, Index k) {
  (is_split ? split_products : float32_products).fetch_add(m * n * k, std::memory_order_relaxed);
}

bool wants_measuring() {
  const auto number = static_cast<std::uint64_t>(tiles.fetch_add(1, std::memory_order_relaxed)) + 1;
  return number <= 16 || std::has_single_bit(number);
}

void measure(Index rows, Index columns, const float* split, Index stride, const float* float32) {
  double difference = 0, norm = 0;
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < columns; ++j) {
      const double is = split[i * stride + j], was = float32[i * columns + j];
      if (!std::isfinite(is) || !std::isfinite(was)) continue;
      difference += (is - was) * (is - was);
      norm += was * was;
    }
  const std::lock_guard lock(mutex);
  ++sampled.samples;
  sampled.difference += difference;
  sampled.norm += norm;
}

}  // namespace tangentplane::cpu::split
