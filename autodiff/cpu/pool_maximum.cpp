// Maximum pooling: which entry of its window is the largest, as a small number, so that looking for it, taking it and handing its cotangent
// back are comparisons and selections over vectors of channels.
#include "autodiff/cpu/parallel.h"
#include "autodiff/cpu/pool.h"

namespace tangentplane::cpu {
namespace {

/// f(first entry of the output's channels, rows, columns) for each window of image n.
template <class F>
void for_windows_of(const PoolGeometry& at, Index n, const F& f) {
  const Index height = at.out_height(), width = at.out_width();
  for (Index i = 0; i < height; ++i) {
    const WindowSpan rows = rows_of(at, i);
    for (Index j = 0; j < width; ++j) f(((n * height + i) * width + j) * at.channels, rows, columns_of(at, j));
  }
}

/// f(first entry of the input's channels, place in the window) for each entry of a window of image n, row by row.
template <class F>
void for_entries(const PoolGeometry& at, Index n, const WindowSpan& rows, const WindowSpan& columns, const F& f) {
  for (Index u = rows.first; u < rows.last; ++u)
    for (Index v = columns.first; v < columns.last; ++v)
      f(((n * at.height + u) * at.width + v) * at.channels,
        static_cast<std::int32_t>((u - rows.start) * at.window_width() + v - columns.start));
}

template <class F>
void for_images(const PoolGeometry& at, Index images, const F& f) {
  parallel_rows(images, at.height * at.width * at.channels, [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n) f(n);
  });
}

}  // namespace

template <class S>
Tensor<S> max_pool(const PoolGeometry& at, const Tensor<S>& x, WindowChoices* choices) {
  const Index c = at.channels;
  Tensor<S> y({x.rows(), at.out_height(), at.out_width(), c});
  auto places = choices ? std::make_shared<std::vector<std::int32_t>>(static_cast<std::size_t>(y.size())) : nullptr;
  for_images(at, x.rows(), [&](Index n) {
    for_windows_of(at, n, [&](Index to, const WindowSpan& rows, const WindowSpan& columns) {
      S* best = y.data() + to;
      std::int32_t* choice = places ? places->data() + to : nullptr;
      bool first = true;
      for_entries(at, n, rows, columns, [&](Index from, std::int32_t place) {
        const S* in = x.data() + from;
        if (first) {
          first = false;
          std::copy_n(in, c, best);
          if (choice) std::fill_n(choice, c, place);
          return;
        }
        // A NaN is larger than a number, and nothing is larger than a NaN.
        if (!choice) {
#pragma GCC ivdep
          for (Index k = 0; k < c; ++k) {
            const S v = in[k], b = best[k];
            best[k] = !(v <= b) && b == b ? v : b;
          }
          return;
        }
#pragma GCC ivdep
        for (Index k = 0; k < c; ++k) {
          const S v = in[k], b = best[k];
          const bool larger = !(v <= b) && b == b;
          best[k] = larger ? v : b;
          choice[k] = larger ? place : choice[k];
        }
      });
    });
  });
  if (choices) *choices = std::move(places);
  return y;
}

template <class S>
Tensor<S> choose(const PoolGeometry& at, const WindowChoices& choices, const Tensor<S>& x) {
  const Index c = at.channels;
  Tensor<S> y({x.rows(), at.out_height(), at.out_width(), c});
  for_images(at, x.rows(), [&](Index n) {
    for_windows_of(at, n, [&](Index to, const WindowSpan& rows, const WindowSpan& columns) {
      const std::int32_t* choice = choices->data() + to;
      S* out = y.data() + to;
      for_entries(at, n, rows, columns, [&](Index from, std::int32_t place) {
        const S* in = x.data() + from;
#pragma GCC ivdep
        for (Index k = 0; k < c; ++k) out[k] = choice[k] == place ? in[k] : out[k];
      });
    });
  });
  return y;
}

template <class S>
Tensor<S> choose_transpose(const PoolGeometry& at, const WindowChoices& choices, const Tensor<S>& y) {
  const Index c = at.channels, entries = at.height * at.width * c;
  Tensor<S> x({y.rows(), at.height, at.width, c});
  // Sums of more terms than rounding is happy with go through double.
  const Index most = ((at.window + at.stride - 1) / at.stride) * ((at.window_width() + at.stride_width() - 1) / at.stride_width());
  const auto add_all = [&](Index n, auto* sums) {
    std::fill_n(sums, entries, 0);
    for_windows_of(at, n, [&](Index from, const WindowSpan& rows, const WindowSpan& columns) {
      const std::int32_t* choice = choices->data() + from;
      const S* in = y.data() + from;
      for_entries(at, 0, rows, columns, [&](Index to, std::int32_t place) {
        auto* out = sums + to;
        using Sum = std::remove_reference_t<decltype(*out)>;
#pragma GCC ivdep
        for (Index k = 0; k < c; ++k) out[k] += choice[k] == place ? static_cast<Sum>(in[k]) : Sum(0);
      });
    });
  };
  const bool covers = !at.overlaps() && at.stride == at.window && at.stride_width() == at.window_width() && at.pad_top == 0 &&
                      at.pad_left == 0 && at.out_height() * at.stride >= at.height && at.out_width() * at.stride_width() >= at.width;
  for_images(at, y.rows(), [&](Index n) {
    S* image = x.data() + n * entries;
    if (at.overlaps()) {
      if (most <= 9) return add_all(n, image);
      std::vector<double> sums(static_cast<std::size_t>(entries));
      add_all(n, sums.data());
      for (Index i = 0; i < entries; ++i) image[i] = static_cast<S>(sums[static_cast<std::size_t>(i)]);
      return;
    }
    if (!covers) std::fill_n(image, entries, S(0));
    for_windows_of(at, n, [&](Index from, const WindowSpan& rows, const WindowSpan& columns) {
      const std::int32_t* choice = choices->data() + from;
      const S* in = y.data() + from;
      for_entries(at, 0, rows, columns, [&](Index to, std::int32_t place) {
        S* out = image + to;
#pragma GCC ivdep
        for (Index k = 0; k < c; ++k) out[k] = choice[k] == place ? in[k] : S(0);
      });
    });
  });
  return x;
}

#define INSTANTIATE(S)                                                                    \
  template Tensor<S> max_pool(const PoolGeometry&, const Tensor<S>&, WindowChoices*);     \
  template Tensor<S> choose(const PoolGeometry&, const WindowChoices&, const Tensor<S>&); \
  template Tensor<S> choose_transpose(const PoolGeometry&, const WindowChoices&, const Tensor<S>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::cpu
