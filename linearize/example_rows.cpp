#include "linearize/example_rows.h"

namespace tangentplane {
namespace {

/// a [N, ..., K], d [N, ..., C] -> rows of K C numbers: the sum over the positions between of a's K by d's C numbers there.
template <class S>
void write_products(const Tensor<S>& a, const Tensor<S>& d, bool accumulate, S* rows, Index stride) {
  const Index n = a.rows(), k = a.shape()[-1], c = d.shape()[-1], positions = a.size() / (n * k);
  if (positions > 1)
    return cpu::parallel_for(n, [&](Index i) {
      cpu::gemm(cpu::Op::transpose, cpu::Op::none, k, c, positions, S(1), a.data() + i * positions * k, k, d.data() + i * positions * c, c,
                S(accumulate ? 1 : 0), rows + i * stride, c);
    });
  cpu::parallel_rows(n, k * c, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      for (Index p = 0; p < k; ++p) {
        const S v = a[i * k + p];
        const S* from = d.data() + i * c;
        S* to = rows + i * stride + p * c;
        if (accumulate)
          for (Index q = 0; q < c; ++q) to[q] += v * from[q];
        else
          for (Index q = 0; q < c; ++q) to[q] = v * from[q];
      }
  });
}

/// Rows 0 + which, outputs + which, ... of t, if it has a row for each output.
template <class S>
Tensor<S> rows_of_output(const Tensor<S>& t, Index examples, Index outputs, Index which) {
  if (t.rows() != examples * outputs) return t;
  Tensor<S> rows(t.shape().with_rows(examples));
  const Index size = t.shape().row_size();
  cpu::parallel_rows(examples, size, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) std::copy_n(t.data() + (i * outputs + which) * size, size, rows.data() + i * size);
  });
  return rows;
}

/// Sums over an example's positions of term(entry): -> [N, C].
template <class S, class F>
Tensor<S> position_sums(Index n, Index positions, Index c, const F& term) {
  Tensor<S> rows({n, c});
  cpu::parallel_rows(n, positions * c, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      std::vector<double> sum(static_cast<std::size_t>(c));
      const Index first = i * positions * c;
      cpu::add_channels<1>(positions, c, sum.data(), [&term, first](Index entry, Index) { return std::array{term(first + entry)}; });
      std::transform(sum.begin(), sum.end(), rows.data() + i * c, [](double v) { return static_cast<S>(v); });
    }
  });
  return rows;
}

}  // namespace

template <class S>
Factor<Tensor<S>> factor_of_output(const Factor<Tensor<S>>& f, Index outputs, Index output) {
  if (outputs == 1) return f;
  const Index n = std::max(f.cotangent.rows(), f.activation ? f.activation->rows() : 0) / outputs;
  Factor<Tensor<S>> one{f.parameter, f.entrance, {}, rows_of_output(f.cotangent, n, outputs, output)};
  if (f.activation) one.activation = rows_of_output(*f.activation, n, outputs, output);
  return one;
}

template <class S>
Tensor<S> example_rows_by_slices(const Factor<Tensor<S>>& factor, Index outputs) {
  Tensor<S> rows;
  for (Index o = 0; o < outputs; ++o) {
    const auto f = factor_of_output(factor, outputs, o);
    const Index n = f.cotangent.rows();
    for (Index i = 0; i < n; ++i) {
      std::optional<Tensor<S>> activation;
      if (f.activation) activation = f.activation->slice(i, i + 1);
      const Tensor<S> row = f.entrance->gradient(activation, f.cotangent.slice(i, i + 1));
      if (rows.empty()) rows = Tensor<S>({n * outputs, row.size()});
      std::copy_n(row.data(), row.size(), rows.data() + (i * outputs + o) * row.size());
    }
  }
  return rows;
}

namespace {

/// Of one output.
template <class S>
void write_rows(const Factor<Tensor<S>>& f, bool accumulate, S* to, Index stride) {
  const Index n = f.cotangent.rows();
  const S* d = f.cotangent.data();
  if (f.entrance->template as<MatMul>()) return write_products(*f.activation, f.cotangent, accumulate, to, stride);
  const auto* conv = f.entrance->template as<Conv2d>();
  if (conv && !accumulate)
    return cpu::conv2d_weight_rows(conv->at, *f.activation, f.cotangent, to, stride);  // in place: these rows are the longest
  Tensor<S> rows;
  const Index c = f.cotangent.shape()[-1], positions = f.cotangent.size() / std::max<Index>(1, n * c);
  if (conv) {
    rows = Tensor<S>({n, conv->at.patch_size() * conv->at.out_channels});
    cpu::conv2d_weight_rows(conv->at, *f.activation, f.cotangent, rows.data(), rows.shape()[1]);
  } else if (f.entrance->template as<ChannelBias>()) {
    rows = position_sums<S>(n, positions, c, [d](Index i) { return d[i]; });
  } else if (f.entrance->template as<ChannelScale>()) {
    const S* a = f.activation->data();
    rows = position_sums<S>(n, positions, c, [a, d](Index i) { return a[i] * d[i]; });
  } else {
    rows = example_rows_by_slices(f);
  }
  const Index p = rows.shape()[1];
  cpu::parallel_rows(n, p, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const S* from = rows.data() + i * p;
      if (accumulate)
        for (Index k = 0; k < p; ++k) to[i * stride + k] += from[k];
      else
        std::copy_n(from, p, to + i * stride);
    }
  });
}

}  // namespace

template <class S>
void write_example_rows(const Factor<Tensor<S>>& factor, bool accumulate, S* to, Index stride, Index outputs) {
  for (Index o = 0; o < outputs; ++o) write_rows(factor_of_output(factor, outputs, o), accumulate, to + o * stride, outputs * stride);
}

template <class S>
Tensor<S> example_rows(const Factor<Tensor<S>>& factor, Index outputs) {
  const auto first = factor_of_output(factor, outputs, 0);
  std::optional<Tensor<S>> activation;  // of nothing: for the parameter's size alone
  if (first.activation) activation = first.activation->slice(0, 1);
  const Index n = first.cotangent.rows(), p = first.entrance->gradient(activation, first.cotangent.slice(0, 1)).size();
  Tensor<S> rows({n * outputs, p});
  write_example_rows(factor, false, rows.data(), p, outputs);
  return rows;
}

#define INSTANTIATE(S)                                                                 \
  template Factor<Tensor<S>> factor_of_output(const Factor<Tensor<S>>&, Index, Index); \
  template Tensor<S> example_rows_by_slices(const Factor<Tensor<S>>&, Index);          \
  template Tensor<S> example_rows(const Factor<Tensor<S>>&, Index);                    \
  template void write_example_rows(const Factor<Tensor<S>>&, bool, S*, Index, Index);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane
