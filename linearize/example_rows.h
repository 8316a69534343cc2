// A factor multiplied out for each example on its own: rows of the Jacobian. Any op works, by slices of one example; the ops that
// carry nearly all parameters have a routine for the whole batch.
#pragma once

#include "autodiff/factor.h"

namespace tangentplane {

/// to[n * stride + i] = (or, to accumulate, +=) entry i of the cotangent of the factor's parameter from example n alone, for all N
/// examples.
template <class S>
void write_example_rows(const Factor<Tensor<S>>& factor, bool accumulate, S* to, Index stride);

/// The same as an array of its own, [N, p].
template <class S>
Tensor<S> example_rows(const Factor<Tensor<S>>& factor);

/// Any op: example by example. The reference of the fast ways, and the way of ops they do not know.
template <class S>
Tensor<S> example_rows_by_slices(const Factor<Tensor<S>>& factor);

}  // namespace tangentplane
