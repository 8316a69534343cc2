// One layer's part of the mixed derivative T_e = d/dx_e df/dtheta in as few numbers a direction e as carry it.
//
// With A [S, K] and G [S, C] what the layer saw and got back at its S positions (of all points together), and A', G' their tangents,
// T_e = A'_e^T G + A^T G'_e, a K x C matrix. Only A' and G' depend on e. Let the columns of Q be an orthonormal basis of G's row space and
// A^T = P R a QR decomposition: the first term has no part outside Q, and outside Q the second is P times R G'_e (I - Q Q^T). So
// inner products of T_e with T_f are those of the pairs (T_e Q, R G'_e (I - Q Q^T)): S (K + C) numbers in place of K C, one image's dense
// layer K + C, and the Gram matrix of directions stays a product of one array with itself.
#pragma once

#include "linearize/factored_jacobian.h"

namespace tangentplane {

/// The coordinates of one parameter's T_e. A parameter that enters the network once, by a dense layer or a convolution, is compressed as
/// above where that is shorter; any other is multiplied out, K C numbers.
template <class S>
class TangentRows {
 public:
  /// The factors of one parameter at the first of `points` points. `compress` false multiplies out whatever it costs.
  TangentRows(std::vector<Factor<Tensor<S>>> factors, Index points, bool compress);

  /// Numbers a direction.
  Index size() const { return size_; }
  /// True if `take` must see the factors of every point before `finish`.
  bool compressed() const { return compressed_; }
  /// The factor of one point, where all must be seen first.
  void take(const Factor<Tensor<S>>& factor);
  /// After the last of them.
  void finish();

  /// to[e * stride ...] += the coordinates of the tangents at point number `point`, one row an example of the factor: which of the
  /// parameter's factors it is says `which`. A missing tangent is zero and costs nothing.
  void add(const Factor<Dual<Tensor<S>>>& factor, std::size_t which, Index point, S* to, Index stride) const;

 private:
  Tensor<S> inside(const Tensor<S>& cotangent) const;                          // G Q
  Tensor<S> outside(const Tensor<S>& tangent, const Tensor<S>& inside) const;  // G' (I - Q Q^T)

  std::vector<std::shared_ptr<const Entrance<Tensor<S>>>> entrances_;
  Index size_ = 0;
  bool compressed_ = false;
  Index positions_ = 1, inputs_ = 0, outputs_ = 0, rank_ = 0;  // S of one point, K, C, S of all points
  std::vector<double> activations_, cotangents_;               // A, G of the points taken so far
  Tensor<S> q_, r_;                                            // Q^T [rank, C], R [rank, rank]
};

}  // namespace tangentplane
