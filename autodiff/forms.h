// Bilinear ops. Each is one trilinear form <y, B(input, weight)>; the routines for its three corners close it under
// differentiation of every order. Shapes were checked by ops.h.
#pragma once

#include "autodiff/cpu/conv2d/conv2d.h"
#include "autodiff/cpu/gemm.h"
#include "autodiff/cpu/reduce.h"
#include "autodiff/value.h"

namespace tangentplane {

/// x [N, ..., K], w [K, C] -> [N, ..., C].
struct MatMul {
  static constexpr const char* name = "matmul";
  static constexpr bool shares_weight = true;  // one weight meets every example
  Reach reach() const { return Reach::row; }

  template <Slot s, class S>
  Tensor<S> solve(const Tensor<S>& p, const Tensor<S>& q) const {
    using cpu::Op;
    if constexpr (s == Slot::output) {
      const Index k = q.shape()[0], c = q.shape()[1], n = p.size() / k;
      Tensor<S> y(p.shape().with_last(c));
      cpu::parallel_gemm(Op::none, Op::none, n, c, k, S(1), p.data(), k, q.data(), c, S(0), y.data(), c);
      return y;
    } else if constexpr (s == Slot::input) {  // w, dy
      const Index k = p.shape()[0], c = p.shape()[1], n = q.size() / c;
      Tensor<S> dx(q.shape().with_last(k));
      cpu::parallel_gemm(Op::none, Op::transpose, n, k, c, S(1), q.data(), c, p.data(), c, S(0), dx.data(), k);
      return dx;
    } else {  // x, dy
      const Index k = p.shape()[-1], c = q.shape()[-1], n = p.size() / k;
      Tensor<S> dw({k, c});
      cpu::parallel_gemm(Op::transpose, Op::none, k, c, n, S(1), p.data(), k, q.data(), c, S(0), dw.data(), c);
      return dw;
    }
  }
};

/// x [N, H, W, C], w [kh, kw, C, O] -> [N, H', W', O].
struct Conv2d {
  static constexpr const char* name = "conv2d";
  static constexpr bool shares_weight = true;
  cpu::ConvGeometry at;  ///< sizes, stride and padding
  Reach reach() const { return Reach::row; }

  template <Slot s, class S>
  Tensor<S> solve(const Tensor<S>& p, const Tensor<S>& q) const {
    if constexpr (s == Slot::output)
      return cpu::conv2d(at, p, q);
    else if constexpr (s == Slot::input)
      return cpu::conv2d_input(at, p, q);
    else
      return cpu::conv2d_weight(at, p, q);
  }
};

/// Entry by entry; both operands of one shape.
struct Mul {
  static constexpr const char* name = "mul";
  static constexpr bool shares_weight = false;
  Reach reach() const { return Reach::entry; }

  template <Slot, class S>
  Tensor<S> solve(const Tensor<S>& p, const Tensor<S>& q) const {
    Tensor<S> y(p.shape());
    cpu::transform(y.size(), p.data(), q.data(), y.data(), [](S a, S b) { return a * b; });
    return y;
  }
};

/// x [..., C], w [C] -> x times w in each channel.
struct ChannelScale {
  static constexpr const char* name = "channel_scale";
  static constexpr bool shares_weight = true;
  /// A weight of zeros lets no cotangent through, so none is made: how a residual branch that starts at zero prunes itself.
  static constexpr bool prunes_at_zero_weight = true;
  Reach reach() const { return Reach::entry; }

  template <Slot s, class S>
  Tensor<S> solve(const Tensor<S>& p, const Tensor<S>& q) const {
    if constexpr (s == Slot::weight) {
      const Index c = p.shape()[-1];
      Tensor<S> dw({c});
      const S *x = p.data(), *dy = q.data();
      cpu::sum_channels(p.size() / std::max<Index>(1, c), c, dw.data(), [x, dy](Index i) { return x[i] * dy[i]; });
      return dw;
    } else {
      const Tensor<S>& x = s == Slot::output ? p : q;
      const Tensor<S>& w = s == Slot::output ? q : p;
      Tensor<S> y(x.shape());
      cpu::transform_channels(x.size() / std::max<Index>(1, w.size()), w.size(), x.data(), w.data(), y.data(),
                              [](S a, S b) { return a * b; });
      return y;
    }
  }
};

/// A form with its input and output in each other's place: what it is when it is solved for its input on the way forward, as a transposed
/// convolution does. What the op saw is then the input here too, and what came back the output.
template <class Form>
struct TransposedForm {
  static constexpr const char* name = Form::name;
  static constexpr bool shares_weight = may_share_weight<Form>;
  Form form;  ///< the form that is turned round
  Reach reach() const { return reach_of(form); }
  /// As the form says, where it says by its shapes.
  bool weight_is_shared() const requires shares_by_shape<Form> { return form.weight_is_shared(); }

  template <Slot s, class S>
  Tensor<S> solve(const Tensor<S>& p, const Tensor<S>& q) const {
    return form.template solve < s == Slot::output ? Slot::input : (s == Slot::input ? Slot::output : Slot::weight) > (q, p);
  }
};
/// The form turned round.
template <class Form>
TransposedForm<Form> transposed_form(const Form& form) {
  return {form};
}
/// Turned round twice: the form.
template <class Form>
Form transposed_form(const TransposedForm<Form>& t) {
  return t.form;
}

/// True for a form that says so.
template <class Form>
constexpr bool prunes_at_zero_weight = requires {
  requires Form::prunes_at_zero_weight;
};

}  // namespace tangentplane
