#include "linearize/example_rows.h"

namespace tangentplane {
namespace {

/// [N, K] x [N, C] -> [N, K C].
template <class S>
Tensor<S> outer_products(const Tensor<S>& a, const Tensor<S>& d) {
  const Index n = a.rows(), k = a.size() / n, c = d.size() / n;
  Tensor<S> rows({n, k * c});
  cpu::parallel_rows(n, k * c, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      for (Index p = 0; p < k; ++p) {
        const S v = a[i * k + p];
        const S* from = d.data() + i * c;
        S* to = rows.data() + (i * k + p) * c;
        for (Index q = 0; q < c; ++q) to[q] = v * from[q];
      }
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
Tensor<S> example_rows_by_slices(const Factor<Tensor<S>>& f) {
  const Index n = f.cotangent.rows();
  Tensor<S> rows;
  for (Index i = 0; i < n; ++i) {
    std::optional<Tensor<S>> activation;
    if (f.activation) activation = f.activation->slice(i, i + 1);
    const Tensor<S> row = f.entrance->gradient(activation, f.cotangent.slice(i, i + 1));
    if (rows.empty()) rows = Tensor<S>({n, row.size()});
    std::copy_n(row.data(), row.size(), rows.data() + i * row.size());
  }
  return rows;
}

template <class S>
Tensor<S> example_rows(const Factor<Tensor<S>>& f) {
  const Index n = f.cotangent.rows();
  const S* d = f.cotangent.data();
  if (f.entrance->template as<MatMul>()) return outer_products(*f.activation, f.cotangent);
  if (const auto* conv = f.entrance->template as<Conv2d>()) {
    Tensor<S> rows({n, conv->at.patch_size() * conv->at.out_channels});
    cpu::conv2d_weight_rows(conv->at, *f.activation, f.cotangent, rows.data(), rows.shape()[1]);
    return rows;
  }
  const Index c = f.cotangent.shape()[-1], positions = f.cotangent.size() / std::max<Index>(1, n * c);
  if (f.entrance->template as<ChannelBias>()) return position_sums<S>(n, positions, c, [d](Index i) { return d[i]; });
  if (f.entrance->template as<ChannelScale>()) {
    const S* a = f.activation->data();
    return position_sums<S>(n, positions, c, [a, d](Index i) { return a[i] * d[i]; });
  }
  return example_rows_by_slices(f);
}

template <class S>
void write_example_rows(const Factor<Tensor<S>>& factor, bool accumulate, S* to, Index stride) {
  if (const auto* conv = factor.entrance->template as<Conv2d>(); conv && !accumulate)
    return cpu::conv2d_weight_rows(conv->at, *factor.activation, factor.cotangent, to, stride);  // in place: these rows are the longest
  const Tensor<S> rows = example_rows(factor);
  const Index n = rows.shape()[0], p = rows.shape()[1];
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

#define INSTANTIATE(S)                                                 \
  template Tensor<S> example_rows_by_slices(const Factor<Tensor<S>>&); \
  template Tensor<S> example_rows(const Factor<Tensor<S>>&);           \
  template void write_example_rows(const Factor<Tensor<S>>&, bool, S*, Index);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane
