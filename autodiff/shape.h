// The extents of a tensor, first axis first: images are [N, H, W, C], dense activations [N, C].
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "autodiff/check.h"

namespace tangentplane {

using Index = std::int64_t;  ///< of images, axes, numbers: signed, so that differences are right

/// Up to eight extents; rank 0 is a scalar with one element.
class Shape {
 public:
  static constexpr int max_rank = 8;  ///< the most axes
  /// So many doubles have fewer than 2^63 bytes: whoever multiplies a size by that of a number need not check again.
  static constexpr Index most_numbers = (Index(1) << 60) - 1;

  Shape() = default;
  /// As it is written, [32, 32, 3]. Throws std::invalid_argument for too many or negative extents, as append does.
  Shape(std::initializer_list<Index> extents) {
    require(extents.size() <= max_rank, "shape: rank {} is above {}", extents.size(), max_rank);
    for (Index n : extents) append(n);
  }

  /// One axis more, the last.
  void append(Index n) {
    require(rank_ < max_rank, "shape: rank above {}", max_rank);
    require(n >= 0, "shape: extent {} is negative", n);
    extents_[static_cast<std::size_t>(rank_++)] = n;
  }

  int rank() const { return rank_; }  ///< number of axes
  /// Extent of one axis; negative axes count from the last (-1 is the channels). Throws std::invalid_argument where there is no such axis.
  Index operator[](int axis) const {
    const int place = axis < 0 ? rank_ + axis : axis;
    if (place < 0 || place >= rank_) [[unlikely]]
      no_such_axis(axis);
    return extents_[static_cast<std::size_t>(place)];
  }
  /// Product of all extents. Throws std::invalid_argument where it is above most_numbers, as row_size does.
  Index size() const { return product(0); }
  /// Product of all extents but the first: numbers an example.
  Index row_size() const { return product(1); }
  /// The same shape with another first extent.
  Shape with_rows(Index rows) const {
    Shape s = *this;
    require(rank_ > 0, "shape: a scalar has no rows");
    s.extents_[0] = rows;
    return s;
  }
  /// The same shape with another last extent.
  Shape with_last(Index extent) const {
    Shape s = *this;
    require(rank_ > 0, "shape: a scalar has no last axis");
    s.extents_[static_cast<std::size_t>(rank_ - 1)] = extent;
    return s;
  }
  /// Of the same rank and extents.
  bool operator==(const Shape& other) const {
    return rank_ == other.rank_ && std::equal(extents_.begin(), extents_.begin() + rank_, other.extents_.begin());
  }
  /// As in error messages: [8,32,32,3].
  std::string str() const {
    std::string s = "[";
    for (int i = 0; i < rank_; ++i) {
      if (i) s += ',';
      s += std::to_string((*this)[i]);
    }
    s += ']';
    return s;
  }

 private:
  /// The one place where extents are multiplied. An extent of 0 makes the product 0, but does not excuse the others.
  Index product(int first) const {
    Index n = 1;
    bool none = false;
    for (int i = first; i < rank_; ++i) {
      const Index extent = extents_[static_cast<std::size_t>(i)];
      if (extent == 0)
        none = true;
      else if (__builtin_mul_overflow(n, extent, &n) || n > most_numbers) [[unlikely]]
        too_large();
    }
    return none ? 0 : n;
  }
  // Out of the way of the loops that these are checked in.
  [[noreturn, gnu::cold, gnu::noinline]] void no_such_axis(int axis) const {
    throw std::invalid_argument(fmt::format("shape: {} has no axis {}", str(), axis));
  }
  [[noreturn, gnu::cold, gnu::noinline]] void too_large() const {
    throw std::invalid_argument(fmt::format("shape: {} is above 2^60 numbers, more than any memory holds", str()));
  }

  std::array<Index, max_rank> extents_{};
  int rank_ = 0;
};

}  // namespace tangentplane

/// Shapes in messages, as str() writes them.
template <>
struct fmt::formatter<tangentplane::Shape> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const tangentplane::Shape& s, Context& context) const {
    return fmt::formatter<std::string>::format(s.str(), context);
  }
};
