// Convolution as matrix products: a block of patches [positions, kh kw C] is copied out of the images (im2col) and stays in L2
// until BLAS has multiplied it. Blocks run over the positions of all images together, so that small images join in one product.
#include <algorithm>

#include "autodiff/cpu/conv2d/paths.h"
#include "autodiff/cpu/gemm.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane::cpu::paths {
namespace {

/// Entries [first, last) of row `a` of the kernel, an entry being a pair (b, c).
struct KernelPiece {
  Index a, first, last;
};

/// Copies that piece of the patches at positions [begin, end), counted through all images, into the rows of `patches`.
template <class S>
void copy_patches(const ConvGeometry& at, const S* x, Index begin, Index end, KernelPiece piece, S* patches, Index row_stride) {
  const Index width = at.out_width(), c = at.channels;
  Index n = begin / at.positions(), i = begin % at.positions() / width, j = begin % width;
  for (Index p = begin; p < end; ++p, patches += row_stride) {
    const Index u = i * at.stride + piece.a - at.pad_top, v = j * at.stride - at.pad_left;
    Index low = piece.first, high = piece.first;  // the entries that lie inside the image
    if (u >= 0 && u < at.height) {
      low = std::clamp(-v * c, piece.first, piece.last);
      high = std::clamp((at.width - v) * c, low, piece.last);
    }
    std::fill_n(patches, low - piece.first, S(0));
    if (high > low) std::copy_n(x + ((n * at.height + u) * at.width + v) * c + low, high - low, patches + low - piece.first);
    std::fill_n(patches + high - piece.first, piece.last - high, S(0));
    if (++j == width) {
      j = 0;
      if (++i == at.out_height()) i = 0, ++n;
    }
  }
}

/// True if x itself is the matrix of patches.
bool patches_are_pixels(const ConvGeometry& at) {
  return at.kernel_height == 1 && at.kernel_width == 1 && at.stride == 1 && at.pad_top == 0 && at.pad_left == 0 &&
         at.out_height() == at.height && at.out_width() == at.width;
}

Index positions_per_block(Index patch) { return std::clamp<Index>((Index(1) << 18) / std::max<Index>(patch, 1), 256, 2048); }

/// dw rows of one piece [last - first, O] <- the sum over positions [begin, end), by blocks of them.
template <class S>
void weight_piece(const ConvGeometry& at, const S* x, const S* dy, Index begin, Index end, KernelPiece piece, Block& scratch, S* dw) {
  const Index size = piece.last - piece.first, o = at.out_channels, block = positions_per_block(size);
  S* patches = static_cast<S*>(scratch.data());
  for (Index p = begin; p < end; p += block) {
    const Index q = std::min(end, p + block);
    const bool pixels = patches_are_pixels(at);
    if (!pixels) copy_patches(at, x, p, q, piece, patches, size);
    const S* a = pixels ? x + p * at.channels + piece.first : patches;
    gemm(Op::transpose, Op::none, size, o, q - p, S(1), a, pixels ? at.channels : size, dy + p * o, o, S(p == begin ? 0 : 1), dw, o);
  }
}

}  // namespace

template <class S>
Tensor<S> gemm_conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w) {
  const Index images = x.rows(), patch = at.patch_size(), o = at.out_channels, row = at.kernel_width * at.channels;
  Tensor<S> y({images, at.out_height(), at.out_width(), o});
  const bool copies = !patches_are_pixels(at);
  parallel_chunks(images * at.positions(), positions_per_block(patch), [&](Index begin, Index end) {
    const Block scratch(static_cast<std::size_t>(copies ? (end - begin) * patch : 0) * sizeof(S));
    S* patches = static_cast<S*>(scratch.data());
    if (copies)
      for (Index a = 0; a < at.kernel_height; ++a) copy_patches(at, x.data(), begin, end, {a, 0, row}, patches + a * row, patch);
    gemm(Op::none, Op::none, end - begin, o, patch, S(1), copies ? patches : x.data() + begin * patch, patch, w.data(), o, S(0),
         y.data() + begin * o, o);
  });
  return y;
}

template <class S>
Tensor<S> gemm_weight(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy) {
  const Index images = x.rows(), o = at.out_channels, row = at.kernel_width * at.channels, patch = at.patch_size();
  const Index chunk = images_per_chunk(at, images), chunks = (images + chunk - 1) / chunk;
  const Index piece = even_block(row, 288), pieces = (row + piece - 1) / piece;
  Tensor<S> partials({chunks, patch * o});
  parallel_for(chunks * at.kernel_height * pieces, [&](Index task) {
    const Index q = task / (at.kernel_height * pieces), a = task / pieces % at.kernel_height, first = task % pieces * piece;
    const KernelPiece part{a, first, std::min(row, first + piece)};
    Block scratch(static_cast<std::size_t>(positions_per_block(part.last - part.first) * (part.last - part.first)) * sizeof(S));
    weight_piece(at, x.data(), dy.data(), q * chunk * at.positions(), std::min(images, (q + 1) * chunk) * at.positions(), part, scratch,
                 partials.data() + (q * patch + a * row + first) * o);
  });
  return sum_chunks(partials, {at.kernel_height, at.kernel_width, at.channels, o});
}

template <class S>
void gemm_weight_rows(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy, S* rows, Index stride) {
  const Index images = x.rows(), o = at.out_channels, row = at.kernel_width * at.channels, size = at.positions();
  parallel_chunks(images, images_per_task(at), [&](Index begin, Index end) {
    Block scratch(static_cast<std::size_t>(positions_per_block(row) * row) * sizeof(S));
    for (Index n = begin; n < end; ++n)
      for (Index a = 0; a < at.kernel_height; ++a)
        weight_piece(at, x.data(), dy.data(), n * size, (n + 1) * size, {a, 0, row}, scratch, rows + n * stride + a * row * o);
  });
}

template Tensor<float> gemm_conv2d(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&);
template Tensor<double> gemm_conv2d(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&);
template Tensor<float> gemm_weight(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&);
template Tensor<double> gemm_weight(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&);
template void gemm_weight_rows(const ConvGeometry&, const Tensor<float>&, const Tensor<float>&, float*, Index);
template void gemm_weight_rows(const ConvGeometry&, const Tensor<double>&, const Tensor<double>&, double*, Index);

}  // namespace tangentplane::cpu::paths
