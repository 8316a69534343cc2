// Convolutions with 3 x 3 taps and stride 1 by Winograd's F(4 x 4, 3 x 3): squares of 6 x 6 pixels and the taps are transformed, 36
// matrix products over the channels take the place of the sum over taps, and what they give is transformed back. Channels lie across
// the lanes. What a task works on stays in L2: blocks of tiles, counted through all images, by panels of channels.
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "autodiff/cpu/conv2d/tile_kernel.h"
#include "autodiff/cpu/conv2d/winograd_transforms.h"
#include "autodiff/cpu/memory.h"
#include "autodiff/cpu/parallel.h"
#include "autodiff/cpu/split/measured.h"
#include "autodiff/cpu/split/packed.h"
#include "autodiff/cpu/split/products.h"

namespace tangentplane::cpu::paths {
namespace {

using winograd::inputs, winograd::outputs, winograd::products, winograd::taps, winograd::Vector;

constexpr auto whole = std::experimental::element_aligned;
constexpr Index width = lanes<float>;
/// Channels that a product takes at a time, on either side: 16 kB of taps stay in L1, the 36 squares of a block in L2.
constexpr Index panel = 64;
/// Columns that one tile of the kernel takes.
constexpr Index strip = max_vectors<float> * width;

constexpr Index parts(Index n, Index size) { return (n + size - 1) / size; }

/// Tiles in a block: 64, or fewer where `others` ways of cutting the work would not make some 16 tasks.
Index tiles_per_block(Index tiles, Index others) { return std::clamp<Index>(parts(tiles * others, 16), 24, 64); }

/// Into how many the other way is cut, given that many blocks.
Index pieces(Index blocks, Index limit) { return std::clamp<Index>(parts(16, blocks), 1, limit); }

/// Where the 36 squares of a block lie: `stride` is off the powers of two, at which all 36 would share few lines of L1.
struct Squares {
  Index rows, columns;  ///< of each of the 36 matrices
  Index stride() const { return rows * columns + width; }
  Index size() const { return products * stride(); }
};

/// Tiles of 4 x 4 outputs, counted through all images; those on the far edges reach beyond.
struct Tiles {
  explicit Tiles(const ConvGeometry& g) : at(g), down(parts(g.out_height(), outputs)), across(parts(g.out_width(), outputs)) {}
  ConvGeometry at;
  Index down, across;
  Index per_image() const { return down * across; }

  /// The 6 x 6 pixels [C] that tile t sees of x; `outside` where there is none.
  std::array<const float*, products> pixels(Index t, const float* x, const float* outside) const {
    std::array<const float*, products> p;
    const Index n = t / per_image(), top = t % per_image() / across * outputs - at.pad_top, left = t % across * outputs - at.pad_left;
    for (Index i = 0; i < inputs; ++i)
      for (Index j = 0; j < inputs; ++j) {
        const Index u = top + i, v = left + j;
        const bool inside = u >= 0 && u < at.height && v >= 0 && v < at.width;
        p[static_cast<std::size_t>(i * inputs + j)] = inside ? x + ((n * at.height + u) * at.width + v) * at.channels : outside;
      }
    return p;
  }
  /// Its 4 x 4 positions [O] in y; `outside` beyond the edges.
  template <class P>
  std::array<P, outputs * outputs> positions(Index t, P y, P outside) const {
    std::array<P, outputs * outputs> p;
    const Index n = t / per_image(), top = t % per_image() / across * outputs, left = t % across * outputs;
    for (Index i = 0; i < outputs; ++i)
      for (Index j = 0; j < outputs; ++j) {
        const bool inside = top + i < at.out_height() && left + j < at.out_width();
        p[static_cast<std::size_t>(i * outputs + j)] =
            inside ? y + ((n * at.out_height() + top + i) * at.out_width() + left + j) * at.out_channels : outside;
      }
    return p;
  }
};

/// Channels [first, first + to.columns) of the squares at `from`, transformed, into row `row` of the 36 matrices.
template <class T, std::size_t n>
void transform_in(const std::array<const float*, n>& from, Index first, Squares to, Index row, float* matrices) {
  for (Index c = 0; c < to.columns; c += width)
    winograd::transform<T>(
        [&](int i, int j) { return Vector(from[static_cast<std::size_t>(i * T::from + j)] + first + c, whole); },
        [&](int i, int j, const Vector& v) { v.copy_to(matrices + (i * T::to + j) * to.stride() + row * to.columns + c, whole); });
}

/// The reverse: row `row` of the 36 matrices, transformed, into channels [first, first + from.columns) at `to`.
template <class T, std::size_t n>
void transform_out(Squares from, Index row, const float* matrices, const std::array<float*, n>& to, Index first) {
  for (Index c = 0; c < from.columns; c += width)
    winograd::transform<T>(
        [&](int i, int j) { return Vector(matrices + (i * T::from + j) * from.stride() + row * from.columns + c, whole); },
        [&](int i, int j, const Vector& v) { v.copy_to(to[static_cast<std::size_t>(i * T::to + j)] + first + c, whole); });
}

/// Where one vector of columns begins after another.
constexpr auto vector_offsets = [] {
  std::array<Index, std::size_t(max_vectors<float>)> offsets{};
  for (std::size_t l = 0; l < offsets.size(); ++l) offsets[l] = Index(l) * width;
  return offsets;
}();

/// Uninitialised floats from the pool.
class Scratch {
 public:
  explicit Scratch(Index n) : block_(static_cast<std::size_t>(n) * sizeof(float)) {}
  float* data() const { return static_cast<float*>(block_.data()); }

