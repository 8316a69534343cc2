// Convolution by register tiles on the padded images themselves: no patches are copied, a tap is an offset. The output and the
// weight gradient use one kernel, a sum of outer products: over taps (scalars: pixels, vectors: weights), or over positions.
#include <algorithm>
#include <vector>

#include "autodiff/cpu/conv2d/tile_kernel.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane::cpu::paths {
namespace {

// Half of the smallest L1 in use (32 kB), so that the other operand has room beside it.
constexpr Index l1_bytes = 16 * 1024;

/// True if the kernel never leaves the image, whose own rows then serve as the padded ones.
bool needs_no_padding(const ConvGeometry& at) {
  return at.pad_top == 0 && at.pad_left == 0 && padded_height(at) <= at.height && padded_width(at) <= at.width;
}

/// The padded images of a task; a vector that starts within them may read beyond the last.
template <class S>
class PaddedImages {
 public:
  PaddedImages(const ConvGeometry& at, Index images, bool always_copy)
      : at_(at),
        copies_(always_copy || !needs_no_padding(at)),
        row_((copies_ ? padded_width(at) : at.width) * at.channels),
        image_(copies_ ? padded_height(at) * row_ : at.height * row_),
        scratch_(static_cast<std::size_t>(copies_ ? images * image_ + lanes<S> : 0) * sizeof(S)),
        data_(static_cast<S*>(scratch_.data())) {
    if (copies_) std::fill_n(data() + images * image_, lanes<S>, S(0));
  }
  void load(const S* x, Index images) {
    source_ = x;
    if (copies_)
      for (Index n = 0; n < images; ++n) pad_image(at_, x + n * at_.height * at_.width * at_.channels, data() + n * image_);
  }
  const S* image(Index n) const { return (copies_ ? data_ : source_) + n * image_; }
  Index row() const { return row_; }

 private:
  S* data() { return data_; }
  ConvGeometry at_;
  bool copies_;
  Index row_, image_;
  Block scratch_;
  S* data_;
  const S* source_ = nullptr;
};

/// Weights [K, O] as panels [O / width][K][width] of the columns that one tile takes; the last panel may be narrower.
template <class S>
Tensor<S> pack_weights(const Tensor<S>& w, Index rows, Index o, Index width) {
  if (o <= width) return w;
  Tensor<S> packed({rows, o});
  parallel_rows(rows, o, [&](Index begin, Index end) {
    for (Index k = begin; k < end; ++k)
      for (Index first = 0; first < o; first += width) {
        const Index n = std::min(width, o - first);
        std::copy_n(w.data() + k * o + first, n, packed.data() + first * rows + k * n);
      }
  });
  return packed;
}

/// Calls f(first row of the kernel, rows, first entry, entries) for pieces of the taps of at most `limit` entries: whole rows
/// where they fit, else parts of one.
template <class F>
void for_tap_pieces(const ConvGeometry& at, Index limit, const F& f) {
  const Index row = at.kernel_width * at.channels;
  const Index rows = std::clamp<Index>(limit / row, 1, at.kernel_height), entries = even_block(row, limit);
  for (Index a = 0; a < at.kernel_height; a += rows)
    for (Index first = 0; first < row; first += entries) f(a, std::min(rows, at.kernel_height - a), first, std::min(entries, row - first));
}

template <class S>
std::vector<Index> vector_offsets(Index vectors) {
  std::vector<Index> offsets(static_cast<std::size_t>(vectors));
  for (Index l = 0; l < vectors; ++l) offsets[static_cast<std::size_t>(l)] = l * lanes<S>;
  return offsets;
}

}  // namespace

