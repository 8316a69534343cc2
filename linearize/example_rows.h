// A factor multiplied out for each example on its own: rows of the Jacobian. Any op works, by slices of one example; the ops that
// carry nearly all parameters have a routine for the whole batch.
#pragma once

#include "autodiff/factor.h"

namespace tangentplane {

/// The numbers of a weight in the order in which its parameter holds them, or in that in which its op takes them: another, where a view
/// lies between (factor.h). The second is cheaper, and as good for inner products of rows of one factor with one another.
enum class RowLayout { own, any };

/// The factor of one output. Of `outputs` (R) pull-backs together, what differs between them has a row for each, example by example:
/// [N R, ...]; what does not, as what the layer saw, has N rows.
template <class S>
Factor<Tensor<S>> factor_of_output(const Factor<Tensor<S>>& factor, Index outputs, Index output);

/// to[(n R + o) * stride + i] = (or, to accumulate, +=) entry i of the cotangent of the factor's parameter from example n's output o alone,
/// for all N examples and R outputs.
template <class S>
void write_example_rows(const Factor<Tensor<S>>& factor, bool accumulate, S* to, Index stride, Index outputs = 1,
                        RowLayout layout = RowLayout::own);

/// The same as an array of its own, [N R, p].
template <class S>
Tensor<S> example_rows(const Factor<Tensor<S>>& factor, Index outputs = 1);

/// Any op: example by example, each the gradient of the batch with all other examples' rows set to zero, since an op may know its shapes.
/// The reference of the fast ways, and the way of ops they do not know.
template <class S>
Tensor<S> example_rows_by_slices(const Factor<Tensor<S>>& factor, Index outputs = 1);

}  // namespace tangentplane