 private:
  Block block_;
};

/// The 36 matrices of a block or panel in split parts, where products are split.
class SplitSquares {
 public:
  /// The rows of the matrices as the left factor, or their columns as the right one.
  SplitSquares(split::Side side, Squares at, const float* matrices) {
    const bool left = side == split::Side::left;
    for (Index k = 0; k < products; ++k, matrices += at.stride()) {
      all_.push_back(std::make_unique<split::Packed>(split::Factor{side, matrices, left ? at.columns : 1, left ? 1 : at.columns,
                                                                   left ? at.rows : at.columns, left ? at.columns : at.rows}));
      all_.back()->pack(0, all_.back()->blocks());
    }
  }
  const split::Packed& operator[](Index k) const { return *all_[static_cast<std::size_t>(k)]; }

 private:
  std::vector<std::unique_ptr<split::Packed>> all_;
};

/// True where the 36 products of a convolution are worth splitting. Those of a weight gradient are not: each panel of 64 by 64 sums would
/// have both of its factors packed for a block's few rows alone.
bool splits(const ConvGeometry& at) { return cpu::products() == Products::split && std::min(at.channels, at.out_channels) >= panel; }

/// Taps w [3,3,C,O] transformed: for each panel of O its 36 matrices [C, panel].
class Taps {
 public:
  Taps(const ConvGeometry& at, const float* w)
      : c_(at.channels), o_(at.out_channels), matrices_(parts(o_, panel) * Squares{c_, panel}.size()), split_(panels()) {
    const Index step = std::max<Index>(1, elementwise_chunk / (products * panel)), strips = parts(c_, step);
    parallel_for(panels() * strips, [&](Index task) {
      const Index p = task / strips, first = p * panel;
      std::array<const float*, taps * taps> from;
      for (Index c = task % strips * step, end = std::min(c_, c + step); c < end; ++c) {
        for (Index k = 0; k < taps * taps; ++k) from[static_cast<std::size_t>(k)] = w + (k * c_ + c) * o_;
        transform_in<winograd::Weight>(from, first, squares(p), c, matrices(p));
      }
    });
    if (splits(at))
      parallel_for(panels(), [&](Index p) { split_[p] = std::make_unique<SplitSquares>(split::Side::right, squares(p), matrices(p)); });
  }
  Index panels() const { return parts(o_, panel); }
  Squares squares(Index p) const { return {c_, std::min(panel, o_ - p * panel)}; }
  float* matrices(Index p) const { return matrices_.data() + p * Squares{c_, panel}.size(); }
  /// Those of a panel in parts; null where products are not split.
  const SplitSquares* split(Index p) const { return split_[p].get(); }

