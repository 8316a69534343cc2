#include "kernels/nystrom.h"

#include <lapacke.h>

#include <algorithm>
#include <cmath>

#include "autodiff/cpu/blas.h"
#include "autodiff/cpu/elementwise.h"
#include "autodiff/cpu/gemm.h"
#include "autodiff/random.h"
#include "kernels/eigen/dense_eigen.h"

namespace tangentplane::kernels {

using cpu::Op;

std::vector<Index> nystrom_points(Index N, Index m, std::uint64_t seed) {
  require(m >= 1 && m <= N, "nystrom: {} points of {}; give 1 to {}", m, N, N);
  auto points = RandomStream(seed, "nystrom").permutation(N);
  points.resize(static_cast<std::size_t>(m));
  std::sort(points.begin(), points.end());
  return points;
}

std::vector<Index> rows_of_images(const std::vector<Index>& images, Index side) {
  require(side >= 1, "nystrom: {} rows of the kernel an image; at least 1", side);
  std::vector<Index> rows;
  for (Index image : images)
    for (Index o = 0; o < side; ++o) rows.push_back(image * side + o);
  return rows;
}

double nystrom_flops(Index n, Index m, Index k) {
  const double rows = static_cast<double>(n), points = static_cast<double>(m);
  return rows * points * (3 * points + 2 * static_cast<double>(k)) + 3 * points * points * points;
}

double nystrom_bytes(Index n, Index m) {
  const double rows = static_cast<double>(n), points = static_cast<double>(m);
  return (2 * rows * points + 3 * points * points) * sizeof(double);
}

template <class S>
Eigenpairs<S> nystrom_eigenpairs(const Tensor<S>& K_mm, const Tensor<S>& K_nm, Index k) {
  require(K_mm.shape().rank() == 2 && K_mm.shape()[0] == K_mm.shape()[1] && K_mm.rows() > 0, "nystrom: K_mm is {}, must be square",
          K_mm.shape());
  const Index m = K_mm.rows();
  require(K_nm.shape().rank() == 2 && K_nm.shape()[1] == m && K_nm.rows() >= m, "nystrom: K_nm is {}, must be [N,{}] with N >= {}",
          K_nm.shape(), m, m);
  require(k >= 1 && k <= m, "nystrom: {} pairs from {} points; give 1 to {}", k, m, m);
  require(cpu::all_finite(K_mm), "nystrom: K_mm {} holds a NaN or an infinity", K_mm.shape());
  require(cpu::all_finite(K_nm), "nystrom: K_nm {} holds a NaN or an infinity", K_nm.shape());
  cpu::single_threaded_blas();
  const Index n = K_nm.rows();
  const auto order = static_cast<lapack_int>(m);

  // The small matrices are in double for either S: L is as ill-conditioned as K_mm is, up to 3e3 after the shift.
  Tensor<double> l({m, m}), work({m, m}), top;
  std::copy_n(K_mm.data(), m * m, l.data());
  std::copy_n(K_mm.data(), m * m, work.data());
  std::vector<double> values;
  no_lapacke_checks();
  dense_eigenpairs(work, 1, values, top);
  require(values[0] > 0, "nystrom: the largest eigenvalue of K_mm is {}, must be positive", values[0]);
  for (Index i = 0; i < m; ++i) l[i * m + i] += 1e-7 * values[0];
  require(LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', order, l.data(), order) == 0,
          "nystrom: K_mm is not positive semidefinite: an eigenvalue is below -1e-7 of the largest");

  // B = K_nm L^-T by rows: solving L b = (row of K_nm), in pieces of rows. L by rows is its transpose, the upper triangle, by columns.
  Tensor<double> b({n, m});
  cpu::parallel_chunks(n, 128, [&](Index begin, Index end) {
    std::copy_n(K_nm.data() + begin * m, (end - begin) * m, b.data() + begin * m);
    LAPACKE_dtrtrs(LAPACK_COL_MAJOR, 'U', 'T', 'N', order, static_cast<lapack_int>(end - begin), l.data(), order, b.data() + begin * m,
                   order);
  });

  // B^T B has sum over all N points: tiles of the result, each over all points in order.
  cpu::parallel_gemm(Op::transpose, Op::none, m, m, n, 1., b.data(), m, b.data(), m, 0., work.data(), m);
  Eigenpairs<S> pairs;
  Tensor<double> r;
  dense_eigenpairs(work, k, pairs.values, r);
  const auto above = std::count_if(pairs.values.begin(), pairs.values.end(), [&](double v) { return v > 1e-13 * pairs.values.front(); });
  require(above == k, "nystrom: {} pairs asked for, {} have an eigenvalue above rounding; ask for {}, or give points that differ more", k,
          above, above);
  Tensor<double> u({k, n});
  cpu::parallel_gemm(Op::none, Op::transpose, k, n, m, 1., r.data(), m, b.data(), m, 0., u.data(), n);
  normalise_rows(u);  // in place of s^-1/2: the same up to rounding
  pairs.vectors = cast<S>(u);
  normalise_rows(pairs.vectors);
  pairs.method = EigenMethod::nystrom;
  pairs.basis = m;
  pairs.flops = nystrom_flops(n, m, k);
  return pairs;
}

template Eigenpairs<float> nystrom_eigenpairs(const Tensor<float>&, const Tensor<float>&, Index);
template Eigenpairs<double> nystrom_eigenpairs(const Tensor<double>&, const Tensor<double>&, Index);

}  // namespace tangentplane::kernels
