// Multiplication with broadcasting: a form, so that a weight of any few axes leaves factors.
#pragma once

#include "autodiff/ops/axis_maps.h"

namespace tangentplane {

/// a times b entry by entry, each repeated along its axes of 1 and along new first axes.
struct BroadcastMul {
  static constexpr const char* name = "broadcast_mul";
  Shape input, weight, output;  ///< of a, of b, of their product
  /// True if one b meets every example.
  bool weight_is_shared() const { return weight.rank() < output.rank() || (weight.rank() > 0 && weight[0] == 1); }
  /// The same product.
  BroadcastMul swapped() const { return {weight, input, output}; }
  Reach reach() const { return Reach::row; }

  /// The operands may be some of the examples: those with a row for each of them then have fewer rows.
  template <Slot s, class S>
  Tensor<S> solve(const Tensor<S>& p, const Tensor<S>& q) const {
    if constexpr (s == Slot::output) {
      const bool rows = output.rank() > 0 && input.rank() == output.rank() && input[0] == output[0];
      return product(rows ? output.with_rows(p.rows()) : output, p, q);
    } else if constexpr (s == Slot::input) {  // b, dy
      return summed_product(input, p, q);
    } else {  // a, dy
      return summed_product(weight, p, q);
    }
  }

 private:
  template <class S>
  static Tensor<S> product(const Shape& to, const Tensor<S>& p, const Tensor<S>& q) {
    Tensor<S> y(to);
    const auto z = cpu::row_major_strides(to), u = Broadcast{p.shape(), to}.strides(), v = Broadcast{q.shape(), to}.strides();
    std::vector<cpu::StridedAxis> walk;
    for (std::size_t i = 0; i < static_cast<std::size_t>(to.rank()); ++i) walk.push_back({to[static_cast<int>(i)], z[i], u[i], v[i]});
    cpu::strided_transform(std::move(walk), p.data(), q.data(), y.data(), [](S a, S b) { return a * b; });
    return y;
  }
  /// The cotangent of the operand of shape `to` from the other one and the output's: their product, summed over what `to` repeats along.
  template <class S>
  Tensor<S> summed_product(const Shape& to, const Tensor<S>& other, const Tensor<S>& dy) const {
    const Broadcast repeat = Broadcast{to, output}.of_rows(dy.rows());
    if (repeat.from == repeat.to) return product(repeat.to, dy, other);
    if (other.shape() != dy.shape()) return repeat.transpose(product(repeat.to, dy, other));
    Tensor<S> sums(repeat.from);
    const S *a = other.data(), *b = dy.data();
    cpu::strided_sum(repeat.summed(), 1, sums.data(), [a, b](Index i) { return a[i] * b[i]; });
    return sums;
  }
};

}  // namespace tangentplane
