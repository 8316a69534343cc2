// Tensor<float>, Tensor<double>: contiguous, row-major, shared. Copying a tensor copies the handle, not the numbers; an op
// never writes into its operands, so sharing is safe as long as you write only into tensors that you just made.
#pragma once

#include <algorithm>
#include <concepts>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "autodiff/cpu/memory.h"
#include "autodiff/cpu/parallel.h"
#include "autodiff/shape.h"

namespace tangentplane {

/// Numbers of type S with a shape; a handle that shares them with its copies.
template <std::floating_point S>
class Tensor {
 public:
  using Scalar = S;  ///< the type of its numbers

  /// Of shape [0]: no numbers, as is a tensor that was moved from.
  Tensor() = default;
  /// The same numbers, shared.
  Tensor(const Tensor&) = default;
  /// The same numbers, shared.
  Tensor& operator=(const Tensor&) = default;
  /// Takes them over; the other becomes empty.
  Tensor(Tensor&& other) noexcept : Tensor() { swap(other); }
  /// Takes them over; the other becomes empty.
  Tensor& operator=(Tensor&& other) noexcept {
    Tensor taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Tensor() = default;
  /// Uninitialised numbers.
  explicit Tensor(Shape shape)
      : shape_(shape),
        size_(shape.size()),
        block_(std::make_shared<cpu::Block>(static_cast<std::size_t>(size_) * sizeof(S))),
        data_(static_cast<S*>(block_->data())) {}
  /// All equal.
  static Tensor full(Shape shape, S value) {
    Tensor t(shape);
    std::fill_n(t.data_, t.size_, value);
    return t;
  }
  /// All zero.
  static Tensor zeros(Shape shape) { return full(shape, S(0)); }
  /// Row-major values; throws if their number is not the shape's.
  static Tensor from(Shape shape, const std::vector<S>& values) {
    require(static_cast<Index>(values.size()) == shape.size(), "tensor: {} values for shape {}", values.size(), shape);
    Tensor t(shape);
    std::copy(values.begin(), values.end(), t.data_);
    return t;
  }

  const Shape& shape() const { return shape_; }  ///< the extents of its axes
  Index size() const { return size_; }           ///< how many numbers
  /// First extent; 1 for a scalar.
  Index rows() const { return shape_.rank() ? shape_[0] : 1; }
  bool empty() const { return size_ == 0; }                                             ///< no numbers
  S* data() { return data_; }                                                           ///< row-major
  const S* data() const { return data_; }                                               ///< row-major
  std::span<S> span() { return {data_, static_cast<std::size_t>(size_)}; }              ///< all numbers, row-major
  std::span<const S> span() const { return {data_, static_cast<std::size_t>(size_)}; }  ///< all numbers, row-major
  S& operator[](Index i) { return data_[i]; }                                           ///< in row-major order, not checked
  const S& operator[](Index i) const { return data_[i]; }                               ///< in row-major order, not checked

  /// The same numbers (shared) under another shape of the same size.
  Tensor reshaped(Shape shape) const {
    require(shape.size() == size_, "reshape: {} to {} changes the size", shape_, shape);
    Tensor t = *this;
    t.shape_ = shape;
    return t;
  }
  /// Rows [begin, end) of the first axis, shared.
  Tensor slice(Index begin, Index end) const {
    require(shape_.rank() > 0 && 0 <= begin && begin <= end && end <= shape_[0], "slice: [{}, {}) of {}", begin, end, shape_);
    Tensor t = *this;
    t.shape_ = shape_.with_rows(end - begin);
    t.size_ = t.shape_.size();
    t.data_ += begin * shape_.row_size();
    return t;
  }
  /// The same numbers in a tensor of their own.
  Tensor clone() const {
    Tensor t(shape_);
    std::copy_n(data_, size_, t.data_);
    return t;
  }
  /// True if no other tensor shares these numbers: the owner may then write in place.
  bool unique() const { return block_.use_count() == 1; }
  /// Copies the numbers if another tensor shares them: call before writing in place to a tensor whose handle others may have kept.
  void own() {
    if (!unique()) *this = clone();
  }

 private:
  void swap(Tensor& other) noexcept {
    std::swap(shape_, other.shape_);
    std::swap(size_, other.size_);
    block_.swap(other.block_);
    std::swap(data_, other.data_);
  }

  Shape shape_{0};
  Index size_ = 0;
  std::shared_ptr<cpu::Block> block_;
  S* data_ = nullptr;
};

/// The same numbers in another precision.
template <class To, class From>
Tensor<To> cast(const Tensor<From>& t) {
  if constexpr (std::same_as<To, From>) {
    return t;
  } else {
    Tensor<To> r(t.shape());
    std::transform(t.data(), t.data() + t.size(), r.data(), [](From v) { return static_cast<To>(v); });
    return r;
  }
}

/// Rows `indices` of the first axis, in that order, copied.
template <class S>
Tensor<S> take_rows(const Tensor<S>& t, std::span<const Index> indices) {
  Tensor<S> r(t.shape().with_rows(static_cast<Index>(indices.size())));
  const Index size = t.shape().row_size();
  for (Index i : indices) require(0 <= i && i < t.rows(), "take_rows: row {} of {}", i, t.shape());
  cpu::parallel_rows(r.rows(), size, [&](Index begin, Index end) {
    for (Index to = begin; to < end; ++to) std::copy_n(t.data() + indices[static_cast<std::size_t>(to)] * size, size, r.data() + size * to);
  });
  return r;
}

}  // namespace tangentplane
