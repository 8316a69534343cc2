// Maps that move numbers along axes: each is one walk over strides (cpu/strided.h), and so is its transpose.
#pragma once

#include "autodiff/cpu/strided.h"
#include "autodiff/cpu/take.h"
#include "autodiff/value.h"

namespace tangentplane {

/// Axis k of the output is axis axes[k] of the input.
struct Permute {
  static constexpr const char* name = "permute";
  static constexpr bool rearranges = true;  ///< the same numbers at other places
  Shape from;                               ///< of the input
  std::vector<int> axes;                    ///< each of the input's axes once
  Reach reach() const { return axes.empty() || axes[0] == 0 ? Reach::row : Reach::batch; }

  /// Of the output.
  Shape to() const {
    Shape s;
    for (int axis : axes) s.append(from[axis]);
    return s;
  }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    const Shape result = to();
    std::vector<cpu::StridedAxis> walk;
    const auto x_strides = cpu::row_major_strides(from), z_strides = cpu::row_major_strides(result);
    for (std::size_t k = 0; k < axes.size(); ++k)
      walk.push_back({result[static_cast<int>(k)], z_strides[k], x_strides[static_cast<std::size_t>(axes[k])]});
    if (cpu::joined(walk).size() == 1) return x.reshaped(result);  // only axes of 1 have moved
    Tensor<S> y(result);
    cpu::strided_copy(std::move(walk), x.data(), y.data());
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    std::vector<int> inverse(axes.size());
    for (std::size_t k = 0; k < axes.size(); ++k) inverse[static_cast<std::size_t>(axes[k])] = static_cast<int>(k);
    return Permute{to(), std::move(inverse)}.apply(y);
  }
};

/// Entry k along each axis is the input's begin + k step.
struct Slice {
  static constexpr const char* name = "slice";
  Shape from, to;                            ///< of the input and the output
  std::array<Index, Shape::max_rank> begin;  ///< of the first entry, for each axis
  std::array<Index, Shape::max_rank> step;   ///< from one entry to the next
  Reach reach() const { return from.rank() > 0 && from[0] == to[0] && begin[0] == 0 && step[0] == 1 ? Reach::row : Reach::batch; }

  /// Where the first entry of the output lies in the input.
  Index offset() const {
    const auto strides = cpu::row_major_strides(from);
    Index place = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(from.rank()); ++i) place += begin[i] * strides[i];
    return place;
  }
  /// The walk with the output as z, or as x where the output is what is read.
  std::vector<cpu::StridedAxis> walk(bool output_first) const {
    const auto whole = cpu::row_major_strides(from), cut = cpu::row_major_strides(to);
    std::vector<cpu::StridedAxis> axes;
    for (std::size_t i = 0; i < static_cast<std::size_t>(from.rank()); ++i) {
      const Index in = step[i] * whole[i], out = cut[i];
      axes.push_back({to[static_cast<int>(i)], output_first ? out : in, output_first ? in : out});
    }
    return axes;
  }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    Tensor<S> y(to);
    if (!y.empty()) cpu::strided_copy(walk(true), x.data() + offset(), y.data());
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    Tensor<S> x(from);
    S* to_x = x.data();
    cpu::parallel_chunks(x.size(), cpu::elementwise_chunk, [to_x](Index first, Index last) { std::fill(to_x + first, to_x + last, S(0)); });
    if (!y.empty()) cpu::strided_copy(walk(false), y.data(), x.data() + offset());
    return x;
  }
};

/// A slice's transpose: the input at the slice's places, zeros elsewhere.
struct Embed {
  static constexpr const char* name = "embed";
  Slice cut;  ///< takes the input out again
  Reach reach() const { return cut.reach(); }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    return cut.transpose(x);
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return cut.apply(y);
  }
  template <class S>
  Tensor<S> add_to(Tensor<S> x, const Tensor<S>& b) const {
    Tensor<S> y = x.unique() ? x : x.clone();
    auto axes = cut.walk(false);
    for (auto& axis : axes) axis = {axis.extent, axis.z, axis.z, axis.x};
    if (!b.empty())
      cpu::strided_transform(std::move(axes), y.data() + cut.offset(), b.data(), y.data() + cut.offset(), [](S u, S v) { return u + v; });
    return y;
  }
};

/// `factor` times the input, repeated along axes of 1 and along new first axes, as numpy broadcasts. Transposed: `factor` times the sum
/// over these axes.
struct Broadcast {
  static constexpr const char* name = "broadcast";
  Shape from, to;     ///< of the input and the output
  double factor = 1;  ///< a constant
  Reach reach() const {
    if (from == to) return Reach::entry;
    return from.rank() == to.rank() && from[0] == to[0] ? Reach::row : Reach::batch;
  }
  /// True if every example gets the same numbers.
  bool repeats_for_examples() const { return from.rank() < to.rank() || (to.rank() > 0 && from[0] == 1); }

  /// The same for so many rows of the output: some of the examples.
  Broadcast of_rows(Index rows) const {
    if (to.rank() == 0 || to[0] == rows) return *this;
    return {from.rank() == to.rank() && from[0] == to[0] && from[0] != 1 ? from.with_rows(rows) : from, to.with_rows(rows), factor};
  }

