#include "linearize/example_rows.h"

#include <functional>

#include "autodiff/ops.h"

namespace tangentplane {
namespace {

/// a [N, ..., K], d [N, ..., C] -> rows of K C numbers: the sum over the positions between of a's K by d's C numbers there. Added to what
/// is there only where there are several positions.
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

/// rows [N, p] to where they belong, entry k from entry place(k).
template <class S, class Place>
void place_rows(const Tensor<S>& rows, bool accumulate, S* to, Index stride, const Place& place) {
  const Index n = rows.shape()[0], p = rows.shape()[1];
  cpu::parallel_rows(n, p, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const S* from = rows.data() + i * p;
      if (accumulate)
        for (Index k = 0; k < p; ++k) to[i * stride + k] += from[place(k)];
      else
        for (Index k = 0; k < p; ++k) to[i * stride + k] = from[place(k)];
    }
  });
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

namespace {

/// Row i of `from` into `to`, which is zero but for that.
template <class S>
void put_row(const Tensor<S>& from, Index i, Tensor<S>& to) {
  const Index size = from.shape().row_size();
  std::copy_n(from.data() + i * size, size, to.data() + i * size);
}
template <class S>
void clear_row(Index i, Tensor<S>& t) {
  const Index size = t.shape().row_size();
  std::fill_n(t.data() + i * size, size, S(0));
}

}  // namespace

template <class S>
Tensor<S> example_rows_by_slices(const Factor<Tensor<S>>& factor, Index outputs) {
  Tensor<S> rows;
  for (Index o = 0; o < outputs; ++o) {
    const auto f = factor_of_output(factor, outputs, o);
    const Index n = f.cotangent.rows();
    auto cotangent = Tensor<S>::zeros(f.cotangent.shape());
    std::optional<Tensor<S>> activation;
    if (f.activation) activation = Tensor<S>::zeros(f.activation->shape());
    for (Index i = 0; i < n; ++i) {
      put_row(f.cotangent, i, cotangent);
      if (activation) put_row(*f.activation, i, *activation);
      // An op may hand back what it was given (a reshape): it is read before the next row is put.
      const Tensor<S> row = f.entrance->gradient(activation, cotangent);
      if (rows.empty()) rows = Tensor<S>({n * outputs, row.size()});
      std::copy_n(row.data(), row.size(), rows.data() + (i * outputs + o) * row.size());
      clear_row(i, cotangent);
      if (activation) clear_row(i, *activation);
    }
  }
  return rows;
}

namespace {

/// What a routine for the whole batch needs to know of an op.
template <class S>
struct Known {
  const Conv2d* conv = nullptr;
  bool matmul = false, backwards = false;  // backwards: the op's input is the factor's cotangent
  bool bias = false, scale = false;
  std::function<Tensor<S>(const Factor<Tensor<S>>&, Index)> one;  // the gradient of one example, of an op that knows its shapes
  Shape weight;                                                   // as the op takes it

