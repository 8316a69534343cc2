// The one hash of this code base: what tells images, weights and kernels apart, and a written tile from a torn one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "autodiff/tensor.h"

namespace tangentplane::data {

/// XXH64 with seed 0 (Yann Collet, "xxHash fast digest algorithm", the published specification): 64 bits of any run of bytes, at the rate
/// at which memory is read. Not for secrets.
class Hash64 {
 public:
  /// Goes on with these bytes; the pieces in which a run of bytes comes make no difference.
  Hash64& add(const void* bytes, std::size_t count);
  /// The bytes of a text.
  Hash64& add(std::string_view text) { return add(text.data(), text.size()); }
  /// The bytes of numbers.
  template <class T>
  requires std::is_arithmetic_v<T> Hash64& add(std::span<const T> numbers) { return add(numbers.data(), numbers.size_bytes()); }
  /// Of all bytes so far.
  std::uint64_t value() const;

 private:
  std::array<std::uint64_t, 4> lanes_{0x60ea27eeadc0b5d6, 0xc2b2ae3d27d4eb4f, 0, 0x61c8864e7a143579};  // p1 + p2, p2, 0, -p1
  std::uint64_t length_ = 0;
  std::array<unsigned char, 32> rest_{};  // the last length_ % 32 bytes
};

/// 16 hexadecimal digits.
std::string hexadecimal(std::uint64_t value);

/// A fingerprint of named arrays that runs in float32 and float64 can compare: 16 digits of the numbers rounded to float32, for double
/// followed by 16 digits of the numbers themselves.
template <class S>
class NumbersFingerprint {
 public:
  /// A text, such as a name.
  void add(std::string_view text);
  /// The shape counts too.
  void add(const Tensor<S>& tensor);
  /// Of all that was added.
  std::string text() const;

 private:
  Hash64 rounded_, exact_;
};

/// Whether two fingerprints can be of the same content: one is the other, or its beginning.
bool same_fingerprint(std::string_view a, std::string_view b);

}  // namespace tangentplane::data
