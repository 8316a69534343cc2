// The choice of OpenBLAS's kernels that blas_core.cpp makes before main.
#pragma once

extern "C" {
/// 1 if the CPU and the system have AVX-512 and the OpenBLAS built against is too old (before 0.3.22) to know every such CPU.
int tangentplane_wants_avx512_core();
}
