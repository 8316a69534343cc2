// Compiled without contraction (CMakeLists.txt), and not inline: whether a * b + c is rounded once or twice depends on the machine that a
// program is compiled for, and so would its random numbers.
#include "autodiff/random.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "autodiff/portable_math.h"

namespace tangentplane {
namespace {

std::uint64_t rotate(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
std::uint64_t mix(std::uint64_t z) {  // splitmix64's finaliser
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

RandomStream::RandomStream(std::uint64_t seed, std::string_view name, std::uint64_t index) {
  std::uint64_t h = 0xcbf29ce484222325u;  // FNV-1a of the name
  for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  std::uint64_t state = mix(seed + 0x9e3779b97f4a7c15u) ^ mix(h) ^ mix(mix(index) + 0x632be59bd9b4e019u);
  for (auto& word : state_) word = mix(state += 0x9e3779b97f4a7c15u);
}

std::uint64_t RandomStream::bits() {
  const std::uint64_t result = rotate(state_[1] * 5, 7) * 9, t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate(state_[3], 45);
  return result;
}

double RandomStream::uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

double RandomStream::uniform(double low, double high) { return std::fma(high - low, uniform(), low); }

double RandomStream::normal() {
  if (spare_ready_) {
    spare_ready_ = false;
    return spare_;
  }
  const double r = std::sqrt(-2 * portable::log(1 - uniform()));
  const auto direction = portable::sine_cosine(2 * std::numbers::pi * uniform());
  spare_ = r * direction.sine;
  spare_ready_ = true;
  return r * direction.cosine;
}

double RandomStream::truncated_normal() {
  for (;;)
    if (const double z = normal(); std::abs(z) <= 2) return z;
}

Index RandomStream::below(Index n) {
  require(n >= 1, "random: a number below {}; there is none", n);
  const auto bound = static_cast<std::uint64_t>(n), limit = (~std::uint64_t{0} / bound) * bound;
  for (;;)
    if (const std::uint64_t b = bits(); b < limit) return static_cast<Index>(b % bound);
}

std::vector<Index> RandomStream::permutation(Index n) {
  require(n >= 0, "random: a permutation of {} numbers", n);
  std::vector<Index> p(static_cast<std::size_t>(n));
  std::iota(p.begin(), p.end(), Index(0));
  for (Index i = n - 1; i > 0; --i) std::swap(p[static_cast<std::size_t>(i)], p[static_cast<std::size_t>(below(i + 1))]);
  return p;
}

}  // namespace tangentplane
