#include "autodiff/cpu/split/product.h"

#include <algorithm>

#include "autodiff/cpu/parallel.h"
#include "autodiff/cpu/split/measured.h"
#include "autodiff/cpu/split/packed.h"

namespace tangentplane::cpu::split {
namespace {

Factor left(Op op, const float* a, Index lda, Index row, Index rows, Index first, Index count) {
  if (op == Op::none) return {Side::left, a + row * lda + first, lda, 1, rows, count};
  return {Side::left, a + first * lda + row, 1, lda, rows, count};
}

Factor right(Op op, const float* b, Index ldb, Index column, Index columns, Index first, Index count) {
  if (op == Op::none) return {Side::right, b + first * ldb + column, 1, ldb, columns, count};
  return {Side::right, b + column * ldb + first, ldb, 1, columns, count};
}

/// `each(n, f)` runs f(i) for i in [0, n). C goes by panels and the inner sum by pieces, so that what is packed stays small.
template <class Each>
void multiply_by_panels(const Each& each, Op op_a, Op op_b, Index m, Index n, Index k, float alpha, const float* a, Index lda,
                        const float* b, Index ldb, float beta, float* c, Index ldc) {
  constexpr Index most_rows = 2048, most_columns = 4096, blocks_a_task = 8;
  const auto pack = [&each](Packed& packed) {
    each((packed.blocks() + blocks_a_task - 1) / blocks_a_task,
         [&](Index i) { packed.pack(i * blocks_a_task, std::min(packed.blocks(), (i + 1) * blocks_a_task)); });
  };
  for (Index j = 0; j < n; j += most_columns) {
    const Index columns = std::min(most_columns, n - j);
    for (Index p = 0; p < k; p += inner_piece) {
      const Index count = std::min(inner_piece, k - p);
      Packed of_b(right(op_b, b, ldb, j, columns, p, count));
      pack(of_b);
      for (Index i = 0; i < m; i += most_rows) {
        const Index rows = std::min(most_rows, m - i);
        Packed of_a(left(op_a, a, lda, i, rows, p, count));
        pack(of_a);
        const Index down = (rows + tile_extent - 1) / tile_extent, across = (columns + tile_extent - 1) / tile_extent;
        each(down * across, [&](Index t) {
          const Index row = t / across * tile_extent, column = t % across * tile_extent;
          multiply(of_a, row, std::min(tile_extent, rows - row), of_b, column, std::min(tile_extent, columns - column), alpha,
                   p == 0 ? beta : 1.F, c + i * ldc + j, ldc);
        });
      }
    }
  }
}

}  // namespace

// What a processor with tiles is expected to take, in units of one multiply-add of BLAS's float32: a third of one for three products of
// parts, 22 to pack a number (it is read, split and written), 9 to bring a number of C from the unit into place. Estimates: no such
// processor was at hand.
bool pays(Index m, Index n, Index k) {
  const auto whole = [](Index extent, Index step) { return static_cast<double>((extent + step - 1) / step * step); };
  const double rows = whole(m, lanes), columns = whole(n, lanes), inner = whole(k, depth);
  const double split = 0.33 * rows * columns * inner + 22 * (rows + columns) * inner + 9 * rows * columns;
  return split < static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

void gemm(Op op_a, Op op_b, Index m, Index n, Index k, float alpha, const float* a, Index lda, const float* b, Index ldb, float beta,
          float* c, Index ldc) {
  const auto each = [](Index count, const auto& f) {
    for (Index i = 0; i < count; ++i) f(i);
  };
  multiply_by_panels(each, op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void parallel_gemm(Op op_a, Op op_b, Index m, Index n, Index k, float alpha, const float* a, Index lda, const float* b, Index ldb,
                   float beta, float* c, Index ldc) {
  const auto each = [](Index count, const auto& f) { parallel_for(count, f); };
  multiply_by_panels(each, op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

}  // namespace tangentplane::cpu::split
