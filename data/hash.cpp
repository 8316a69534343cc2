#include "data/hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>
#include <vector>

namespace tangentplane::data {
namespace {

static_assert(std::endian::native == std::endian::little, "the hash reads words as little-endian machines do");

constexpr std::uint64_t p1 = 0x9e3779b185ebca87, p2 = 0xc2b2ae3d27d4eb4f, p3 = 0x165667b19e3779f9, p4 = 0x85ebca77c2b2ae63,
                        p5 = 0x27d4eb2f165667c5;

template <class Word>
std::uint64_t word(const unsigned char* from) {
  Word w;
  std::memcpy(&w, from, sizeof w);
  return w;
}

std::uint64_t round(std::uint64_t lane, std::uint64_t input) { return std::rotl(lane + input * p2, 31) * p1; }

void take_stripe(std::array<std::uint64_t, 4>& lanes, const unsigned char* from) {
  for (std::size_t i = 0; i < 4; ++i) lanes[i] = round(lanes[i], word<std::uint64_t>(from + 8 * i));
}

}  // namespace

Hash64& Hash64::add(const void* bytes, std::size_t count) {
  const auto* from = static_cast<const unsigned char*>(bytes);
  const std::size_t held = length_ % rest_.size();
  length_ += count;
  if (held > 0) {
    const std::size_t more = std::min(count, rest_.size() - held);
    std::copy_n(from, more, rest_.data() + held);
    if (held + more < rest_.size()) return *this;
    take_stripe(lanes_, rest_.data());
    from += more, count -= more;
  }
  auto lanes = lanes_;  // in registers
  for (; count >= rest_.size(); from += rest_.size(), count -= rest_.size()) take_stripe(lanes, from);
  lanes_ = lanes;
  std::copy_n(from, count, rest_.data());
  return *this;
}

std::uint64_t Hash64::value() const {
  std::uint64_t h = p5;  // seed 0
  if (length_ >= rest_.size()) {
    h = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) + std::rotl(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) h = (h ^ round(0, lane)) * p1 + p4;
  }
  h += length_;
  const unsigned char *from = rest_.data(), *const end = from + length_ % rest_.size();
  for (; end - from >= 8; from += 8) h = std::rotl(h ^ round(0, word<std::uint64_t>(from)), 27) * p1 + p4;
  if (end - from >= 4) h = std::rotl(h ^ word<std::uint32_t>(from) * p1, 23) * p2 + p3, from += 4;
  for (; from < end; ++from) h = std::rotl(h ^ *from * p5, 11) * p1;
  h = (h ^ h >> 33) * p2;
  h = (h ^ h >> 29) * p3;
  return h ^ h >> 32;
}

std::string hexadecimal(std::uint64_t value) { return fmt::format("{:016x}", value); }

template <class S>
void NumbersFingerprint<S>::add(std::string_view text) {
  rounded_.add(text);
  exact_.add(text);
}

template <class S>
void NumbersFingerprint<S>::add(const Tensor<S>& tensor) {
  add(fmt::format("{}", tensor.shape()));
  if constexpr (std::is_same_v<S, float>) {
    rounded_.add(tensor.span());
  } else {
    exact_.add(tensor.span());
    constexpr Index piece = 1 << 14;
    std::vector<float> part(static_cast<std::size_t>(std::min(piece, tensor.size())));
    for (Index begin = 0; begin < tensor.size(); begin += piece) {
      const Index count = std::min(piece, tensor.size() - begin);
      std::transform(tensor.data() + begin, tensor.data() + begin + count, part.data(), [](double v) { return static_cast<float>(v); });
      rounded_.add(part.data(), static_cast<std::size_t>(count) * sizeof(float));
    }
  }
}

template <class S>
std::string NumbersFingerprint<S>::text() const {
  return hexadecimal(rounded_.value()) + (std::is_same_v<S, float> ? "" : hexadecimal(exact_.value()));
}

bool same_fingerprint(std::string_view a, std::string_view b) { return a.starts_with(b) || b.starts_with(a); }

template class NumbersFingerprint<float>;
template class NumbersFingerprint<double>;

}  // namespace tangentplane::data
