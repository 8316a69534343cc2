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

using Index = std::int64_t;

/// Up to six extents; rank 0 is a scalar with one element.
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<Index> extents) {
    require(extents.size() <= max_rank, "shape: rank {} is above {}", extents.size(), max_rank);
    for (Index n : extents) append(n);
  }

  void append(Index n) {
    require(rank_ < max_rank, "shape: rank above {}", max_rank);
    require(n >= 0, "shape: extent {} is negative", n);
    extents_[static_cast<std::size_t>(rank_++)] = n;
  }

  int rank() const { return rank_; }
  /// Extent of one axis; negative axes count from the last (-1 is the channels).
  Index operator[](int axis) const { return extents_[static_cast<std::size_t>(axis < 0 ? rank_ + axis : axis)]; }
  /// Product of all extents.
  Index size() const {
    Index n = 1;
    for (int i = 0; i < rank_; ++i) n *= (*this)[i];
    return n;
  }
  /// Product of all extents but the first: numbers an example.
  Index row_size() const {
    Index n = 1;
    for (int i = 1; i < rank_; ++i) n *= (*this)[i];
    return n;
  }
  /// The same shape with another first extent.
  Shape with_rows(Index rows) const {
    Shape s = *this;
    require(rank_ > 0, "shape: a scalar has no rows");
    s.extents_[0] = rows;
    return s;
  }
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
  std::array<Index, max_rank> extents_{};
  int rank_ = 0;
};

}  // namespace tangentplane

template <>
struct fmt::formatter<tangentplane::Shape> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const tangentplane::Shape& s, Context& context) const {
    return fmt::formatter<std::string>::format(s.str(), context);
  }
};
