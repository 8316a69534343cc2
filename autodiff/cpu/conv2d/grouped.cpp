// Convolutions with groups, dilations or different strides as matrix products, group by group: the patches of a block of positions
// [positions, kh kw C / groups] are copied out of the images and multiplied by the group's columns of the weight, where it lies.
#include <algorithm>

#include "autodiff/cpu/conv2d/paths.h"
#include "autodiff/cpu/gemm.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane::cpu::paths {
namespace {

/// f(pixel, tap, place of the position in the block) for every tap and position in [begin, end) of one image; pixel is -1 in the padding.
template <class F>
void for_taps(const ConvGeometry& at, Index begin, Index end, const F& f) {
  const Index width = at.out_width();
  for (Index p = begin; p < end; ++p) {
    const Index top = p / width * at.stride - at.pad_top, left = p % width * at.stride_width() - at.pad_left;
    for (Index a = 0; a < at.kernel_height; ++a)
      for (Index b = 0; b < at.kernel_width; ++b) {
        const Index u = top + a * at.dilation_height, v = left + b * at.dilation_width;
        const bool inside = 0 <= u && u < at.height && 0 <= v && v < at.width;
        f(inside ? u * at.width + v : -1, a * at.kernel_width + b, p - begin);
      }
  }
}

/// The patches of one group at positions [begin, end) of one image.
template <class S>
void copy_patches(const ConvGeometry& at, const S* image, Index group, Index begin, Index end, S* patches) {
  const Index c = at.group_channels(), patch = at.patch_size();
  for_taps(at, begin, end, [&](Index pixel, Index tap, Index row) {
    S* to = patches + row * patch + tap * c;
    if (pixel < 0)
      std::fill_n(to, c, S(0));
    else
      std::copy_n(image + pixel * at.channels + group * c, c, to);
  });
}

Index positions_per_block(const ConvGeometry& at) {
  return std::min(at.positions(), std::clamp<Index>((Index(1) << 17) / std::max<Index>(at.patch_size(), 1), 64, 2048));
}

/// dw [kh, kw, C / groups, O] <- the sum over images [first, last).
template <class S>
void add_weight(const ConvGeometry& at, const S* x, const S* dy, Index first, Index last, S* patches, S* dw) {
  const Index patch = at.patch_size(), o = at.out_channels, group_o = o / at.groups, block = positions_per_block(at);
  const Index image = at.height * at.width * at.channels;
  bool written = false;
  for (Index n = first; n < last; ++n)
    for (Index p = 0; p < at.positions(); p += block) {
      const Index q = std::min(at.positions(), p + block);
      for (Index g = 0; g < at.groups; ++g) {
        copy_patches(at, x + n * image, g, p, q, patches);
        gemm(Op::transpose, Op::none, patch, group_o, q - p, S(1), patches, patch, dy + (n * at.positions() + p) * o + g * group_o, o,
             S(written ? 1 : 0), dw + g * group_o, o);
      }
      written = true;
    }
}

template <class S>
Block patches_of(const ConvGeometry& at) {
  return Block(static_cast<std::size_t>(positions_per_block(at) * at.patch_size()) * sizeof(S));
}

}  // namespace

template <class S>
Tensor<S> grouped_conv2d(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& w) {
  const Index patch = at.patch_size(), o = at.out_channels, group_o = o / at.groups, block = positions_per_block(at);
  const Index image = at.height * at.width * at.channels, blocks = (at.positions() + block - 1) / block;
  Tensor<S> y({x.rows(), at.out_height(), at.out_width(), o});
  parallel_chunks(x.rows() * blocks, images_per_task(at), [&](Index begin, Index end) {
    const Block scratch = patches_of<S>(at);
    S* patches = static_cast<S*>(scratch.data());
    for (Index task = begin; task < end; ++task) {
      const Index n = task / blocks, p = task % blocks * block, q = std::min(at.positions(), p + block);
      for (Index g = 0; g < at.groups; ++g) {
        copy_patches(at, x.data() + n * image, g, p, q, patches);
        gemm(Op::none, Op::none, q - p, group_o, patch, S(1), patches, patch, w.data() + g * group_o, o, S(0),
             y.data() + (n * at.positions() + p) * o + g * group_o, o);
      }
    }
  });
  return y;
}

template <class S>
Tensor<S> grouped_input(const ConvGeometry& at, const Tensor<S>& w, const Tensor<S>& dy) {
  const Index patch = at.patch_size(), o = at.out_channels, group_o = o / at.groups, block = positions_per_block(at);
  const Index image = at.height * at.width * at.channels, c = at.group_channels();
  Tensor<S> dx({dy.rows(), at.height, at.width, at.channels});
  parallel_chunks(dy.rows(), images_per_task(at), [&](Index begin, Index end) {
    const Block scratch = patches_of<S>(at);
    S* patches = static_cast<S*>(scratch.data());
    for (Index n = begin; n < end; ++n) {
      S* to = dx.data() + n * image;
      std::fill_n(to, image, S(0));
      for (Index p = 0; p < at.positions(); p += block)
        for (Index g = 0; g < at.groups; ++g) {
          const Index q = std::min(at.positions(), p + block);
          gemm(Op::none, Op::transpose, q - p, patch, group_o, S(1), dy.data() + (n * at.positions() + p) * o + g * group_o, o,
               w.data() + g * group_o, o, S(0), patches, patch);
          for_taps(at, p, q, [&](Index pixel, Index tap, Index row) {
            if (pixel < 0) return;
            const S* from = patches + row * patch + tap * c;
            S* sum = to + pixel * at.channels + g * c;
            for (Index k = 0; k < c; ++k) sum[k] += from[k];
          });
        }
    }
  });
  return dx;
}

template <class S>
Tensor<S> grouped_weight(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy) {
  const Index size = at.patch_size() * at.out_channels, chunk = images_per_chunk(at, x.rows()), chunks = (x.rows() + chunk - 1) / chunk;
  Tensor<S> partials({chunks, size});
  parallel_for(chunks, [&](Index q) {
    const Block scratch = patches_of<S>(at);
    add_weight(at, x.data(), dy.data(), q * chunk, std::min(x.rows(), (q + 1) * chunk), static_cast<S*>(scratch.data()),
               partials.data() + q * size);
  });
  return sum_chunks(partials, {at.kernel_height, at.kernel_width, at.group_channels(), at.out_channels});
}

template <class S>
void grouped_weight_rows(const ConvGeometry& at, const Tensor<S>& x, const Tensor<S>& dy, S* rows, Index stride) {
  parallel_chunks(x.rows(), images_per_task(at), [&](Index begin, Index end) {
    const Block scratch = patches_of<S>(at);
    for (Index n = begin; n < end; ++n) add_weight(at, x.data(), dy.data(), n, n + 1, static_cast<S*>(scratch.data()), rows + n * stride);
  });
}

#define INSTANTIATE(S)                                                                        \
  template Tensor<S> grouped_conv2d(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&); \
  template Tensor<S> grouped_input(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&);  \
  template Tensor<S> grouped_weight(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&); \
  template void grouped_weight_rows(const ConvGeometry&, const Tensor<S>&, const Tensor<S>&, S*, Index);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::cpu::paths
