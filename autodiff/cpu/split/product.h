// Products of float32 matrices as cpu::gemm and cpu::parallel_gemm take them, by split parts.
#pragma once

#include "autodiff/cpu/gemm.h"

namespace tangentplane::cpu::split {

/// True if a product [m, k] [k, n] is worth its packing: by the sizes alone, so that no processor and no number of threads decides bits.
bool pays(Index m, Index n, Index k);

/// As cpu::gemm, on the calling thread.
void gemm(Op op_a, Op op_b, Index m, Index n, Index k, float alpha, const float* a, Index lda, const float* b, Index ldb, float beta,
          float* c, Index ldc);
/// As cpu::parallel_gemm: the same bits as gemm.
void parallel_gemm(Op op_a, Op op_b, Index m, Index n, Index k, float alpha, const float* a, Index lda, const float* b, Index ldb,
                   float beta, float* c, Index ldc);

}  // namespace tangentplane::cpu::split
