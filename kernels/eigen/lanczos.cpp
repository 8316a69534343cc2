#include "kernels/eigen/lanczos.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "autodiff/cpu/gemm.h"
#include "autodiff/cpu/memory.h"
#include "autodiff/cpu/parallel.h"
#include "kernels/eigen/dense_eigen.h"
#include "kernels/eigen/orthogonalise.h"

namespace tangentplane::kernels {
namespace {

using cpu::Op;

/// The Krylov basis, its products with K projected onto itself, and the Ritz problem of that.
template <class S>
class Krylov {
 public:
  Krylov(const SymmetricOperator<S>& K, Index block, Index capacity, std::uint64_t seed)
      : K_(K), columns_(K.columns()), n_(K.size()), width_(columns_.width()), basis_({capacity, width_}), random_(seed, "lanczos") {
    Tensor<S> start({block, width_});
    for (Index i = 0; i < block; ++i) columns_.normals(random_, 1, start.data() + i * width_);
    orthonormalise(basis_.slice(0, 0), start, block, 0, random_, columns_);
    append(start);
  }

  /// Vectors whose product with K is known.
  Index size() const { return projected_; }
  bool exhausted() const { return projected_ == n_; }
  /// Blocks whose remainder was nothing but rounding, at least in part: from there on the space grows from random vectors.
  Index ends() const { return ends_; }
  double flops() const { return flops_; }
  /// A lower bound of ||K||_2.
  double norm() const { return norm_; }

  /// One block of products, orthogonalised against all vectors so far.
  void step() {
    const Index first = projected_, b = held_ - first;
    Tensor<S> w({b, width_});
    K_.apply(basis_.slice(first, held_), w);
    std::vector<double> squares(static_cast<std::size_t>(b));
    for (Index i = 0; i < b; ++i)
      squares[i] = std::transform_reduce(w.data() + i * width_, w.data() + (i + 1) * width_, 0., std::plus<>{},
                                         [](S v) { return static_cast<double>(v) * v; });
    columns_.sum(squares);
    for (const double square : squares) norm_ = std::max(norm_, std::sqrt(square));
    // Well below the rounding of a product: only what is as good as zero is replaced, the rest serves as it is.
    const double floor = std::numeric_limits<S>::epsilon() / 4 * norm_;
    const auto taken = orthonormalise(basis_.slice(0, held_), w, std::min(b, n_ - held_), floor, random_, columns_);
    coefficients_.push_back({first, b, taken.coefficients});
    remainder_ = taken.gram;
    double longest = 0;
    for (Index i = 0; i < b; ++i) longest = std::max(longest, std::sqrt(remainder_[i * b + i]));
    if (taken.replaced > 0 || longest <= 4 * std::numeric_limits<S>::epsilon() * norm_) ++ends_;
    projected_ = held_;
    append(w);
    const double n = static_cast<double>(n_), width = static_cast<double>(b), m = static_cast<double>(projected_);
    flops_ += 2 * n * n * width + 8 * n * m * width;
  }

  /// Ritz values and, in the basis, Ritz vectors [k, size()]; returns the estimate of each residual: the part of K Q s outside Q.
  std::vector<double> ritz(Index k, std::vector<double>& values, Tensor<double>& vectors) {
    cpu::Ranks& ranks = *columns_.ranks;
    const Index m = projected_;
    flops_ += 4. / 3 * static_cast<double>(m) * static_cast<double>(m) * static_cast<double>(m);
    std::vector<double> estimates(static_cast<std::size_t>(k));
    values.resize(static_cast<std::size_t>(k));
    if (ranks.first())
      solve(k, values, vectors, estimates);
    else
      vectors = Tensor<double>({k, m});
    // What is decided by them is decided alike on every rank, whatever its processor.
    ranks.broadcast(std::span<double>(values));
    ranks.broadcast(std::span<double>(estimates));
    ranks.broadcast(vectors.span());
    return estimates;
  }

