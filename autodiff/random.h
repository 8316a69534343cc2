// Our own random numbers: the standard library's distributions differ between implementations, and a result must follow from its
// seed alone. One stream for each use (weights, batch order, data), so that drawing more of one never changes another.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <string_view>
#include <vector>

#include "autodiff/shape.h"

namespace tangentplane {

/// xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64 from (seed, name, index): streams with different names or
/// indices are independent.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view name, std::uint64_t index = 0) {
    std::uint64_t h = 0xcbf29ce484222325u;  // FNV-1a of the name
    for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    std::uint64_t state = mix(seed + 0x9e3779b97f4a7c15u) ^ mix(h) ^ mix(mix(index) + 0x632be59bd9b4e019u);
    for (auto& word : state_) word = mix(state += 0x9e3779b97f4a7c15u);
  }

  std::uint64_t bits() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9, t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  /// In [0, 1), 53 bits.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Standard normal, by Box and Muller.
  double normal() {
    if (spare_ready_) {
      spare_ready_ = false;
      return spare_;
    }
    const double r = std::sqrt(-2 * std::log(1 - uniform())), angle = 2 * std::numbers::pi * uniform();
    spare_ = r * std::sin(angle);
    spare_ready_ = true;
    return r * std::cos(angle);
  }
  /// Standard normal conditioned on [-2, 2].
  double truncated_normal() {
    for (;;)
      if (const double z = normal(); std::abs(z) <= 2) return z;
  }
  /// Uniform in {0, ..., n-1}, without bias.
  Index below(Index n) {
    const auto bound = static_cast<std::uint64_t>(n), limit = (~std::uint64_t{0} / bound) * bound;
    for (;;)
      if (const std::uint64_t b = bits(); b < limit) return static_cast<Index>(b % bound);
  }
  /// A uniform permutation of 0 ... n-1 (Fisher-Yates).
  std::vector<Index> permutation(Index n) {
    std::vector<Index> p(static_cast<std::size_t>(n));
    std::iota(p.begin(), p.end(), Index(0));
    for (Index i = n - 1; i > 0; --i) std::swap(p[static_cast<std::size_t>(i)], p[static_cast<std::size_t>(below(i + 1))]);
    return p;
  }

 private:
  static std::uint64_t rotate(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  static std::uint64_t mix(std::uint64_t z) {  // splitmix64's finaliser
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  std::array<std::uint64_t, 4> state_{};
  double spare_ = 0;
  bool spare_ready_ = false;
};

}  // namespace tangentplane