  bool any() const { return conv || matmul || bias || scale || one; }
};

/// Of ops that hold the shapes of a batch: the same op for one example of it.
template <class S>
std::function<Tensor<S>(const Factor<Tensor<S>>&, Index)> gradient_of_one(const Entrance<Tensor<S>>& e, Index n) {
  const auto one = [](const Tensor<S>& t, Index i) { return t.slice(i, i + 1); };
  if (const auto* repeat = e.template as<Broadcast>())
    return [op = Broadcast{repeat->from, repeat->to.with_rows(1), repeat->factor}, one](const Factor<Tensor<S>>& f, Index i) {
      return op.transpose(one(f.cotangent, i));
    };
  if (const auto* product = e.template as<BroadcastMul>())
    return [op = BroadcastMul{product->input.with_rows(1), product->weight, product->output.with_rows(1)}, one](
               const Factor<Tensor<S>>& f, Index i) { return op.template solve<Slot::weight>(one(*f.activation, i), one(f.cotangent, i)); };
  if (const auto* table = e.template as<Embedding>())
    return [table, n, one](const Factor<Tensor<S>>& f, Index i) {
      const auto count = static_cast<std::ptrdiff_t>(table->indices->size()) / n;
      const auto first = table->indices->begin() + i * count;
      const Embedding op{table->from, table->to.with_rows(1), std::make_shared<const std::vector<Index>>(first, first + count)};
      return op.transpose(one(f.cotangent, i));
    };
  return {};
}

template <class S>
Known<S> known(const Factor<Tensor<S>>& f, Index outputs) {
  const Entrance<Tensor<S>>& e = *f.entrance;
  Known<S> k;
  if (const auto* turned = e.template as<TransposedForm<Conv2d>>()) k.conv = &turned->form, k.backwards = true;
  if (e.template as<TransposedForm<MatMul>>()) k.matmul = k.backwards = true;
  if (const auto* conv = e.template as<Conv2d>()) k.conv = conv;
  if (e.template as<MatMul>()) k.matmul = true;
  k.bias = e.template as<ChannelBias>(), k.scale = e.template as<ChannelScale>();
  const Index c = f.cotangent.shape()[-1];
  if (k.conv) k.weight = {k.conv->at.kernel_height, k.conv->at.kernel_width, k.conv->at.group_channels(), k.conv->at.out_channels};
  if (k.matmul) k.weight = k.backwards ? Shape{c, f.activation->shape()[-1]} : Shape{f.activation->shape()[-1], c};
  if (k.bias || k.scale) k.weight = {c};
  if (const auto* repeat = e.template as<Broadcast>()) k.weight = repeat->from;
  if (const auto* product = e.template as<BroadcastMul>()) k.weight = product->weight;
  if (const auto* table = e.template as<Embedding>()) k.weight = table->from;
  k.one = gradient_of_one(e, f.cotangent.rows() / outputs);
  return k;
}

/// Of one output, in the op's layout.
template <class S>
void write_known_rows(const Known<S>& op, const Factor<Tensor<S>>& f, bool accumulate, S* to, Index stride) {
  const Tensor<S>&d = f.cotangent, &input = op.backwards ? d : f.activation ? *f.activation : d, &output = op.backwards ? *f.activation : d;
  const Index n = d.rows(), p = op.weight.size();
  const bool several = op.matmul && input.size() > n * input.shape()[-1];
  if (op.matmul && (several || !accumulate)) return write_products(input, output, accumulate, to, stride);
  if (op.conv && !accumulate)
    return cpu::conv2d_weight_rows(op.conv->at, input, output, to, stride);  // in place: these rows are the longest
  Tensor<S> rows;
  if (op.one) {
    rows = Tensor<S>({n, p});
    cpu::parallel_for(n, [&](Index i) { std::copy_n(op.one(f, i).data(), p, rows.data() + i * p); });
  } else if (op.matmul) {
    rows = Tensor<S>({n, p});
    write_products(input, output, false, rows.data(), p);
  } else if (op.conv) {
    rows = Tensor<S>({n, p});
    cpu::conv2d_weight_rows(op.conv->at, input, output, rows.data(), p);
  } else {
    const Index c = d.shape()[-1], positions = d.size() / std::max<Index>(1, n * c);
    const S *a = input.data(), *b = d.data();
    rows = op.bias ? position_sums<S>(n, positions, c, [b](Index i) { return b[i]; })
                   : position_sums<S>(n, positions, c, [a, b](Index i) { return a[i] * b[i]; });
  }
  place_rows(rows, accumulate, to, stride, [](Index k) { return k; });
}

/// The place in the op's layout of each number of the parameter; none where they are the same.
template <class S>
std::vector<Index> places_in_op(const Entrance<Tensor<S>>& entrance, const Shape& weight) {
  constexpr Index base = 1 << 12;  // two digits, which a float holds exactly
  Tensor<S> low(weight), high(weight);
  for (Index k = 0; k < low.size(); ++k) low[k] = static_cast<S>(k % base), high[k] = static_cast<S>(k / base);
  low = entrance.own_layout(low), high = entrance.own_layout(high);
  std::vector<Index> places(static_cast<std::size_t>(low.size()));
  bool moved = false;
  for (Index k = 0; k < low.size(); ++k) {
    const Index place = static_cast<Index>(high[k]) * base + static_cast<Index>(low[k]);
    places[static_cast<std::size_t>(k)] = place;
    moved = moved || place != k;
  }
  return moved ? places : std::vector<Index>();
}

}  // namespace

template <class S>
void write_example_rows(const Factor<Tensor<S>>& factor, bool accumulate, S* to, Index stride, Index outputs, RowLayout layout) {
  const Known<S> op = known(factor, outputs);
  if (!op.any()) return place_rows(example_rows_by_slices(factor, outputs), accumulate, to, stride, [](Index k) { return k; });
  std::vector<Index> places;
  if (factor.entrance->rearranged() && layout == RowLayout::own) places = places_in_op(*factor.entrance, op.weight);
  for (Index o = 0; o < outputs; ++o) {
    const auto f = factor_of_output(factor, outputs, o);
    S* const first = to + o * stride;
    if (places.empty()) {
      write_known_rows(op, f, accumulate, first, outputs * stride);
    } else {
      Tensor<S> rows({f.cotangent.rows(), op.weight.size()});
      write_known_rows(op, f, false, rows.data(), rows.shape()[1]);
      place_rows(rows, accumulate, first, outputs * stride, [&places](Index k) { return places[static_cast<std::size_t>(k)]; });
    }
  }
}

template <class S>
Tensor<S> example_rows(const Factor<Tensor<S>>& factor, Index outputs) {
  const Known<S> op = known(factor, outputs);
  if (!op.any()) return example_rows_by_slices(factor, outputs);
  const Index n = std::max(factor.cotangent.rows(), factor.activation ? factor.activation->rows() : 0);
  Tensor<S> rows({n, op.weight.size()});
  write_example_rows(factor, false, rows.data(), rows.shape()[1], outputs);
  return rows;
}

#define INSTANTIATE(S)                                                                 \
  template Factor<Tensor<S>> factor_of_output(const Factor<Tensor<S>>&, Index, Index); \
  template Tensor<S> example_rows_by_slices(const Factor<Tensor<S>>&, Index);          \
  template Tensor<S> example_rows(const Factor<Tensor<S>>&, Index);                    \
  template void write_example_rows(const Factor<Tensor<S>>&, bool, S*, Index, Index, RowLayout);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane
