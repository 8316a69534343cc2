// What is known about the BLAS at hand. OpenBLAS before 0.3.22 takes Zen 4/5 (and other CPUs it has not met) for Haswell and then
// runs at half speed; blas_core.cpp, a library of its own whose constructor runs before OpenBLAS's, asks for the AVX-512 kernels.
#pragma once

#include <string>

namespace tangentplane::cpu {

/// Tells OpenBLAS to use the calling thread alone; cheap after the first call.
void single_threaded_blas();
/// Threads that OpenBLAS would take for a product now.
int blas_threads();

/// Where address space is limited (ulimit -v, -d): has OpenBLAS map the buffers that so many threads will multiply with, now. Later it
/// would try for ever to map one that does not fit. Throws std::invalid_argument in one line if they do not fit.
void reserve_blas_buffers(int threads);

/// What OpenBLAS is and does here.
struct BlasReport {
  std::string core;       ///< kernel set that OpenBLAS runs, e.g. SkylakeX
  std::string config;     ///< its version and build options
  std::string threading;  ///< sequential, pthreads or OpenMP
  std::string warning;    ///< one line if something will be slow, else empty
};
/// As this process found it.
BlasReport blas_report();

}  // namespace tangentplane::cpu
