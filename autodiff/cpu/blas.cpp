#include "autodiff/cpu/blas.h"

#include <cblas.h>

#include <cstdlib>

#include "autodiff/cpu/blas_core.h"

namespace tangentplane::cpu {

void single_threaded_blas() { [[maybe_unused]] static const bool once = (openblas_set_num_threads(1), true); }

BlasReport blas_report() {
  single_threaded_blas();
  BlasReport r;
  r.core = openblas_get_corename();
  r.config = openblas_get_config();
  const int parallel = openblas_get_parallel();
  r.threading = parallel == 0 ? "sequential" : parallel == 1 ? "pthreads" : "OpenMP";
  const char* asked = std::getenv("OPENBLAS_CORETYPE");
  if (parallel == 2)
    r.warning = "OpenBLAS is the OpenMP build, whose threads compete with ours; install libopenblas0-pthread";
  else if (tangentplane_wants_avx512_core() && asked && std::string(asked) == "SkylakeX" && r.core != "SkylakeX")
    r.warning = "OpenBLAS runs its " + r.core + " kernels on a CPU with AVX-512; set OPENBLAS_CORETYPE=SkylakeX before the start";
  return r;
}

}  // namespace tangentplane::cpu
