#include "kernels/eigen/dense_eigen.h"

#include <lapacke.h>

#include <cmath>
#include <iterator>
#include <stdexcept>
#include <type_traits>

#include "autodiff/cpu/blas.h"
#include "autodiff/cpu/gemm.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane::kernels {
namespace {

void check(lapack_int info, const char* routine) {
  if (info != 0) throw std::runtime_error(fmt::format("eigenpairs: LAPACK's {} failed with info {}", routine, info));
}

/// vectors <- Q vectors, one vector a row, with the Q of ?sytrd, whose reflectors lie in the rows of `a`. LAPACK's ?ormtr writes to `a` on
/// its way (and restores it), so two of its calls must not share one; here a panel of reflectors I - V T V^T is laid out once and
/// every task reads it.
template <class S>
void apply_reflectors(const Tensor<S>& a, const std::vector<S>& reflector, Tensor<S>& vectors) {
  constexpr Index width = 64;
  const Index n = a.rows(), count = n - 1, k = vectors.rows();
  for (Index first = (count - 1) / width * width; first >= 0 && count > 0; first -= width) {
    const Index size = std::min(width, count - first), length = n - 1 - first;
    Tensor<S> v = Tensor<S>::zeros({size, length}), t = Tensor<S>::zeros({size, size}), tv({size, length});
    for (Index r = 0; r < size; ++r) {
      v[r * length + r] = 1;
      std::copy_n(a.data() + (first + r) * n + first + r + 2, length - r - 1, v.data() + r * length + r + 1);
    }
    const auto rows = static_cast<lapack_int>(length), columns = static_cast<lapack_int>(size);
    if constexpr (std::is_same_v<S, float>)
      check(LAPACKE_slarft(LAPACK_COL_MAJOR, 'F', 'C', rows, columns, v.data(), rows, reflector.data() + first, t.data(), columns),
            "slarft");
    else
      check(LAPACKE_dlarft(LAPACK_COL_MAJOR, 'F', 'C', rows, columns, v.data(), rows, reflector.data() + first, t.data(), columns),
            "dlarft");
    cpu::gemm(cpu::Op::none, cpu::Op::none, size, length, size, S(1), t.data(), size, v.data(), length, S(0), tv.data(), length,
              cpu::Products::float32);
    cpu::parallel_chunks(k, 128, [&](Index begin, Index end) {
      S* to = vectors.data() + begin * n + first + 1;
      Tensor<S> inside({end - begin, size});
      cpu::gemm(cpu::Op::none, cpu::Op::transpose, end - begin, size, length, S(1), to, n, v.data(), length, S(0), inside.data(), size,
                cpu::Products::float32);
      cpu::gemm(cpu::Op::none, cpu::Op::none, end - begin, length, size, S(-1), inside.data(), size, tv.data(), length, S(1), to, n,
                cpu::Products::float32);
    });
  }
}

/// Of the tridiagonal problem, for k wanted. Of order 2 all: dstemr chooses one by magnitude there, whatever index it is asked for.
Index computed_pairs(Index n, Index k) { return 2 * k > n || n <= 2 ? n : k; }

/// The rows of z [n, n] and their values turned into ascending order, which dstemr leaves to chance at order 2: by magnitude.
void sort_two(std::vector<double>& ascending, Tensor<double>& z) {
  if (ascending.size() != 2 || ascending[0] <= ascending[1]) return;
  std::swap(ascending[0], ascending[1]);
  std::swap_ranges(z.data(), z.data() + 2, z.data() + 2);
}

}  // namespace

void no_lapacke_checks() { [[maybe_unused]] static const bool once = (LAPACKE_set_nancheck(0), true); }

template <class S>
double dense_bytes(Index n, Index k) {
  const double order = static_cast<double>(n), pairs = static_cast<double>(k);
  return order * (static_cast<double>(computed_pairs(n, k)) * sizeof(double) + pairs * sizeof(S));
}

