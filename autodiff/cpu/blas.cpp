#include "autodiff/cpu/blas.h"

#include <cblas.h>

#include <cstdlib>
#include <vector>

#include "autodiff/check.h"
#include "autodiff/cpu/blas_core.h"
#include "autodiff/cpu/limits.h"

// OpenBLAS's own, which all of its routines call; weak, for a build that hides them.
extern "C" {
__attribute__((weak)) void* blas_memory_alloc(int);
__attribute__((weak)) void blas_memory_free(void*);
}

namespace tangentplane::cpu {

void single_threaded_blas() { [[maybe_unused]] static const bool once = (openblas_set_num_threads(1), true); }

int blas_threads() { return openblas_get_num_threads(); }

void reserve_blas_buffers(int threads) {
  const auto left = address_space_left();
  if (!left) return;
  // OpenBLAS's BUFFER_SIZE; a thread's stack and the malloc arena that it may open, each mapped at once.
  constexpr double buffer = 128 << 20, thread = (8 + 64) << 20, mebibyte = 1 << 20;
  static int reserved = 0;
  const int more = threads - reserved;
  if (more <= 0) return;
  const double wanted = static_cast<double>(more) * (buffer + thread), there = static_cast<double>(*left);
  require(
      wanted <= there,
      "ulimit: {} threads take {:.0f} MiB of address space for BLAS's buffers and their stacks, {:.0f} MiB are left; raise the limit, or "
      "give fewer --threads",
      threads, wanted / mebibyte, there / mebibyte);
  if (!blas_memory_alloc || !blas_memory_free) return;
  std::vector<void*> buffers;
  for (int i = 0; i < threads; ++i) buffers.push_back(blas_memory_alloc(0));  // all at once: they are different ones
  for (void* one : buffers) blas_memory_free(one);
  reserved = threads;
}

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