  /// [k, width] from Ritz vectors [k, size()].
  Tensor<S> lift(const Tensor<double>& ritz_vectors) const {
    const auto s = cast<S>(ritz_vectors);
    const Index k = s.rows(), m = s.shape()[1];
    Tensor<S> u({k, width_});
    if (width_ > 0)
      cpu::parallel_gemm(Op::none, Op::none, k, width_, m, S(1), s.data(), m, basis_.data(), width_, S(0), u.data(), width_,
                         cpu::Products::float32);
    return u;
  }

  const Columns& columns() const { return columns_; }

 private:
  struct Coefficients {
    Index first, count;
    std::vector<double> values;  // [first + count, count]
  };

  void solve(Index k, std::vector<double>& values, Tensor<double>& vectors, std::vector<double>& estimates) const {
    const Index m = projected_;
    auto h = Tensor<double>::zeros({m, m});
    // In exact arithmetic K joins a block to the one before it alone. What a split product leaves beyond is rounding, along the leading
    // eigenvector in all products: by as many as there are it would turn that one.
    const bool nearest_alone = std::is_same_v<S, float> && cpu::products() == cpu::Products::split;
    Index before = 0;
    for (const auto& c : coefficients_) {
      for (Index j = 0; j < c.count; ++j)
        for (Index i = nearest_alone ? before : 0; i <= c.first + j; ++i) {
          // Inside the diagonal block both triangles are known; before it the later product, of the smaller vector, is the more exact.
          const double mirrored = i >= c.first ? c.values[(c.first + j) * c.count + i - c.first] : c.values[i * c.count + j];
          h[i * m + c.first + j] = (c.values[i * c.count + j] + mirrored) / 2;
        }
      before = c.first;
    }
    dense_eigenpairs(h, k, values, vectors);
    const auto& last = coefficients_.back();
    const Index b = last.count;
    if (exhausted()) return;
    for (Index j = 0; j < k; ++j) {
      const double* s = vectors.data() + j * m + last.first;
      double sum = 0;
      for (Index p = 0; p < b; ++p) sum += s[p] * std::inner_product(s, s + b, &remainder_[p * b], 0.);
      estimates[j] = std::sqrt(std::max(sum, 0.));
    }
  }

  void append(const Tensor<S>& block) {
    const Index needed = held_ + block.rows();
    if (needed > basis_.rows()) {
      Tensor<S> larger({std::min(n_, std::max(needed, basis_.rows() * 5 / 4)), width_});
      std::copy_n(basis_.data(), held_ * width_, larger.data());
      basis_ = larger;
      cpu::trim_memory();
    }
    std::copy_n(block.data(), block.size(), basis_.data() + held_ * width_);
    held_ = needed;
  }

