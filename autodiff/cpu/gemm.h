// Matrix products on row-major arrays, by OpenBLAS: one thread a call, calls in parallel over fixed tiles of the result.
#pragma once

#include "autodiff/shape.h"

namespace tangentplane::cpu {

enum class Op { none, transpose };

/// C <- alpha op(A) op(B) + beta C with op(A) [m, k], op(B) [k, n], C [m, n]; lda, ldb, ldc are the row strides of the arrays as
/// stored. On the calling thread. With beta = 0, C is only written.
template <class S>
void gemm(Op op_a, Op op_b, Index m, Index n, Index k, S alpha, const S* a, Index lda, const S* b, Index ldb, S beta, S* c, Index ldc);

/// The same, cut into tiles of C that depend on the sizes alone and run as tasks.
template <class S>
void parallel_gemm(Op op_a, Op op_b, Index m, Index n, Index k, S alpha, const S* a, Index lda, const S* b, Index ldb, S beta, S* c,
                   Index ldc);

}  // namespace tangentplane::cpu
