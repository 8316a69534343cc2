#include "kernels/eigen/orthogonalise.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "autodiff/cpu/gemm.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane::kernels {
namespace {

using cpu::Op;

constexpr Index column_chunk = 1024;
constexpr auto exact = cpu::Products::float32;  // never split: what is orthogonal has to be so to the last digits

/// Pivoted Cholesky G = P^T F F^T P: row i of F belongs to row order[i] of G; columns beyond the rank are zero.
struct PivotedCholesky {
  std::vector<Index> order;
  std::vector<double> factor;  // [b, b]
  Index rank = 0;
};

PivotedCholesky pivoted_cholesky(const std::vector<double>& gram, Index b, double smallest) {
  PivotedCholesky c;
  c.order.resize(static_cast<std::size_t>(b));
  std::iota(c.order.begin(), c.order.end(), Index(0));
  c.factor.assign(gram.size(), 0);
  std::vector<double> left(static_cast<std::size_t>(b));  // squared length of each row beyond the pivots so far
  for (Index i = 0; i < b; ++i) left[i] = gram[i * b + i];
  for (Index& r = c.rank; r < b; ++r) {
    const Index p = std::max_element(left.begin() + r, left.end()) - left.begin();
    if (!(left[p] > smallest)) break;
    std::swap(left[r], left[p]);
    std::swap(c.order[r], c.order[p]);
    std::swap_ranges(c.factor.begin() + r * b, c.factor.begin() + r * b + r, c.factor.begin() + p * b);
    double* pivot = c.factor.data() + r * b;
    pivot[r] = std::sqrt(left[r]);
    for (Index i = r + 1; i < b; ++i) {
      double* row = c.factor.data() + i * b;
      const double dot = std::inner_product(row, row + r, pivot, 0.);
      row[r] = (gram[c.order[i] * b + c.order[r]] - dot) / pivot[r];
      left[i] -= row[r] * row[r];
    }
  }
  return c;
}

/// d [m, b] = Q w^T in tiles of rows, then w -= d^T Q in tiles of columns.
template <class S>
Tensor<S> project_out(const Tensor<S>& basis, Tensor<S>& w, const Columns& columns) {
  const Index m = basis.rows(), b = w.rows(), n = w.shape()[1];
  Tensor<S> d({m, b});
  if (n == 0) std::fill_n(d.data(), d.size(), S(0));  // a rank without columns; no BLAS takes rows of no length
  cpu::parallel_chunks(n > 0 ? m : 0, m > 1024 ? 256 : 128, [&](Index begin, Index end) {
    cpu::gemm(Op::none, Op::transpose, end - begin, b, n, S(1), basis.data() + begin * n, n, w.data(), n, S(0), d.data() + begin * b, b,
              exact);
  });
  if (columns.ranks->several()) {
    auto whole = cast<double>(d);
    columns.sum(whole.span());
    d = cast<S>(whole);
  }
  cpu::parallel_chunks(n, column_chunk, [&](Index begin, Index end) {
    cpu::gemm(Op::transpose, Op::none, b, end - begin, m, S(-1), d.data(), b, basis.data() + begin, n, S(1), w.data() + begin, n, exact);
  });
  return d;
}

/// The rows of w in pivot order, made orthonormal by the inverse of the leading triangle: forward substitution a column chunk at a time.
/// Rows beyond the rank keep what the orthonormal ones do not explain.
template <class S>
Tensor<S> triangular_solve(const PivotedCholesky& c, const Tensor<S>& w, Index rows) {
  const Index b = w.rows(), n = w.shape()[1];
  const auto factor = [&](Index i, Index j) { return static_cast<S>(c.factor[i * b + j]); };
  constexpr Index panel = 16;
  Tensor<S> y({rows, n});
  Tensor<S> below({rows, b});
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < b; ++j) below[i * b + j] = factor(i, j);
  cpu::parallel_chunks(n, column_chunk, [&](Index begin, Index end) {
    const Index width = end - begin;
    for (Index i = 0; i < rows; ++i) std::copy_n(w.data() + c.order[i] * n + begin, width, y.data() + i * n + begin);
    const Index solved = std::min(rows, c.rank);
    for (Index p = 0; p < solved; p += panel) {
      const Index stop = std::min(solved, p + panel);
      for (Index i = p; i < stop; ++i) {
        S* row = y.data() + i * n + begin;
        for (Index j = p; j < i; ++j) {
          const S f = factor(i, j);
          const S* other = y.data() + j * n + begin;
          for (Index x = 0; x < width; ++x) row[x] -= f * other[x];
        }
        const S scale = static_cast<S>(1 / c.factor[i * b + i]);
        for (Index x = 0; x < width; ++x) row[x] *= scale;
      }
      if (stop < rows)
        cpu::gemm(Op::none, Op::none, rows - stop, width, stop - p, S(-1), below.data() + stop * b + p, b, y.data() + p * n + begin, n,
                  S(1), y.data() + stop * n + begin, n, exact);
    }
  });
  return y;
}

