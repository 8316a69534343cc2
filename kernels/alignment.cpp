#include "kernels/alignment.h"

#include <limits>
#include <map>

namespace tangentplane {
namespace {

/// What a tile adds to v^T K v, for each v; and of its rows and columns in each piece of the test images.
struct Terms {
  std::vector<double> whole;
  std::map<Index, std::vector<double>> of_pieces = {};

  /// Adds v_i product_i over `count` entries of each of the vectors from `first` on, each to the piece that `piece` names.
  template <class S>
  void add_to_pieces(const Tensor<S>& product, const Tensor<S>& vectors, Index first, Index count, const auto& piece) {
    const Index k = vectors.shape()[0], n = vectors.shape()[1];
    for (Index i = 0; i < count; ++i) {
      auto& sums = of_pieces[piece(first + i)];
      sums.resize(static_cast<std::size_t>(k));
      for (Index v = 0; v < k; ++v)
        sums[static_cast<std::size_t>(v)] += static_cast<double>(product[v * count + i]) * static_cast<double>(vectors[v * n + first + i]);
    }
  }
};

}  // namespace

template <class S>
Tensor<double> alignment(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, Index num_train,
                         const Tensor<S>& vectors, const NtkOptions& options, Tensor<double>* shares) {
  NtkOptions planned = options;
  NtkPlan made;
  if (!options.plan) planned.plan = &(made = plan_ntk(network, variables, images, options));
  const Index count = images.rows(), side = planned.plan->side(), n = count * side, boundary = num_train * side;
  require(vectors.shape().rank() == 2 && vectors.shape()[1] == n, "alignment: vectors {} for {} images{}", vectors.shape(), count,
          side == 1 ? "" : fmt::format(" of {} outputs, which are {} rows of the kernel", side, n));
  require(0 <= num_train && num_train <= count, "alignment: {} training images of {}", num_train, count);
  const Index k = vectors.shape()[0];
  require(!shares || (shares->shape().rank() == 2 && shares->shape()[0] > 0 && shares->shape()[1] == k),
          "alignment: shares {} for {} vectors", shares ? shares->shape() : Shape{}, k);
  const auto piece = [&](Index row) {
    return (row - boundary) / side * shares->shape()[0] / (count - num_train);  // count > num_train: it is of a test image
  };
  // Tiles arrive in no order and from several threads: each has a place of its own, made before any is computed, and the places are added
  // in their order.
  std::map<std::pair<Index, Index>, Terms> terms;
  ntk_tiles<S>(
      network, variables, images, planned, num_train,
      [&](Index i0, Index i1, Index j0, Index j1, const S* block) {
        const Index m = i1 - i0, w = j1 - j0;
        Tensor<S> product({k, m});  // V_J K_IJ^T
        cpu::gemm(cpu::Op::none, cpu::Op::transpose, k, m, w, S(1), vectors.data() + j0, n, block, w, S(0), product.data(), m);
        Terms& of_tile = terms.at({i0, j0});
        for (Index v = 0; v < k; ++v) {
          double sum = 0;
          for (Index i = 0; i < m; ++i) sum += static_cast<double>(product[v * m + i]) * static_cast<double>(vectors[v * n + i0 + i]);
          of_tile.whole[static_cast<std::size_t>(v)] = sum * (i0 == j0 ? 1 : 2);
        }
        if (!shares || i0 < boundary) return;
        of_tile.add_to_pieces(product, vectors, i0, m, piece);
        if (i0 == j0) return;
        Tensor<S> transposed({k, w});  // V_I K_IJ
        cpu::gemm(cpu::Op::none, cpu::Op::none, k, w, m, S(1), vectors.data() + i0, n, block, w, S(0), transposed.data(), w);
        of_tile.add_to_pieces(transposed, vectors, j0, w, piece);
      },
      [&](Index i0, Index j0) {
        terms.emplace(std::pair(i0, j0), Terms{std::vector<double>(static_cast<std::size_t>(k))});
        return true;
      });
  Tensor<double> result = Tensor<double>::zeros({3, k});
  for (const auto& [at, of_tile] : terms)
    for (Index v = 0; v < k; ++v) {
      const double term = of_tile.whole[static_cast<std::size_t>(v)];
      if (at.second < boundary) result[v] += term;
      if (at.first >= boundary) result[k + v] += term;
      result[2 * k + v] += term;
    }
  if (shares) {
    *shares = Tensor<double>::zeros(shares->shape());
    for (const auto& [at, of_tile] : terms)
      for (const auto& [g, sums] : of_tile.of_pieces)
        for (Index v = 0; v < k; ++v)
          if (result[k + v] != 0) (*shares)[g * k + v] += sums[static_cast<std::size_t>(v)] / result[k + v];
  }
  for (Index v = 0; v < k; ++v) {
    double norms[3] = {0, 0, 0};
    for (Index i = 0; i < n; ++i) {
      const double square = static_cast<double>(vectors[v * n + i]) * static_cast<double>(vectors[v * n + i]);
      norms[i < boundary ? 0 : 1] += square;
      norms[2] += square;
    }
    for (Index part = 0; part < 3; ++part)
      result[part * k + v] = norms[part] > 0 ? result[part * k + v] / norms[part] : std::numeric_limits<double>::quiet_NaN();
  }
  return result;
}

template Tensor<double> alignment(const Network<float>&, const Variables<float>&, const Tensor<float>&, Index, const Tensor<float>&,
                                  const NtkOptions&, Tensor<double>*);
template Tensor<double> alignment(const Network<double>&, const Variables<double>&, const Tensor<double>&, Index, const Tensor<double>&,
                                  const NtkOptions&, Tensor<double>*);

}  // namespace tangentplane
