// Products of matrices one by one: both operands may carry the examples, as in attention.
#pragma once

#include "autodiff/ops/basic.h"

namespace tangentplane {

/// a [..., M, K], b [..., K, C] -> [..., M, C], a product for each place of the leading axes.
struct BatchMatMul {
  static constexpr const char* name = "batch_matmul";
  static constexpr bool shares_weight = false;
  Reach reach() const { return Reach::row; }

  template <Slot s, class S>
  Tensor<S> solve(const Tensor<S>& p, const Tensor<S>& q) const {
    using cpu::Op;
    if constexpr (s == Slot::output)
      return products(Op::none, Op::none, p, q);
    else if constexpr (s == Slot::input)  // b, dy: dy b^T
      return products(Op::none, Op::transpose, q, p);
    else  // a, dy: a^T dy
      return products(Op::transpose, Op::none, p, q);
  }

 private:
  template <class S>
  static Tensor<S> products(cpu::Op op_p, cpu::Op op_q, const Tensor<S>& p, const Tensor<S>& q) {
    const bool p_turned = op_p == cpu::Op::transpose, q_turned = op_q == cpu::Op::transpose;
    const Index m = p.shape()[p_turned ? -1 : -2], k = p.shape()[p_turned ? -2 : -1], n = q.shape()[q_turned ? -2 : -1];
    Shape to;
    for (int i = 0; i + 2 < p.shape().rank(); ++i) to.append(p.shape()[i]);
    const Index matrices = to.size();
    to.append(m), to.append(n);
    Tensor<S> y(to);
    const auto one = [&](Index i, const auto& product) {
      product(op_p, op_q, m, n, k, S(1), p.data() + i * m * k, p.shape()[-1], q.data() + i * k * n, q.shape()[-1], S(0),
              y.data() + i * m * n, n, cpu::products());
    };
    constexpr Index task = 1 << 20;  // multiply-adds
    if (matrices < 8 && m * n * k > task) {
      for (Index i = 0; i < matrices; ++i) one(i, cpu::parallel_gemm<S>);
      return y;
    }
    cpu::parallel_chunks(matrices, task / std::max<Index>(1, m * n * k), [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) one(i, cpu::gemm<S>);
    });
    return y;
  }
};

/// a [..., M, K] times b [..., K, C], matrix by matrix; the leading axes, at least one, are equal. Throws std::invalid_argument otherwise.
template <class T>
T batch_matmul(const T& a, const T& b) {
  const Shape &s = shape_of(a), &t = shape_of(b);
  require(s.rank() >= 3 && s.rank() == t.rank(),
          "batch_matmul: takes matrices [...,M,K] and [...,K,C] with the same leading axes, got {} and {}", s, t);
  ops_detail::check_examples("batch_matmul", s);
  ops_detail::check_examples("batch_matmul", t);
  for (int i = 0; i + 2 < s.rank(); ++i) require(s[i] == t[i], "batch_matmul: leading axes of {} and {} differ", s, t);
  require(s[-1] == t[-2], "batch_matmul: left {} has {} columns, right {} has {} rows", s, s[-1], t, t[-2]);
  return solve<Slot::output>(BatchMatMul{}, a, b);
}

}  // namespace tangentplane