  const SymmetricOperator<S>& K_;
  Columns columns_;
  Index n_, width_, held_ = 0, projected_ = 0, ends_ = 0;
  Tensor<S> basis_;  // [capacity, width], held_ rows in use, the last block of them not yet multiplied
  RandomStream random_;
  std::vector<Coefficients> coefficients_;
  std::vector<double> remainder_;
  double norm_ = 0, flops_ = 0;
};

/// Vectors of a block where `asked` are, 0 for the default.
Index block_of(Index n, Index k, Index asked) { return asked > 0 ? std::min(n, asked) : lanczos_block(n, k); }

}  // namespace

Index lanczos_block(Index n, Index k) { return std::min(n, std::clamp<Index>((k / 8 + 15) / 16 * 16, 16, 128)); }

Index lanczos_basis(Index n, Index k, Index block) {
  block = block_of(n, k, block);
  return std::min(n, (std::max(3 * k, k + 4 * block) + block - 1) / block * block + block);
}

Index lanczos_expected(Index n, Index k, Index block) { return std::max(k, lanczos_basis(n, k, block) - block_of(n, k, block)); }

template <class S>
double lanczos_bytes(Index n, Index k, Index basis, Index batch, Index width) {
  const double m = static_cast<double>(basis), pairs = static_cast<double>(k);
  // While the basis grows, a block, its product and what orthonormalise makes of it; in the end the vectors and their products.
  const double beside = static_cast<double>(std::max(4 * lanczos_block(n, k), k + std::min(k, batch)));
  return (m + beside) * static_cast<double>(width > 0 ? width : n) * sizeof(S) + 8 * (2 * m * m + 3 * m * pairs);
}

double lanczos_flops(Index n, Index k) {
  const double order = static_cast<double>(n), count = static_cast<double>(k), basis = static_cast<double>(lanczos_expected(n, k));
  return 2 * order * order * (basis + count) + 4 * basis * basis * order;
}

template <class S>
DenseOperator<S>::DenseOperator(Tensor<S> K) : K_(std::move(K)) {
  require(K_.shape().rank() == 2 && K_.shape()[0] == K_.shape()[1], "eigenpairs: K is {}, must be square", K_.shape());
}

// The whole of K as the transposed right factor: its rows are packed as they lie in memory, and one product with 128 vectors runs at
// 85 to 95 % of a large square product's rate (301 of 326 GFLOP/s); reading each symmetric tile once would save memory traffic alone, which
// the packing overlaps, and would pack twice.
template <class S>
void DenseOperator<S>::apply(const Tensor<S>& v, Tensor<S>& out) const {
  const Index n = size(), b = v.rows();
  // A BLAS adds a few hundred products in a row, which in float costs a leading pair of a small matrix up to 1e-6 of lambda_1.
  const Index depth = n >= 4096 ? n : 64;
  cpu::parallel_chunks(n, n >= 4096 ? 768 : 192, [&](Index begin, Index end) {
    for (Index d = 0; d < n; d += depth)
      cpu::gemm(Op::none, Op::transpose, b, end - begin, std::min(depth, n - d), S(1), v.data() + d, n, K_.data() + begin * n + d, n,
                S(d == 0 ? 0 : 1), out.data() + begin, n);
  });
}

template <class S>
std::vector<double> eigen_residuals(const SymmetricOperator<S>& K, const std::vector<double>& values, const Tensor<S>& vectors,
                                    const std::function<void(Index done)>& progress) {
  const Columns columns = K.columns();
  const Index k = vectors.rows(), n = K.size(), width = columns.width();
  require(vectors.shape() == (Shape{k, width}) && static_cast<Index>(values.size()) == k,
          "eigenpairs: {} values and vectors {} for a matrix [{},{}]", values.size(), vectors.shape(), n, n);
  const Index block = K.batch();
  std::vector<double> residuals(static_cast<std::size_t>(k));
  Tensor<S> products({std::min(k, block), width});
  for (Index first = 0; first < k; first += block) {
    const Index count = std::min(block, k - first);
    auto w = products.slice(0, count);
    K.apply(vectors.slice(first, first + count), w);
    cpu::parallel_for(count, [&](Index i) {
      const S *u = vectors.data() + (first + i) * width, *ku = w.data() + i * width;
      double sum = 0;
      for (Index x = 0; x < width; ++x) {
        const double r = static_cast<double>(ku[x]) - values[first + i] * static_cast<double>(u[x]);
        sum += r * r;
      }
      residuals[first + i] = sum;
    });
    if (progress) progress(first + count);
  }
  columns.sum(residuals);
  for (double& r : residuals) r = std::sqrt(r);
  return residuals;
}

template <class S>
Eigenpairs<S> block_lanczos(const SymmetricOperator<S>& K, Index k, const EigenOptions& options) {
  const Index n = K.size();
  require(k >= 1 && k <= n, "lanczos: {} pairs of a matrix [{},{}]; give 1 to {}", k, n, n, n);
  require(options.block >= 0, "lanczos: block {} is negative; give 0 for the default", options.block);
  require(options.max_basis == 0 || options.max_basis >= k, "lanczos: a basis of {} holds no {} pairs; give {} or more, or 0",
          options.max_basis, k, k);
  const auto progress = [&](double fraction, std::string_view what) {
    if (options.progress) options.progress(fraction, what);
  };
  const double tolerance = options.tolerance > 0 ? options.tolerance : std::is_same_v<S, float> ? 1e-6 : 1e-10;
  const Index block = block_of(n, k, options.block), room = lanczos_basis(n, k, options.block);
  const Index limit = options.max_basis > 0 ? std::min(n, options.max_basis) : n,
              expected = std::min(limit, lanczos_expected(n, k, options.block));

  progress(0, "block Lanczos");
  // More than will be needed is asked for at once: rows that are not written take no memory, and nothing is copied to grow.
  Krylov<S> krylov(K, block, std::min(n, options.max_basis > 0 ? limit + 2 * block : 2 * room), options.seed);
  Eigenpairs<S> pairs;
  pairs.method = EigenMethod::lanczos;
  Tensor<double> ritz_vectors;
  // The closing product has rounding errors that the estimate has not.
  double estimate_limit = 0.5 * tolerance;
  // Kernels' spectra need a basis of 2.5 k at least; a check costs as much as several blocks.
  Index next_check = std::max(5 * k / 2, k + 2 * block);
  std::vector<double> unverified;
  Index ends_then = 0;
  for (int closings = 0;;) {
    while (krylov.size() < next_check && krylov.size() < limit) {
      krylov.step();
      progress(0.8 * std::min(1., static_cast<double>(krylov.size()) / static_cast<double>(expected)), "block Lanczos");
    }
    const bool last = krylov.size() >= limit;
    const auto estimates = krylov.ritz(k, pairs.values, ritz_vectors);
    const double norm = std::max({krylov.norm(), std::abs(pairs.values.front()), std::abs(pairs.values.back())});
    bool ready = *std::max_element(estimates.begin(), estimates.end()) <= estimate_limit * norm;
    next_check = krylov.size() + std::max(block, krylov.size() / (krylov.size() < expected ? 10 : 4));
    if (ready && !last && krylov.ends() > ends_then) {
      // The Krylov space ended, so pairs may be exact and yet not the leading ones: two blocks that grow from the random vectors
      // must leave the values as they are.
      bool unchanged = unverified.size() == pairs.values.size();
      for (std::size_t j = 0; unchanged && j < unverified.size(); ++j)
        unchanged = std::abs(unverified[j] - pairs.values[j]) <= tolerance * norm;
      unverified = pairs.values;
      ready = unchanged;
      next_check = std::max(next_check, krylov.size() + 2 * block);
    }
    if (!ready && !last) continue;

    progress(0.85, "eigenvectors");
    pairs.vectors = krylov.lift(ritz_vectors);
    normalise_rows(pairs.vectors, krylov.columns());
    pairs.residuals = eigen_residuals<S>(K, pairs.values, pairs.vectors, [&](Index done) {
      progress(0.9 + 0.1 * static_cast<double>(done) / static_cast<double>(k), "residuals");
    });
    pairs.products += k;
    pairs.converged = *std::max_element(pairs.residuals.begin(), pairs.residuals.end()) <= tolerance * norm;
    // Where the measurement disagrees twice, the rest is rounding, and the residuals say how much.
    if (pairs.converged || last || ++closings == 3) break;
    estimate_limit /= 4;
    ends_then = krylov.ends();
  }
  pairs.basis = krylov.size();
  pairs.products += krylov.size();
  const double order = static_cast<double>(n), count = static_cast<double>(k);
  pairs.flops = krylov.flops() + 2 * order * order * static_cast<double>(pairs.products - pairs.basis) +
                2 * order * static_cast<double>(pairs.basis) * count;
  progress(1, "eigenpairs");
  return pairs;
}

template class DenseOperator<float>;
template class DenseOperator<double>;
template double lanczos_bytes<float>(Index, Index, Index, Index, Index);
template double lanczos_bytes<double>(Index, Index, Index, Index, Index);
template std::vector<double> eigen_residuals(const SymmetricOperator<float>&, const std::vector<double>&, const Tensor<float>&,
                                             const std::function<void(Index)>&);
template std::vector<double> eigen_residuals(const SymmetricOperator<double>&, const std::vector<double>&, const Tensor<double>&,
                                             const std::function<void(Index)>&);
template Eigenpairs<float> block_lanczos(const SymmetricOperator<float>&, Index, const EigenOptions&);
template Eigenpairs<double> block_lanczos(const SymmetricOperator<double>&, Index, const EigenOptions&);

}  // namespace tangentplane::kernels