template <class S>
Tensor<S> tiled_conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w) {
  const Index images = x.rows(), o = at.out_channels, patch = at.patch_size(), width = at.out_width(), c = at.channels;
  const Index panel = std::min(o, max_vectors<S> * lanes<S>), step = even_block(width, max_scalars);
  const auto offsets = vector_offsets<S>(max_vectors<S>);
  const Tensor<S> packed = pack_weights(w, patch, o, panel);
  Tensor<S> y({images, at.out_height(), width, o});
  // Enough images together that weights which L2 cannot hold are worth their way there.
  const Index together = patch * o * Index(sizeof(S)) > (1 << 20) ? std::max<Index>(1, 256 / at.positions()) : 1;
  parallel_chunks(images, std::max(together, images_per_task(at)), [&](Index begin, Index end) {
    PaddedImages<S> padded(at, together, false);
    for (Index n = begin; n < end; n += together) {
      const Index count = std::min(together, end - n);
      padded.load(x.data() + n * at.height * at.width * c, count);
      for (Index first = 0; first < o; first += panel) {
        const Index columns = std::min(panel, o - first);
        for_tap_pieces(at, l1_bytes / (columns * Index(sizeof(S))), [&](Index a, Index rows, Index entry, Index entries) {
          const Vectors<S> weights{packed.data() + first * patch + (a * at.kernel_width * c + entry) * columns, offsets.data(),
                                   at.kernel_width * c * columns, columns};
          for (Index m = 0; m < count; ++m)
            for (Index i = 0; i < at.out_height(); ++i)
              for (Index j = 0; j < width; j += step) {
                const Index tile = std::min(step, width - j);
                const S* pixel = padded.image(m) + (i * at.stride + a) * padded.row() + j * at.stride * c + entry;
                tile_kernel<S>(tile, columns / lanes<S>)(rows, entries, {pixel, at.stride * c, padded.row(), 1}, weights,
                                                         y.data() + (((n + m) * at.out_height() + i) * width + j) * o + first, o,
                                                         a + entry > 0);
              }
        });
      }
    }
  });
  return y;
}

namespace {

/// Rows of positions whose cotangents and pixels fit in L1 together.
Index rows_per_block(const ConvGeometry& at, Index row_bytes) {
  return std::clamp<Index>(2 * l1_bytes / std::max<Index>(row_bytes, 1), 1, at.out_height());
}

/// dw [kh,kw,C,O] of one image, added to what is there or not: vectors of output channels, scalars along a row of the kernel.
template <class S>
void add_image_across_channels(const ConvGeometry& at, const S* image, Index image_row, const S* dy, bool accumulate,
                               const std::vector<Index>& offsets, S* dw) {
  const Index o = at.out_channels, c = at.channels, width = at.out_width(), entries = at.kernel_width * c;
  const Index panel = std::min(o, max_vectors<S> * lanes<S>), step = even_block(entries, max_scalars);
  const Index block = rows_per_block(at, width * (std::min(at.stride * c, entries) + panel) * Index(sizeof(S)));
  for (Index first = 0; first < o; first += panel)
    for (Index i = 0; i < at.out_height(); i += block)
      for (Index a = 0; a < at.kernel_height; ++a)
        for (Index entry = 0; entry < entries; entry += step) {
          const auto kernel = tile_kernel<S>(std::min(step, entries - entry), std::min(panel, o - first) / lanes<S>);
          kernel(std::min(block, at.out_height() - i), width,
                 {image + (i * at.stride + a) * image_row + entry, 1, at.stride * image_row, at.stride * c},
                 {dy + i * width * o + first, offsets.data(), width * o, o}, dw + (a * entries + entry) * o + first, o,
                 accumulate || i > 0);
        }
}

/// The same as [O, vectors, lanes]: vectors along the rows of the kernel, scalars of output channels.
template <class S>
void add_image_across_row(const ConvGeometry& at, const S* image, Index image_row, const S* dy, bool accumulate,
                          const std::vector<Index>& offsets, S* sums) {
  const Index o = at.out_channels, c = at.channels, width = at.out_width(), vectors = Index(offsets.size());
  const Index block = rows_per_block(at, width * (at.stride * c + o) * Index(sizeof(S)));
  const Index step = even_block(o, max_scalars), group = even_block(vectors, max_vectors<S>);
  for (Index i = 0; i < at.out_height(); i += block)
    for (Index first = 0; first < vectors; first += group)
      for (Index k = 0; k < o; k += step)
        tile_kernel<S>(std::min(step, o - k), std::min(group, vectors - first))(
            std::min(block, at.out_height() - i), width, {dy + i * width * o + k, 1, width * o, o},
            {image + i * at.stride * image_row, offsets.data() + first, at.stride * image_row, at.stride * c},
            sums + (k * vectors + first) * lanes<S>, vectors * lanes<S>, accumulate || i > 0);
}

/// Weight gradients of images one after the other, into one sum or a row each.
template <class S>
class WeightGradient {
 public:
  WeightGradient(const ConvGeometry& at, Across across)
      : at_(at),
        across_(across),
        per_row_((at.kernel_width * at.channels + lanes<S> - 1) / lanes<S>),
        padded_(at, 1, across == Across::kernel_row),
        sums_(static_cast<std::size_t>(across == Across::kernel_row ? at.out_channels * at.kernel_height * per_row_ * lanes<S> : 0) *
              sizeof(S)) {
    if (across == Across::out_channels) {
      offsets_ = vector_offsets<S>(max_vectors<S>);
      return;
    }
    for (Index a = 0; a < at.kernel_height; ++a)
      for (Index l = 0; l < per_row_; ++l) offsets_.push_back(a * padded_.row() + l * lanes<S>);
  }
  void add(const S* x, const S* dy, bool accumulate, S* dw) {
    padded_.load(x, 1);
    if (across_ == Across::out_channels)
      add_image_across_channels(at_, padded_.image(0), padded_.row(), dy, accumulate, offsets_, dw);
    else
      add_image_across_row(at_, padded_.image(0), padded_.row(), dy, accumulate, offsets_, static_cast<S*>(sums_.data()));
  }
  /// Writes the sum where it is not there yet.
  void finish(S* dw) {
    if (across_ == Across::out_channels) return;
    const Index o = at_.out_channels, entries = at_.kernel_width * at_.channels, row = per_row_ * lanes<S>;
    const S* sums = static_cast<const S*>(sums_.data());
    for (Index a = 0; a < at_.kernel_height; ++a)
      for (Index t = 0; t < entries; ++t)
        for (Index k = 0; k < o; ++k) dw[(a * entries + t) * o + k] = sums[(k * at_.kernel_height + a) * row + t];
  }

