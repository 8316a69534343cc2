// What a kernel between images is made of: each image's factors of its Jacobian's rows, laid out so that a block of the kernel is a few
// matrix products: for each layer either explicit rows or the factors themselves (Novak, Sohl-Dickstein and Schoenholz, ICML 2022),
// whichever needs fewer multiply-adds for a pair of images. Of several outputs, what a layer saw is one and the same: its products are
// formed once for all of them.
#pragma once

#include "linearize/factored_jacobian.h"
#include "linearize/output_passes.h"

namespace tangentplane {

/// How layers are contracted: the cheapest way for each, all by rows, all by factors where there are any.
enum class Contraction { automatic, rows, factors };

/// How one layer's parameters are contracted, and what that costs.
struct LayerPlan {
  /// How a layer is contracted.
  enum class Kind {
    rows,         ///< explicit rows: one inner product of length p
    dense,        ///< (a a' + 1)(d d'), the + 1 if the bias shares the cotangent
    positions,    ///< a dense layer over tokens: sum over positions s, t of (a_s a'_t)(d_s d'_t)
    convolution,  ///< sum over positions s, t of (patch_s patch'_t)(d_s d'_t), patches never formed: the inputs' products, shifted
    patches,      ///< the same with patches formed: cheaper where a stride skips most shifts
    blocks,       ///< as rows, but held as factors (a convolution's as patches) and multiplied out a block of columns at a time
  };
  Kind kind;                      ///< the way chosen
  std::vector<int> parameters;    ///< weight (and fused bias), or the one parameter of rows
  Index row_size = 0;             ///< p, for rows
  Index inputs = 0, outputs = 0;  ///< a's and d's length at a position (dense, blocks); channels in and out (convolution)
  Index tokens = 1;               ///< positions of a dense layer, and of blocks
  bool fused_bias = false;        ///< dense, with its bias
  cpu::ConvGeometry at;           ///< of a convolution
  double pair_flops = 0;          ///< for one pair of images
  Index image_numbers = 0;        ///< stored for one image
  int uses = 1;                   ///< how often the parameter of rows enters the network

  Index positions() const;      ///< at which a pair (a, d) is met
  Index places() const;         ///< of a's numbers: the positions, or those of the input image
  Index place_numbers() const;  ///< of a at each place
};

/// The plan of a network at one point: which parameters matter there (others have no cotangent) and how each is contracted.
struct FeaturePlan {
  std::vector<LayerPlan> layers;            ///< whose parts add up to an entry of the kernel
  Outputs::Kind kind = Outputs::Kind::one;  ///< the kernel's layout
  Index outputs = 1;                        ///< R, the cotangents of an image
  Index row_size = 0;                       ///< of all layers contracted by rows together, for one output
  Index image_numbers = 0;                  ///< stored for one image
  Index active_parameters = 0;              ///< whose derivative is not exactly zero
  double pair_flops = 0;                    ///< to contract one pair of images, all outputs
  double image_flops = 0;                   ///< to make one image's features: forward, R reverse passes, rows
  double block_flops = 0;                   ///< to multiply out one image's rows of layers that are held as factors, at each block
  Index longest_blocks = 0;                 ///< numbers of the longest of those rows, its columns as whole vectors

  /// Rows of the kernel that belong to an image.
  Index side() const { return kind == Outputs::Kind::full ? outputs : 1; }
  /// Of each output with itself alone, added up.
  bool traced() const { return side() == 1; }
  /// So long that the inner products of a block are worth cutting: where images are few, tiles of them would read all rows many times.
  bool long_rows() const { return (traced() ? outputs : 1) * row_size >= 1 << 16; }
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

  /// Takes the features of images [begin, begin + passes.examples()), an output's reverse pass after the other. Throws
  /// std::invalid_argument for images that are not there and for another network than the plan's.
  void fill(Index begin, const OutputPasses<S>& passes);
  /// The same from a Jacobian, which holds the factors of all outputs.
  void fill(Index begin, const FactoredJacobian<S>& jacobian);
  /// The kernel of images [i0, i1) of a with images [j0, j1) of b: out [(i1 - i0) side, (j1 - j0) side], image by image, where side is the
  /// plan's, with `stride` between out's rows. Throws std::invalid_argument for images that a or b does not hold.
  static void block(const Features& a, Index i0, Index i1, const Features& b, Index j0, Index j1, S* out, Index stride);

  /// f(numbers, numbers of an image) for each of its arrays, image after image in each: what is sent to pass features on.
  template <class F>
  void for_arrays(const F& f) {
    if (plan_->row_size > 0) f(rows_.data(), rows_.shape()[1]);
    for (std::size_t l = 0; l < factored_.size(); ++l)
      if (plan_->layers[l].kind != LayerPlan::Kind::rows)
        for (Tensor<S>* array : {&factored_[l].a, &factored_[l].d}) f(array->data(), array->shape()[1]);
  }
  /// [layers]: 1 for one that contributes nothing, all its images' factors being zero.
  std::vector<unsigned char> nothing() const;
  /// Takes these marks over, of features that came from elsewhere.
  void set_nothing(const std::vector<unsigned char>& marks);

 private:
  struct Factored {    // a layer contracted by factors
    Tensor<S> a, d;    // [N, places, channels]; [N, positions, R C], or [N, R, positions, C] where outputs meet one another and of blocks
    bool zero = true;  // nothing but exact zeros so far: contributes nothing
  };
  /// A block of a layer: of images i of `a`, j of `b`.
  struct Block {
    std::size_t layer;
    Index i0, i1, j0, j1;
    S* out;
    Index stride;
  };
  template <class Each>
  void fill_by(Index begin, Index n, Index outputs, const Each& each);
  void take(const Factor<Tensor<S>>& factor, Index n, Index begin, Index output, Factored& to, const LayerPlan& layer);
  void add_blocks(const Features& b, Index i0, Index i1, Index j0, Index j1, bool same, S* out, Index stride) const;
  void add_dense(const Features& b, const Block& at) const;
  void add_positions(const Features& b, const Block& at) const;
  void add_positions_of_outputs(const Features& b, const Block& at) const;

  const FeaturePlan* plan_;
  Index images_;
  Tensor<S> rows_;                  // [N, R, row_size]
  std::vector<Factored> factored_;  // one a layer of the plan, empty for rows
};

}  // namespace tangentplane
