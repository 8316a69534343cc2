// What a case of hostile input is made of, drawn from (seed, number) alone: the same case on every machine, and without the ones before it.
#pragma once

#include <string>
#include <vector>

#include "autodiff/random.h"

namespace tangentplane::experiments::hostile {

class Draw {
 public:
  Draw(std::uint64_t seed, std::uint64_t number) : stream_(seed, "hostile", number) {}

  /// In {0, ..., n-1}; 0 for n = 0.
  std::size_t below(std::size_t n) { return n > 1 ? static_cast<std::size_t>(stream_.below(static_cast<Index>(n))) : 0; }
  bool chance(double p) { return stream_.uniform() < p; }
  template <class T>
  const T& of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }
  /// Of numbers in braces.
  std::size_t among(const std::vector<std::size_t>& choices) { return of(choices); }
  /// Of texts in braces; they may hold any byte.
  const std::string& word(const std::vector<std::string>& choices) { return of(choices); }

  /// A place in `n` bytes: half of them near the beginning, a quarter near the end, where headers and directories are.
  std::size_t place(std::size_t n) {
    if (n == 0) return 0;
    if (chance(0.5)) return below(std::min<std::size_t>(n, 160));
    if (chance(0.5)) return n - 1 - below(std::min<std::size_t>(n, 400));
    return below(n);
  }

 private:
  RandomStream stream_;
};

/// Where sizes, counts and indices break: around powers of two, as 64 bits of two's complement.
inline const std::vector<std::uint64_t> edges{0,          1,          2,          3,           7,          127,
                                              128,        255,        256,        4096,        65535,      65536,
                                              0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 1000000000, 3037000500,
                                              1ull << 40, 1ull << 62, ~0ull >> 1, 1ull << 63,  ~0ull,      ~0ull - 7};

}  // namespace tangentplane::experiments::hostile
