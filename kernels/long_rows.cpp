#include "kernels/long_rows.h"

#include "autodiff/cpu/conv2d/tile_kernel.h"
#include "autodiff/cpu/gemm.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane {
namespace {

constexpr Index most_tasks = 16;
constexpr Index band = 32;  // rows of a symmetric product that are computed together, from the diagonal on

/// part [m, n] <- a [m, length] b [n, length]^T; where they are the same, only what lies on and above the diagonal, by bands.
template <class S>
void product(const S* a, Index lda, const S* b, Index ldb, Index m, Index n, Index length, bool same, S* part) {
  for (Index i = 0; i < m; i += same ? band : m) {
    const Index height = same ? std::min(band, m - i) : m, j = same ? i : 0;
    cpu::gemm(cpu::Op::none, cpu::Op::transpose, height, n - j, length, S(1), a + i * lda, lda, b + j * ldb, ldb, S(0), part + i * n + j,
              n);
  }
}

/// put(i, j, sum over the pieces of part(piece, out [m, n])), in double and in an order that depends on the sizes alone.
template <class S, class Part, class Put>
void sum_pieces(Index pieces, Index m, Index n, bool same, const Part& of_piece, const Put& put) {
  const Index tasks = std::min(pieces, most_tasks);
  auto sums = Tensor<double>::zeros({tasks, m, n});
  cpu::parallel_for(tasks, [&](Index task) {
    Tensor<S> part({m, n});
    double* const sum = sums.data() + task * m * n;
    for (Index piece = pieces * task / tasks; piece < pieces * (task + 1) / tasks; ++piece) {
      of_piece(piece, part.data());
      for (Index i = 0; i < m; ++i)
        for (Index j = same ? i / band * band : 0; j < n; ++j) sum[i * n + j] += static_cast<double>(part[i * n + j]);
    }
  });
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      const Index at = same && j < i ? j * n + i : i * n + j;
      double sum = 0;
      for (Index task = 0; task < tasks; ++task) sum += sums[task * m * n + at];
      put(i, j, sum);
    }
}

/// Columns [k0, k1) x [c0, c1) of a layer's rows, those of one output or (-1) of all.
struct Piece {
  std::size_t layer;
  Index output, k0, k1, c0, c1;
};

/// A piece's columns with zeros to whole vectors.
template <class S>
Index padded(Index width) {
  return (width + cpu::paths::lanes<S> - 1) / cpu::paths::lanes<S> * cpu::paths::lanes<S>;
}

/// Near enough to squares that packing both factors costs little beside their product; of many rows smaller ones, for the cache.
struct PieceSize {
  Index inputs, channels;
};
PieceSize piece_size(Index rows) { return {rows <= 256 ? 128 : 64, 64}; }

template <class S>
std::vector<Piece> pieces_of(const std::vector<FactoredRows<S>>& layers, Index outputs, bool traced, const PieceSize& most) {
  std::vector<Piece> all;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const Index k = layers[l].inputs, c = layers[l].channels, down = (k + most.inputs - 1) / most.inputs,
                across = (c + most.channels - 1) / most.channels;
    for (Index o = traced ? 0 : -1; o < (traced ? outputs : 0); ++o)
      for (Index u = 0; u < down; ++u)
        for (Index v = 0; v < across; ++v) all.push_back({l, o, k * u / down, k * (u + 1) / down, c * v / across, c * (v + 1) / across});
  }
  return all;
}

/// The piece of each of `count` rows, one under another. Sums over positions stay in registers and neither factor is packed, as BLAS would
/// for products that are this short.
template <class S>
Tensor<S> multiplied_out(const FactoredRows<S>& layer, const Piece& piece, Index count, Index outputs) {
  using namespace cpu::paths;
  const Index s = layer.positions, k = layer.inputs, c = layer.channels, height = piece.k1 - piece.k0, width = piece.c1 - piece.c0,
              across = padded<S>(width), vectors = across / lanes<S>;
  const Index down = even_block(height, max_scalars), beside = even_block(vectors, max_vectors<S>);
  Tensor<S> rows({count, height * across}), d = Tensor<S>::zeros({s, across});
  for (Index row = 0; row < count; ++row) {
    const Index image = piece.output < 0 ? row / outputs : row, pair = piece.output < 0 ? row : row * outputs + piece.output;
    for (Index at = 0; at < s; ++at) std::copy_n(layer.d + (pair * s + at) * c + piece.c0, width, d.data() + at * across);
    for (Index v = 0; v < vectors; v += beside) {
      Index offsets[max_vectors<S>];
      const Index some = std::min(beside, vectors - v);
      for (Index l = 0; l < some; ++l) offsets[l] = (v + l) * lanes<S>;
      for (Index u = 0; u < height; u += down) {
        const Index high = std::min(down, height - u);
        tile_kernel<S>(high, some)(1, s, {layer.a + image * s * k + piece.k0 + u, 1, 0, k}, {d.data(), offsets, 0, across},
                                   rows.data() + (row * height + u) * across + v * lanes<S>, across, false);
      }
    }
  }
  return rows;
}

}  // namespace

template <class S>
void long_product(const S* a, const S* b, Index m, Index n, Index p, bool same, S* out, Index stride) {
  constexpr Index depth = 4096;
  sum_pieces<S>((p + depth - 1) / depth, m, n, same,
                [&](Index piece, S* part) {
                  const Index first = piece * depth, length = std::min(depth, p - first);
                  product(a + first, p, b + first, p, m, n, length, same, part);
                },
                [&](Index i, Index j, double sum) { out[i * stride + j] = static_cast<S>(sum); });
}

template <class S>
void add_products_of_factored_rows(const std::vector<FactoredRows<S>>& a, const std::vector<FactoredRows<S>>& b, Index m, Index n,
                                   Index outputs, bool traced, bool same, S* out, Index stride) {
  const Index rows = traced ? m : m * outputs, columns = traced ? n : n * outputs;
  const auto pieces = pieces_of(a, outputs, traced, piece_size(rows + columns));
  sum_pieces<S>(
      static_cast<Index>(pieces.size()), rows, columns, same,
      [&](Index number, S* part) {
        const Piece& piece = pieces[static_cast<std::size_t>(number)];
        const Tensor<S> left = multiplied_out(a[piece.layer], piece, rows, outputs),
                        right = same ? left : multiplied_out(b[piece.layer], piece, columns, outputs);
        const Index length = left.shape()[1];
        product(left.data(), length, right.data(), length, rows, columns, length, same, part);
      },
      [&](Index i, Index j, double sum) { out[i * stride + j] += static_cast<S>(sum); });
}

template <class S>
double factored_rows_bytes(Index m, Index n, Index longest) {
  const double rows = static_cast<double>(m), columns = static_cast<double>(n);
  const PieceSize piece = piece_size(m + n);
  const double length = static_cast<double>(std::min(longest, piece.inputs * piece.channels));
  return most_tasks * (rows * columns * (sizeof(double) + sizeof(S)) + (rows + columns) * length * sizeof(S));
}

#define INSTANTIATE(S)                                                                                                                \
  template void long_product(const S*, const S*, Index, Index, Index, bool, S*, Index);                                               \
  template void add_products_of_factored_rows(const std::vector<FactoredRows<S>>&, const std::vector<FactoredRows<S>>&, Index, Index, \
                                              Index, bool, bool, S*, Index);                                                          \
  template double factored_rows_bytes<S>(Index, Index, Index);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane
