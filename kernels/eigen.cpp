#include "kernels/eigen.h"

#include <cmath>
#include <numeric>

#include "autodiff/cpu/elementwise.h"
#include "kernels/eigen/dense_eigen.h"
#include "kernels/eigen/lanczos.h"

namespace tangentplane::kernels {
namespace {

/// A lower bound of ||K||_2: its longest row. The leading eigenvalues alone say nothing where they are near 0 and the smallest is not.
template <class S>
double longest_row(const Tensor<S>& K) {
  const Index n = K.rows();
  std::vector<double> length(static_cast<std::size_t>(n));
  cpu::parallel_rows(n, n, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const S* row = K.data() + i * n;
      length[i] = std::sqrt(std::transform_reduce(row, row + n, 0., std::plus<>{}, [](S v) { return static_cast<double>(v) * v; }));
    }
  });
  return *std::max_element(length.begin(), length.end());
}

// Up to here `full` works in double, which costs seconds and one more copy; beyond, the reduction stays in the kernel's precision.
constexpr Index double_limit = 4000;

template <class S>
Eigenpairs<S> full_eigenpairs(const Tensor<S>& K, Index k, const EigenOptions& options) {
  const Index n = K.rows();
  const auto progress = [&](double fraction, std::string_view what) {
    if (options.progress) options.progress(fraction, what);
  };
  progress(0, "dense eigenproblem");
  Eigenpairs<S> pairs;
  if (n <= double_limit) {
    auto a = Tensor<double>({n, n});
    std::copy_n(K.data(), K.size(), a.data());
    Tensor<double> vectors;
    dense_eigenpairs(a, k, pairs.values, vectors);
    normalise_rows(vectors);
    pairs.vectors = cast<S>(vectors);
  } else {
    auto a = K.clone();
    dense_eigenpairs(a, k, pairs.values, pairs.vectors);
  }
  normalise_rows(pairs.vectors);
  progress(0.9, "residuals");
  // In float the product itself can cost a leading pair 1e-6 of lambda_1, which would hide how good the pair is.
  if (n <= double_limit)
    pairs.residuals = eigen_residuals(DenseOperator<double>(cast<double>(K)), pairs.values, cast<double>(pairs.vectors));
  else
    pairs.residuals = eigen_residuals(DenseOperator<S>(K), pairs.values, pairs.vectors);
  pairs.method = EigenMethod::full;
  pairs.basis = n;
  pairs.products = k;
  pairs.flops = full_flops(n, k);
  const double tolerance = options.tolerance > 0 ? options.tolerance : std::is_same_v<S, float> ? 1e-6 : 1e-10;
  const double norm = std::max({std::abs(pairs.values.front()), std::abs(pairs.values.back()), longest_row(K)});
  for (double r : pairs.residuals) pairs.converged = pairs.converged && r <= tolerance * norm;
  progress(1, "eigenpairs");
  return pairs;
}

/// The largest magnitude in K. Throws unless K is symmetric up to rounding: 1e-4 of it in float, 1e-8 in double. One pass, where methods
/// take hundreds.
template <class S>
double largest_of_symmetric(const Tensor<S>& K) {
  constexpr Index side = 64;  // two squares of it stay in a core's cache
  const Index n = K.rows(), rows = (n + side - 1) / side;
  struct Pair {
    double difference = 0, largest = 0;
    Index i = 0, j = 0;
  };
  std::vector<Pair> worst(static_cast<std::size_t>(rows));
  cpu::parallel_for(rows, [&](Index row) {
    Pair& w = worst[row];
    for (Index column = 0; column <= row; ++column)
      for (Index i = row * side; i < std::min(n, (row + 1) * side); ++i)
        for (Index j = column * side; j < std::min(i + 1, (column + 1) * side); ++j) {
          const double a = K[i * n + j], b = K[j * n + i], difference = std::abs(a - b);
          if (difference > w.difference) w.difference = difference, w.i = i, w.j = j;
          w.largest = std::max({w.largest, std::abs(a), std::abs(b)});
        }
  });
  const auto by = [](auto field) { return [field](const Pair& a, const Pair& b) { return a.*field < b.*field; }; };
  const Pair& w = *std::max_element(worst.begin(), worst.end(), by(&Pair::difference));
  const double largest = std::max_element(worst.begin(), worst.end(), by(&Pair::largest))->largest;
  require(w.difference <= (std::is_same_v<S, float> ? 1e-4 : 1e-8) * largest,
          "eigenpairs: K {} is not symmetric: K[{},{}] is {}, K[{},{}] is {}; give (K + K^T) / 2, if that is meant", K.shape(), w.i, w.j,
          K[w.i * n + w.j], w.j, w.i, K[w.j * n + w.i]);
  return largest;
}

}  // namespace

std::string_view name(EigenMethod method) {
  switch (method) {
    case EigenMethod::automatic:
      return "auto";
    case EigenMethod::full:
      return "full";
    case EigenMethod::lanczos:
      return "lanczos";
    case EigenMethod::nystrom:
      return "nystrom";
  }
  return "";
}

EigenMethod eigen_method(std::string_view word) {
  for (auto method : {EigenMethod::automatic, EigenMethod::full, EigenMethod::lanczos, EigenMethod::nystrom})
    if (name(method) == word) return method;
  throw std::invalid_argument(fmt::format("eigenpairs: no method '{}'; give auto, full, lanczos or nystrom", word));
}

// Lanczos pays where its basis is well below N: three to four times as fast as LAPACK at N = 2000 to 3000 with k = N/6.
EigenMethod automatic_method(Index n, Index k) { return n >= 1500 && 6 * k <= n ? EigenMethod::lanczos : EigenMethod::full; }

double full_flops(Index n, Index k) {
  const double order = static_cast<double>(n), count = static_cast<double>(k);
  return 4. / 3 * order * order * order + 4 * order * order * count;  // reduction, back-transformation, residuals
}

template <class S>
double full_bytes(Index n, Index k) {
  const double copy = static_cast<double>(n) * static_cast<double>(n), vectors = static_cast<double>(n) * static_cast<double>(k);
  // The copy's place is taken again by that of K which the residuals are measured with; beside it the vectors once more and their products.
  if (n <= double_limit) return copy * sizeof(double) + dense_bytes<double>(n, k) + vectors * (sizeof(S) + 2 * sizeof(double));
  return copy * sizeof(S) + dense_bytes<S>(n, k) + vectors * sizeof(S);
}

template <class S>
void normalise_rows(Tensor<S>& vectors) {
  normalise_rows(vectors, Columns::all(vectors.shape()[-1]));
}

template <class S>
void normalise_rows(Tensor<S>& vectors, const Columns& columns) {
  const Index n = columns.width(), k = vectors.rows();
  cpu::Ranks& ranks = *columns.ranks;
  // Of each rank its largest entries, [R, k].
  std::vector<double> squares(static_cast<std::size_t>(k)), tops(static_cast<std::size_t>(ranks.count() * k), 0.);
  cpu::parallel_for(k, [&](Index j) {
    const S* u = vectors.data() + j * n;
    squares[j] = std::transform_reduce(u, u + n, 0., std::plus<>{}, [](S v) { return static_cast<double>(v) * v; });
    if (n > 0) tops[ranks.rank() * k + j] = *std::max_element(u, u + n, [](S a, S b) { return std::abs(a) < std::abs(b); });
  });
  columns.sum(squares);
  columns.sum(tops);
  cpu::parallel_for(k, [&](Index j) {
    S* u = vectors.data() + j * n;
    double top = tops[j];
    for (Index p = 1; p < ranks.count(); ++p)
      if (std::abs(tops[p * k + j]) > std::abs(top)) top = tops[p * k + j];
    const double norm = std::sqrt(squares[j]), factor = norm > 0 ? (top < 0 ? -1 : 1) / norm : 1;
    for (Index i = 0; i < n; ++i) u[i] = static_cast<S>(factor * u[i]);
  });
}

template <class S>
Eigenpairs<S> leading_eigenpairs(const Tensor<S>& K, Index k, const EigenOptions& options) {
  require(K.shape().rank() == 2 && K.shape()[0] == K.shape()[1] && K.rows() > 0, "eigenpairs: K is {}, must be square", K.shape());
  const Index n = K.rows();
  require(k >= 1 && k <= n, "eigenpairs: {} pairs of a matrix {}; give 1 to {}", k, K.shape(), n);
  require(options.method != EigenMethod::nystrom, "eigenpairs: nystrom takes blocks of K, not K; call nystrom_eigenpairs");
  require(cpu::all_finite(K), "eigenpairs: K {} holds a NaN or an infinity", K.shape());
  const double largest = largest_of_symmetric(K);
  const auto method = options.method == EigenMethod::automatic ? automatic_method(n, k) : options.method;
  const auto solve = [&](const Tensor<S>& matrix) {
    return method == EigenMethod::full ? full_eigenpairs(matrix, k, options) : block_lanczos(DenseOperator<S>(matrix), k, options);
  };
  // Both square their numbers: what would overflow or vanish then is scaled first.
  const int exponent = largest > 0 ? std::ilogb(largest) : 0;
  if (std::abs(exponent) < (std::is_same_v<S, float> ? 50 : 400)) return solve(K);
  Tensor<S> scaled(K.shape());
  cpu::transform(K.size(), K.data(), scaled.data(),
                 [exponent](S v) { return static_cast<S>(std::ldexp(static_cast<double>(v), -exponent)); });
  auto pairs = solve(scaled);
  for (auto* numbers : {&pairs.values, &pairs.residuals})
    for (double& x : *numbers) x = std::ldexp(x, exponent);
  return pairs;
}

template double full_bytes<float>(Index, Index);
template double full_bytes<double>(Index, Index);
template void normalise_rows(Tensor<float>&);
template void normalise_rows(Tensor<double>&);
template void normalise_rows(Tensor<float>&, const Columns&);
template void normalise_rows(Tensor<double>&, const Columns&);
template Eigenpairs<float> leading_eigenpairs(const Tensor<float>&, Index, const EigenOptions&);
template Eigenpairs<double> leading_eigenpairs(const Tensor<double>&, Index, const EigenOptions&);

}  // namespace tangentplane::kernels
