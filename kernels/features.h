// What a kernel between images is made of: each image's factors of its Jacobian row, laid out so that a block of the kernel is a few
// matrix products: for each layer either explicit rows or the factors themselves (Novak, Sohl-Dickstein and Schoenholz, ICML 2022),
// whichever needs fewer multiply-adds for a pair of images.
#pragma once

#include "linearize/factored_jacobian.h"

namespace tangentplane {

/// How layers are contracted: the cheapest way for each, all by rows, all by factors where there are any.
enum class Contraction { automatic, rows, factors };

/// How one layer's parameters are contracted, and what that costs.
struct LayerPlan {
  /// How a layer is contracted.
  enum class Kind {
    rows,         ///< explicit rows: one inner product of length p
    dense,        ///< (a a' + 1)(d d'), the + 1 if the bias shares the cotangent
    convolution,  ///< sum over positions s, t of (patch_s patch'_t)(d_s d'_t), patches never formed: the inputs' products, shifted
    patches,      ///< the same with patches formed: cheaper where a stride skips most shifts
  };
  Kind kind;                      ///< the way chosen
  std::vector<int> parameters;    ///< weight (and fused bias), or the one parameter of rows
  Index row_size = 0;             ///< p, for rows
  Index inputs = 0, outputs = 0;  ///< a's and d's length (dense); channels in and out (convolution)
  bool fused_bias = false;        ///< dense, with its bias
  cpu::ConvGeometry at;           ///< of a convolution
  double pair_flops = 0;          ///< for one pair of images
  Index image_numbers = 0;        ///< stored for one image
};

/// The plan of a network at one point: which parameters matter there (others have no cotangent) and how each is contracted.
struct FeaturePlan {
  std::vector<LayerPlan> layers;  ///< whose parts add up to an entry of the kernel
  Index row_size = 0;             ///< of all layers contracted by rows together
  Index image_numbers = 0;        ///< stored for one image
  Index active_parameters = 0;    ///< whose derivative is not exactly zero
  double pair_flops = 0;          ///< to contract one pair of images
  double image_flops = 0;         ///< to make one image's features: forward, reverse, rows

  /// So long that the inner products of a block are worth cutting: where images are few, tiles of them would read all rows many times.
  bool long_rows() const { return row_size >= 1 << 16; }
};

/// From the Jacobian of any images of the right shape.
template <class S>
FeaturePlan plan_features(const FactoredJacobian<S>& jacobian, Contraction contraction);

/// Multiply-adds, twice, of one image's forward pass through the layers that have a factor.
template <class S>
double forward_flops(const FactoredJacobian<S>& jacobian);

/// The features of N images.
template <class S>
class Features {
 public:
  /// Room for those of so many images. The plan must outlive it.
  Features(const FeaturePlan& plan, Index images);

  /// Takes the features of images [begin, begin + jacobian.examples()) from their Jacobian. Throws std::invalid_argument for images that
  /// are not there and for another network than the plan's.
  void fill(Index begin, const FactoredJacobian<S>& jacobian);
  /// out[i - i0, j - j0] = k(image i of a, image j of b) for i in [i0, i1), j in [j0, j1); `stride` between out's rows. Throws
  /// std::invalid_argument for images that a or b does not hold.
  static void block(const Features& a, Index i0, Index i1, const Features& b, Index j0, Index j1, S* out, Index stride);

 private:
  struct Factored {    // a layer contracted by factors
    Tensor<S> a, d;    // [N, ...], [N, ...]
    bool zero = true;  // nothing but exact zeros so far: contributes nothing
  };
  void add_dense(const Features& b, std::size_t layer, Index i0, Index i1, Index j0, Index j1, S* out, Index stride) const;
  void add_convolution(const Features& b, std::size_t layer, Index i0, Index i1, Index j0, Index j1, S* out, Index stride) const;

  const FeaturePlan* plan_;
  Index images_;
  Tensor<S> rows_;                  // [N, row_size]
  std::vector<Factored> factored_;  // one a layer of the plan, empty for rows
};

}  // namespace tangentplane
