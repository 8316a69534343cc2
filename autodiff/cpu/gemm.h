// Matrix products on row-major arrays, by OpenBLAS: one thread a call, calls in parallel over fixed tiles of the result. Those of floats by
// split parts (split/README.md) where the process asks for it and they are large enough; what must stay float32 says so.
#pragma once

#include "autodiff/cpu/split/products.h"
#include "autodiff/shape.h"

namespace tangentplane::cpu {

enum class Op { none, transpose };

/// C <- alpha op(A) op(B) + beta C with op(A) [m, k], op(B) [k, n], C [m, n]; lda, ldb, ldc are the row strides of the arrays as
/// stored. On the calling thread. With beta = 0, C is only written. Products::float32 is for what is more exact than its factors, as
/// orthogonalisation.
template <class S>
void gemm(Op op_a, Op op_b, Index m, Index n, Index k, S alpha, const S* a, Index lda, const S* b, Index ldb, S beta, S* c, Index ldc,
          Products how = products());

/// The same, cut into tiles of C that depend on the sizes alone and run as tasks.
template <class S>
void parallel_gemm(Op op_a, Op op_b, Index m, Index n, Index k, S alpha, const S* a, Index lda, const S* b, Index ldb, S beta, S* c,
                   Index ldc, Products how = products());

}  // namespace tangentplane::cpu