// ?syevr takes bisection and inverse iteration where only some pairs are asked for; these are its own three steps with the faster
// and as accurate MRRR (dstemr) in the middle: 3.0 s for 4.5 s at n = 3072, k = 1024. Where most pairs are asked for it computes all, since
// then it finds eigenvalues by dqds and not by bisection: 0.04 s for 0.15 s at n = k = 1024, 0.13 s for 0.28 s at n = 1728, k = 1024.
template <class S>
void dense_eigenpairs(Tensor<S>& a, Index k, std::vector<double>& values, Tensor<S>& vectors) {
  require(a.shape().rank() == 2 && a.shape()[0] == a.shape()[1] && 1 <= k && k <= a.rows(), "eigenpairs: {} pairs of a matrix {}", k,
          a.shape());
  cpu::single_threaded_blas();
  no_lapacke_checks();
  const auto n = static_cast<lapack_int>(a.rows()), wanted = static_cast<lapack_int>(k);
  const auto length = static_cast<std::size_t>(n);
  std::vector<S> diagonal(length), beside(length), reflector(length);
  // LAPACK's lower triangle by columns is ours by rows, the upper.
  if constexpr (std::is_same_v<S, float>)
    check(LAPACKE_ssytrd(LAPACK_COL_MAJOR, 'L', n, a.data(), n, diagonal.data(), beside.data(), reflector.data()), "ssytrd");
  else
    check(LAPACKE_dsytrd(LAPACK_COL_MAJOR, 'L', n, a.data(), n, diagonal.data(), beside.data(), reflector.data()), "dsytrd");

  std::vector<double> d(diagonal.begin(), diagonal.end()), e(beside.begin(), beside.end()), ascending(length);
  // What is not finite in `a` is not finite here, and dstemr might not return.
  for (const auto* v : {&d, &e})
    for (double x : *v)
      if (!std::isfinite(x))
        throw std::runtime_error("eigenpairs: the matrix is not finite, or too large for its precision; scale it down");
  auto computed = static_cast<lapack_int>(computed_pairs(n, wanted));
  Tensor<double> z({computed, a.rows()});
  std::vector<lapack_int> support(2 * static_cast<std::size_t>(computed));
  lapack_int found = 0;
  lapack_logical try_relative = 1;
  auto d_of_mrrr = d, e_of_mrrr = e;
  const lapack_int info = LAPACKE_dstemr(LAPACK_COL_MAJOR, 'V', computed == n ? 'A' : 'I', n, d_of_mrrr.data(), e_of_mrrr.data(), 0, 0,
                                         n - wanted + 1, n, &found, ascending.data(), z.data(), n, computed, support.data(), &try_relative);
  if (info != 0 || found != computed) {
    // MRRR gives up where most eigenvalues are one and the same, as an mlp's anisotropies are: divide and conquer, always of all pairs.
    computed = n;
    z = Tensor<double>({a.rows(), a.rows()});
    check(LAPACKE_dstedc(LAPACK_COL_MAJOR, 'I', n, d.data(), e.data(), z.data(), n), "dstedc");
    ascending = d;
  }
  sort_two(ascending, z);

  const auto top = ascending.begin() + computed;
  values.assign(std::reverse_iterator(top), std::reverse_iterator(top - wanted));
  vectors = Tensor<S>({k, a.rows()});
  cpu::parallel_chunks(k, 128, [&](Index begin, Index end) {
    for (Index j = begin; j < end; ++j) {
      const double* from = z.data() + (computed - 1 - j) * n;
      std::transform(from, from + n, vectors.data() + j * n, [](double v) { return static_cast<S>(v); });
    }
  });
  apply_reflectors(a, reflector, vectors);
}

template double dense_bytes<float>(Index, Index);
template double dense_bytes<double>(Index, Index);
template void dense_eigenpairs(Tensor<float>&, Index, std::vector<double>&, Tensor<float>&);
template void dense_eigenpairs(Tensor<double>&, Index, std::vector<double>&, Tensor<double>&);

}  // namespace tangentplane::kernels