 private:
  ConvGeometry at_;
  Across across_;
  Index per_row_;
  PaddedImages<S> padded_;
  Block sums_;
  std::vector<Index> offsets_;
};

}  // namespace

template <class S>
Tensor<S> tiled_weight(const ConvGeometry& at, Across across, const Tensor<S>& x, const Tensor<S>& dy) {
  const Index images = x.rows(), size = at.patch_size() * at.out_channels, chunk = images_per_chunk(at, images);
  Tensor<S> partials({(images + chunk - 1) / chunk, size});
  parallel_chunks(images, chunk, [&](Index begin, Index end) {
    WeightGradient<S> gradient(at, across);
    S* dw = partials.data() + begin / chunk * size;
    for (Index n = begin; n < end; ++n)
      gradient.add(x.data() + n * x.shape().row_size(), dy.data() + n * dy.shape().row_size(), n > begin, dw);
    gradient.finish(dw);
  });
  return sum_chunks(partials, {at.kernel_height, at.kernel_width, at.channels, at.out_channels});
}

template <class S>
void tiled_weight_rows(const ConvGeometry& at, Across across, const Tensor<S>& x, const Tensor<S>& dy, S* rows, Index stride) {
  parallel_chunks(x.rows(), images_per_task(at), [&](Index begin, Index end) {
    WeightGradient<S> gradient(at, across);
    for (Index n = begin; n < end; ++n) {
      gradient.add(x.data() + n * x.shape().row_size(), dy.data() + n * dy.shape().row_size(), false, rows + n * stride);
      gradient.finish(rows + n * stride);
    }
  });
}

template Tensor<float> tiled_conv2d(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&);
template Tensor<double> tiled_conv2d(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&);
template Tensor<float> tiled_weight(const ConvGeometry&, Across, const Tensor<float>&, const Tensor<float>&);
template Tensor<double> tiled_weight(const ConvGeometry&, Across, const Tensor<double>&, const Tensor<double>&);
template void tiled_weight_rows(const ConvGeometry&, Across, const Tensor<float>&, const Tensor<float>&, float*, Index);
template void tiled_weight_rows(const ConvGeometry&, Across, const Tensor<double>&, const Tensor<double>&, double*, Index);

}  // namespace tangentplane::cpu::paths
