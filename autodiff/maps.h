// Linear ops: `apply` and its transpose. The transpose of a map is a map again (value.h's Transposed), so both differentiate.
#pragma once

#include "autodiff/cpu/pool.h"
#include "autodiff/cpu/reduce.h"
#include "autodiff/value.h"

namespace tangentplane {

/// b [C] -> [..., C], the same in every position; transposed, the sum over all positions.
struct ChannelBias {
  static constexpr const char* name = "channel_bias";
  static constexpr bool broadcasts_to_examples = true;
  Shape to;  ///< of the output

  template <class S>
  Tensor<S> apply(const Tensor<S>& b) const {
    Tensor<S> y(to);
    cpu::transform_channels(y.size() / std::max<Index>(1, b.size()), b.size(), y.data(), b.data(), y.data(), [](S, S v) { return v; });
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    const Index c = y.shape()[-1];
    Tensor<S> b({c});
    const S* v = y.data();
    cpu::sum_channels(y.size() / std::max<Index>(1, c), c, b.data(), [v](Index i) { return v[i]; });
    return b;
  }
  template <class S>
  Tensor<S> add_to(Tensor<S> x, const Tensor<S>& b) const {
    Tensor<S> y = x.unique() ? x : Tensor<S>(x.shape());
    cpu::transform_channels(x.size() / std::max<Index>(1, b.size()), b.size(), x.data(), b.data(), y.data(),
                            [](S u, S v) { return u + v; });
    return y;
  }
};

/// The same numbers under another shape.
struct Reshape {
  static constexpr const char* name = "reshape";
  static constexpr bool rearranges = true;  ///< the same numbers
  Shape from, to;                           ///< of the input and the output
  Reach reach() const { return Reach::entry; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    return x.reshaped(to);
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return y.reshaped(from);
  }
};

/// Times a constant.
struct Scale {
  static constexpr const char* name = "scale";
  double factor;  ///< the constant
  Reach reach() const { return Reach::entry; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    Tensor<S> y(x.shape());
    const S c = static_cast<S>(factor);
    cpu::transform(x.size(), x.data(), y.data(), [c](S v) { return c * v; });
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return apply(y);
  }
};

/// Everything -> a scalar.
struct Sum {
  static constexpr const char* name = "sum";
  Shape from;  ///< of the input
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    const S* v = x.data();
    return Tensor<S>::full({}, cpu::sum<S>(x.size(), [v](Index i) { return v[i]; }));
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return Tensor<S>::full(from, y[0]);
  }
};

/// Mean over windows of [N, H, W, C]; windows that do not fit are left out.
struct AveragePool {
  static constexpr const char* name = "average_pool";
  cpu::PoolGeometry at;  ///< sizes, window, stride and padding
  Reach reach() const { return Reach::row; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    return cpu::average_pool(at, x);
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return cpu::average_pool_transpose(at, y);
  }
};

/// Of each window of [N, H, W, C] the entry that was chosen: maximum pooling, once the maxima are known.
struct WindowChoice {
  static constexpr const char* name = "max_pool";
  cpu::PoolGeometry at;        ///< sizes, window, stride and padding
  cpu::WindowChoices choices;  ///< one for each number of the output
  Reach reach() const { return Reach::row; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    return cpu::choose(at, choices, x);
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return cpu::choose_transpose(at, choices, y);
  }
};

/// [N, H, W, C] -> [N, C].
struct GlobalMean {
  static constexpr const char* name = "global_mean";
  Index height, width;  ///< of an input image
  Reach reach() const { return Reach::row; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    return cpu::global_mean(x);
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return cpu::global_mean_transpose(height, width, y);
  }
};

/// y[i] = x[places[i]], places within one tensor of shape `from`: the largest entries over some axes, once they are known. `repeats` if a
/// place may occur more than once.
struct Gather {
  static constexpr const char* name = "gather";
  Shape from, to;                                    ///< of the input and the output
  std::shared_ptr<const std::vector<Index>> places;  ///< in the input, one for each number of the output
  bool repeats;                                      ///< whether a place may occur more than once
  /// That of the places: a maximum within the rows takes each row's from that row.
  Reach reach() const {
    if (from.rank() == 0 || to.rank() == 0 || from[0] != to[0]) return Reach::batch;
    const Index in = from.row_size(), out = to.row_size();
    bool inside = true;
    for (Index r = 0; r < to[0]; ++r)
      for (const Index *p = places->data() + r * out, *end = p + out; p < end; ++p) inside &= r * in <= *p && *p < (r + 1) * in;
    return inside ? Reach::row : Reach::batch;
  }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    Tensor<S> y(to);
    const Index* at = places->data();
    cpu::parallel_chunks(y.size(), cpu::elementwise_chunk, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) y[i] = x[at[i]];
    });
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    // Where each row takes its own entries, rows are tasks.
    const Index rows = reach() == Reach::row ? from[0] : 1, in = from.size() / std::max<Index>(1, rows),
                out = y.size() / std::max<Index>(1, rows);
    const Index* at = places->data();
    Tensor<S> x(from);
    cpu::parallel_rows(rows, in + out, [&](Index begin, Index end) {
      if (!repeats) {
        std::fill(x.data() + begin * in, x.data() + end * in, S(0));
        for (Index i = begin * out; i < end * out; ++i) x[at[i]] = y[i];
        return;
      }
      std::vector<double> sums(static_cast<std::size_t>(in));  // long sums, and in order
      for (Index r = begin; r < end; ++r) {
        std::fill(sums.begin(), sums.end(), 0.0);
        for (Index i = r * out; i < (r + 1) * out; ++i) sums[static_cast<std::size_t>(at[i] - r * in)] += static_cast<double>(y[i]);
        std::transform(sums.begin(), sums.end(), x.data() + r * in, [](double v) { return static_cast<S>(v); });
      }
    });
    return x;
  }
};

}  // namespace tangentplane
