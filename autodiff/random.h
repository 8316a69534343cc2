// Our own random numbers: the standard library's distributions differ between implementations, and a result must follow from its
// seed alone. One stream for each use (weights, batch order, data), so that drawing more of one never changes another.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "autodiff/shape.h"

namespace tangentplane {

/// xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64 from (seed, name, index): streams with different names or
/// indices are independent. The numbers are the same on every machine and by every compiler, to the last bit.
class RandomStream {
 public:
  /// Stream `index` of those called `name`, of this seed.
  RandomStream(std::uint64_t seed, std::string_view name, std::uint64_t index = 0);

  /// 64 random bits.
  std::uint64_t bits();
  /// In [0, 1), 53 bits.
  double uniform();
  /// In [low, high).
  double uniform(double low, double high);
  /// Standard normal, by Box and Muller.
  double normal();
  /// Standard normal conditioned on [-2, 2].
  double truncated_normal();
  /// Uniform in {0, ..., n-1}, without bias. Throws std::invalid_argument for n below 1.
  Index below(Index n);
  /// A uniform permutation of 0 ... n-1 (Fisher-Yates). Throws std::invalid_argument for a negative n.
  std::vector<Index> permutation(Index n);

 private:
  std::array<std::uint64_t, 4> state_{};
  double spare_ = 0;
  bool spare_ready_ = false;
};

}  // namespace tangentplane
