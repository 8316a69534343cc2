// Inner products of rows of the Jacobian that are too long to stay in cache: piece by piece, the pieces shared out among tasks and their
// sums in double. Rows that are sums of products are multiplied out a piece at a time and never stand in memory whole.
#pragma once

#include <vector>

#include "autodiff/tensor.h"

namespace tangentplane {

/// out[i * stride + j] <- a_i . b_j for rows a [m, p], b [n, p]. Where a is b (`same`) a half is computed and mirrored.
template <class S>
void long_product(const S* a, const S* b, Index m, Index n, Index p, bool same, S* out, Index stride);

/// Rows of one layer as factors: that of image i and output o is the K x C matrix sum over positions s of a_i[s] d_io[s]^T.
template <class S>
struct FactoredRows {
  const S* a;                         ///< [images, positions, inputs]
  const S* d;                         ///< [images, R, positions, channels]
  Index positions, inputs, channels;  ///< S, K, C
};

/// Adds the inner products of rows that are multiplied out as they are needed. `a` and `b` hold the layers, in the same order, of m and n
/// images with R = `outputs` rows each. traced: out[i * stride + j] += sum over the outputs of row (i, o) times row (j, o); otherwise
/// out[(i R + o) * stride + j R + q] += row (i, o) times row (j, q). `same` as above.
template <class S>
void add_products_of_factored_rows(const std::vector<FactoredRows<S>>& a, const std::vector<FactoredRows<S>>& b, Index m, Index n,
                                   Index outputs, bool traced, bool same, S* out, Index stride);

/// The most bytes that it takes meanwhile, for m rows of out and n columns and layers whose rows have no more than `longest` numbers.
template <class S>
double factored_rows_bytes(Index m, Index n, Index longest);

}  // namespace tangentplane