  /// How far apart neighbours along each axis of the output lie in the input: 0 where they are one number.
  std::array<Index, Shape::max_rank> strides() const {
    std::array<Index, Shape::max_rank> all{};
    const auto own = cpu::row_major_strides(from);
    for (int i = 0, new_axes = to.rank() - from.rank(); i < from.rank(); ++i)
      if (from[i] != 1) all[static_cast<std::size_t>(i + new_axes)] = own[static_cast<std::size_t>(i)];
    return all;
  }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    if (factor == 1 && from.size() == to.size()) return x.reshaped(to);
    Tensor<S> y(to);
    const S c = static_cast<S>(factor);
    if (factor == 1)
      cpu::strided_copy(walk(), x.data(), y.data());
    else
      cpu::strided_transform(walk(), x.data(), x.data(), y.data(), [c](S u, S) { return c * u; });
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    const Broadcast own = of_rows(y.rows());
    if (factor == 1 && own.from.size() == own.to.size()) return y.reshaped(own.from);
    Tensor<S> x(own.from);
    const S* v = y.data();
    cpu::strided_sum(own.summed(), factor, x.data(), [v](Index i) { return v[i]; });
    return x;
  }
  template <class S>
  Tensor<S> add_to(Tensor<S> x, const Tensor<S>& b) const {
    Tensor<S> y = x.unique() ? x : Tensor<S>(x.shape());
    auto axes = of_rows(x.rows()).walk();
    for (auto& axis : axes) axis = {axis.extent, axis.z, axis.z, axis.x};
    const S c = static_cast<S>(factor);
    if (factor == 1)
      cpu::strided_transform(std::move(axes), x.data(), b.data(), y.data(), [](S u, S v) { return u + v; });
    else
      cpu::strided_transform(std::move(axes), x.data(), b.data(), y.data(), [c](S u, S v) { return u + c * v; });
    return y;
  }

  /// The axes of the output; kept are those of the input.
  std::vector<cpu::SummedAxis> summed() const {
    std::vector<cpu::SummedAxis> axes;
    for (int i = 0, new_axes = to.rank() - from.rank(); i < to.rank(); ++i)
      axes.push_back({to[i], i >= new_axes && from[i - new_axes] == to[i]});
    return axes;
  }

 private:
  std::vector<cpu::StridedAxis> walk() const {
    const auto z = cpu::row_major_strides(to), x = strides();
    std::vector<cpu::StridedAxis> axes;
    for (std::size_t i = 0; i < static_cast<std::size_t>(to.rank()); ++i) axes.push_back({to[static_cast<int>(i)], z[i], x[i]});
    return axes;
  }
};

/// Entries `indices` along one axis, in that order; any may occur more than once.
struct Take {
  static constexpr const char* name = "take";
  Shape from;                                         ///< of the input
  int axis;                                           ///< not negative
  std::shared_ptr<const std::vector<Index>> indices;  ///< within the axis
  Reach reach() const { return axis > 0 ? Reach::row : Reach::batch; }

  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    Shape to;
    for (int i = 0; i < from.rank(); ++i) to.append(i == axis ? static_cast<Index>(indices->size()) : from[i]);
    Tensor<S> y(to);
    cpu::take_blocks(outer(), from[axis], inner(), *indices, x.data(), y.data());
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    Tensor<S> x(from);
    cpu::add_blocks(outer(), from[axis], inner(), *indices, y.data(), x.data());
    return x;
  }

 private:
  Index extent(int first, int last) const {
    Index n = 1;
    for (int i = first; i < last; ++i) n *= from[i];
    return n;
  }
  Index outer() const { return extent(0, axis); }
  Index inner() const { return extent(axis + 1, from.rank()); }
};

/// Rows `indices` of a table [V, D], laid out as [..., D].
struct Embedding {
  static constexpr const char* name = "embedding";
  Shape from, to;                                     ///< of the table and the output
  std::shared_ptr<const std::vector<Index>> indices;  ///< one for each D numbers of the output
  /// A table that every example looks things up in.
  bool repeats_for_examples() const { return true; }

  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    Tensor<S> y(to);
    cpu::take_blocks(1, from[0], from[1], *indices, x.data(), y.data());
    return y;
  }
  /// y may have several rows for each example, one after another: of several outputs.
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    Tensor<S> x(from);
    if (y.rows() == to[0]) {
      cpu::add_blocks(1, from[0], from[1], *indices, y.data(), x.data());
      return x;
    }
    const Index examples = to[0], times = examples > 0 ? y.rows() / examples : 0;
    require(times * examples == y.rows(), "embedding: a cotangent of {} rows where indices were looked up for {} examples", y.rows(),
            examples);
    const Index tokens = examples > 0 ? static_cast<Index>(indices->size()) / examples : 0;
    std::vector<Index> all;
    for (Index i = 0; i < y.rows(); ++i)
      all.insert(all.end(), indices->begin() + i / times * tokens, indices->begin() + (i / times + 1) * tokens);
    cpu::add_blocks(1, from[0], from[1], all, y.data(), x.data());
    return x;
  }
};

}  // namespace tangentplane