/// c [rows, columns] += a [rows, r] b [columns, r]^T in double.
void add_product(std::vector<double>& c, const Tensor<double>& a, const std::vector<double>& b, Index columns) {
  cpu::parallel_gemm(Op::none, Op::transpose, a.rows(), columns, a.shape()[1], 1., a.data(), a.shape()[1], b.data(), a.shape()[1], 1.,
                     c.data(), columns);
}

}  // namespace

template <class S>
std::vector<double> gram_matrix(const Tensor<S>& w) {
  const Index b = w.rows(), n = w.shape()[1], chunk = 2 * column_chunk, chunks = (n + chunk - 1) / chunk;
  const auto size = static_cast<std::size_t>(b * b);
  std::vector<double> partial(size * static_cast<std::size_t>(chunks)), gram(size, 0);
  cpu::parallel_chunks(n, chunk, [&](Index begin, Index end) {
    const Index width = end - begin;
    Tensor<double> piece({b, width});
    for (Index i = 0; i < b; ++i) std::copy_n(w.data() + i * n + begin, width, piece.data() + i * width);
    cpu::gemm(Op::none, Op::transpose, b, b, width, 1., piece.data(), width, piece.data(), width, 0., &partial[size * (begin / chunk)], b);
  });
  for (Index p = 0; p < chunks; ++p)
    std::transform(gram.begin(), gram.end(), partial.begin() + p * static_cast<Index>(size), gram.begin(), std::plus<>{});
  return gram;
}

template <class S>
Projection orthonormalise(const Tensor<S>& basis, Tensor<S>& w, Index wanted, double floor, RandomStream& random, const Columns& columns) {
  const Index m = basis.rows(), b = w.rows(), n = w.shape()[1];
  constexpr double epsilon = std::numeric_limits<S>::epsilon();
  constexpr int max_passes = 12;
  Projection taken;
  taken.coefficients.assign(static_cast<std::size_t>(m * b), 0);
  // The block as given is coefficients^T Q + mix w, w as it is now.
  std::vector<double> mix(static_cast<std::size_t>(b * b), 0);
  for (Index i = 0; i < b; ++i) mix[i * b + i] = 1;

  for (int pass = 0;; ++pass) {
    const Index rows = w.rows();
    if (m > 0) add_product(taken.coefficients, cast<double>(project_out(basis, w, columns)), mix, b);
    auto gram = gram_matrix(w);
    columns.sum(gram);
    double longest = 0, off_identity = 0;
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < rows; ++j) {
        if (!std::isfinite(gram[i * rows + j])) throw std::runtime_error("lanczos: a product with K is not finite; scale K down");
        longest = std::max(longest, gram[i * rows + j]);
        off_identity = std::max(off_identity, std::abs(gram[i * rows + j] - (i == j)));
      }
    if (pass == 0) taken.gram = gram;
    if (wanted == 0) {
      w = Tensor<S>({0, n});
      return taken;
    }
    if (pass == max_passes) throw std::runtime_error("lanczos: a block could not be made orthogonal to the basis");

    // From the second pass on the rows were of unit length, and what is left of one that lay in the basis is rounding.
    const double shortest = pass == 0 ? floor : 10 * epsilon;
    // Beyond 1e-6 of the longest row a Gram matrix in double no longer tells rows apart: they wait for the next pass.
    const auto cholesky = pivoted_cholesky(gram, rows, std::max(shortest * shortest, 1e-12 * longest));
    const Index kept = std::min(rows, wanted);
    auto y = triangular_solve(cholesky, w, kept);
    std::vector<double> step(static_cast<std::size_t>(rows * kept));  // rows of w = step y
    for (Index i = 0; i < rows; ++i) std::copy_n(cholesky.factor.begin() + i * rows, std::min(kept, cholesky.rank), &step[i * kept]);
    for (Index i = cholesky.rank; i < kept; ++i) {
      S* row = y.data() + i * n;
      double square = std::transform_reduce(row, row + n, 0., std::plus<>{}, [](S v) { return static_cast<double>(v) * v; });
      columns.sum(std::span(&square, 1));
      const double length = std::sqrt(square);
      if (length > shortest) {
        std::transform(row, row + n, row, [&](S v) { return static_cast<S>(v / length); });
        step[i * kept + i] = length;
      } else {
        columns.normals(random, 1 / std::sqrt(static_cast<double>(columns.n)), row);
        ++taken.replaced;
      }
    }
    std::vector<double> next(static_cast<std::size_t>(b * kept), 0);  // mix, its columns in pivot order, times step
    for (Index i = 0; i < b; ++i)
      for (Index l = 0; l < rows; ++l) {
        const double f = mix[i * rows + cholesky.order[l]];
        for (Index j = 0; j < kept; ++j) next[i * kept + j] += f * step[l * kept + j];
      }
    mix = std::move(next);
    w = std::move(y);
    if (pass > 0 && off_identity < 0.1 && kept == rows && cholesky.rank == rows) return taken;
  }
}

template Projection orthonormalise(const Tensor<float>&, Tensor<float>&, Index, double, RandomStream&, const Columns&);
template Projection orthonormalise(const Tensor<double>&, Tensor<double>&, Index, double, RandomStream&, const Columns&);
template std::vector<double> gram_matrix(const Tensor<float>&);
template std::vector<double> gram_matrix(const Tensor<double>&);

}  // namespace tangentplane::kernels