 private:
  Index c_, o_;
  Scratch matrices_;
  std::vector<std::unique_ptr<SplitSquares>> split_;
};

/// out <- in taps, for each of the 36: [tiles, C] [C, panel] -> [tiles, panel], by pieces of C whose taps stay in L1.
void multiply(Squares in, const float* v, Squares w, const float* u, Squares out, float* m) {
  const Index piece = even_block(in.columns, panel), step = even_block(in.rows, max_scalars);
  for (Index k = 0; k < products; ++k, v += in.stride(), u += w.stride(), m += out.stride())
    for (Index c = 0; c < in.columns; c += piece)
      for (Index first = 0; first < out.columns; first += strip)
        for (Index t = 0; t < in.rows; t += step)
          tile_kernel<float>(std::min(step, in.rows - t), std::min(strip, out.columns - first) / width)(
              1, std::min(piece, in.columns - c), {v + t * in.columns + c, in.columns, 0, 1},
              {u + c * w.columns + first, vector_offsets.data(), 0, w.columns}, m + t * out.columns + first, out.columns, c > 0);
}

/// The same by split parts.
void multiply(const SplitSquares& v, const SplitSquares& u, Squares out, float* m) {
  for (Index k = 0; k < products; ++k) {
    split::multiply(v[k], u[k], 1, 0, m + k * out.stride(), out.columns);
    split::count_product(true, out.rows, out.columns, v[k].factor().inner);
  }
}

/// sums (+)= in^T out, for each of the 36: [tiles, C]^T [tiles, O] -> [C, O].
void add_products(Squares in, const float* v, Squares out, const float* z, bool accumulate, Squares sums, float* s) {
  const Index step = even_block(in.columns, max_scalars);
  for (Index k = 0; k < products; ++k, v += in.stride(), z += out.stride(), s += sums.stride())
    for (Index first = 0; first < out.columns; first += strip)
      for (Index c = 0; c < in.columns; c += step)
        tile_kernel<float>(std::min(step, in.columns - c), std::min(strip, out.columns - first) / width)(
            1, in.rows, {v + c, 1, 0, in.columns}, {z + first, vector_offsets.data(), 0, out.columns}, s + c * sums.columns + first,
            sums.columns, accumulate);
}

}  // namespace

Tensor<float> winograd_conv2d(const ConvGeometry& at, const Tensor<float>& x, const Tensor<float>& w) {
  const Tiles grid(at);
  const Index c = at.channels, o = at.out_channels, tiles = x.rows() * grid.per_image();
  Tensor<float> y({x.rows(), at.out_height(), at.out_width(), o});
  if (tiles == 0) return y;
  const Taps u(at, w.data());
  const Index block = tiles_per_block(tiles, u.panels()), groups = pieces(parts(tiles, block), u.panels());
  parallel_for(parts(tiles, block) * groups, [&](Index task) {
    const Index begin = task / groups * block, count = std::min(tiles, begin + block) - begin, group = task % groups;
    const Squares in{count, c};
    const Scratch v(in.size()), m(Squares{count, panel}.size()), zeros(c), beyond(o);
    std::fill_n(zeros.data(), c, 0.F);
    for (Index t = 0; t < count; ++t) transform_in<winograd::Input>(grid.pixels(begin + t, x.data(), zeros.data()), 0, in, t, v.data());
    const auto of_v = splits(at) ? std::make_unique<SplitSquares>(split::Side::left, in, v.data()) : nullptr;
    for (Index p = u.panels() * group / groups; p < u.panels() * (group + 1) / groups; ++p) {
      const Squares out{count, u.squares(p).columns};
      if (of_v)
        multiply(*of_v, *u.split(p), out, m.data());
      else
        multiply(in, v.data(), u.squares(p), u.matrices(p), out, m.data());
      for (Index t = 0; t < count; ++t)
        transform_out<winograd::Output>(out, t, m.data(), grid.positions(begin + t, y.data(), beyond.data()), p * panel);
    }
  });
  return y;
}

Tensor<float> winograd_weight(const ConvGeometry& at, const Tensor<float>& x, const Tensor<float>& dy) {
  const Tiles grid(at);
  const Index c = at.channels, o = at.out_channels, tiles = x.rows() * grid.per_image();
  if (tiles == 0) return Tensor<float>::zeros({taps, taps, c, o});
  const Index out_panels = parts(o, panel), pairs = parts(c, panel) * out_panels;
  const Index block = tiles_per_block(tiles, pairs), blocks = parts(tiles, block), chunks = pieces(pairs, blocks);
  Tensor<float> partials({chunks, taps * taps * c * o});
  parallel_for(chunks * pairs, [&](Index task) {
    const Index chunk = task / pairs, c0 = task % pairs / out_panels * panel, o0 = task % out_panels * panel;
    const Squares sums{std::min(panel, c - c0), std::min(panel, o - o0)}, most{block, panel};
    const Scratch v(most.size()), z(most.size()), sum(sums.size()), zeros(std::max(c, o));
    std::fill_n(zeros.data(), std::max(c, o), 0.F);
    for (Index b = blocks * chunk / chunks, first = b; b < blocks * (chunk + 1) / chunks; ++b) {
      const Index begin = b * block, count = std::min(tiles, begin + block) - begin;
      const Squares in{count, sums.rows}, out{count, sums.columns};
      for (Index t = 0; t < count; ++t) {
        transform_in<winograd::Input>(grid.pixels(begin + t, x.data(), zeros.data()), c0, in, t, v.data());
        const auto cotangents = grid.positions<const float*>(begin + t, dy.data(), zeros.data());
        transform_in<winograd::OutputCotangent>(cotangents, o0, out, t, z.data());
      }
      add_products(in, v.data(), out, z.data(), b > first, sums, sum.data());
    }
    std::array<float*, taps * taps> to;
    for (Index k = 0; k < sums.rows; ++k) {
      for (Index q = 0; q < taps * taps; ++q)
        to[static_cast<std::size_t>(q)] = partials.data() + ((chunk * taps * taps + q) * c + c0 + k) * o;
      transform_out<winograd::WeightCotangent>(sums, k, sum.data(), to, o0);
    }
  });
  return sum_chunks(partials, {taps, taps, c, o});
}

}  // namespace tangentplane::cpu::paths
