// One number for many, to pin what a seed promises: FNV-1a over their bytes, lowest first.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <type_traits>

namespace tangentplane {

template <class T>
std::uint64_t checksum(std::span<const T> values) {
  using Word = std::conditional_t<sizeof(T) == 1, std::uint8_t, std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>;
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const T& v : values) {
    const auto word = static_cast<std::uint64_t>(std::bit_cast<Word>(v));
    for (std::size_t b = 0; b < sizeof(T); ++b) h = (h ^ ((word >> (8 * b)) & 0xff)) * 0x100000001b3u;
  }
  return h;
}

}  // namespace tangentplane
