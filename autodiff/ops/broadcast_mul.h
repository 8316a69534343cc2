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

  template <Slot s, class S>
  Tensor<S> solve(const Tensor<S>& p, const Tensor<S>& q) const {
    if constexpr (s == Slot::output)
      return product(input, p, weight, q);
    else if constexpr (s == Slot::input)  // b, dy
      return summed_product(input, weight, p, q);
    else  // a, dy
      return summed_product(weight, input, p, q);
  }

 private:
  template <class S>
  Tensor<S> product(const Shape& p_shape, const Tensor<S>& p, const Shape& q_shape, const Tensor<S>& q) const {
    Tensor<S> y(output);
    const auto z = cpu::row_major_strides(output), u = Broadcast{p_shape, output}.strides(), v = Broadcast{q_shape, output}.strides();
    std::vector<cpu::StridedAxis> walk;
    for (std::size_t i = 0; i < static_cast<std::size_t>(output.rank()); ++i)
      walk.push_back({output[static_cast<int>(i)], z[i], u[i], v[i]});
    cpu::strided_transform(std::move(walk), p.data(), q.data(), y.data(), [](S a, S b) { return a * b; });
    return y;
  }
  /// The cotangent of the operand of shape `to` from the other one and the output's: their product, summed over what `to` repeats along.
  template <class S>
  Tensor<S> summed_product(const Shape& to, const Shape& other_shape, const Tensor<S>& other, const Tensor<S>& dy) const {
    if (to == output) return product(output, dy, other_shape, other);
    if (other_shape != output) return Broadcast{to, output}.transpose(product(output, dy, other_shape, other));
    Tensor<S> sums(to);
    const S *a = other.data(), *b = dy.data();
    cpu::strided_sum(Broadcast{to, output}.summed(), 1, sums.data(), [a, b](Index i) { return a[i] * b[i]; });
    return sums;
  }
};

}  // namespace tangentplane
