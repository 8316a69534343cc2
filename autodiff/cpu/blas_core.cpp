// A shared library of its own, linked after OpenBLAS so that its constructor runs first: OpenBLAS reads OPENBLAS_CORETYPE and
// OPENBLAS_NUM_THREADS in its own constructor, which makes setenv in main too late. On a CPU without AVX-512 the core's value would be an
// illegal instruction.
#include "autodiff/cpu/blas_core.h"

#include <openblas_config.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

extern "C" int tangentplane_wants_avx512_core() {
  int major = 0, minor = 0, patch = 0;
  if (std::sscanf(OPENBLAS_VERSION, " OpenBLAS %d.%d.%d", &major, &minor, &patch) != 3) return 0;
  const bool old = major == 0 && (minor < 3 || (minor == 3 && patch < 22));
#if defined(__x86_64__)
  __builtin_cpu_init();
  return old && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
#else
  return 0;
#endif
}

static int is_limited(decltype(RLIMIT_AS) resource) {
  rlimit limit{};
  return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

// oneTBB owns the threads and BLAS runs single-threaded in its tasks (parallel.h), so those that OpenBLAS would start, one a core each with
// 128 MB of address space, are never used. Where address space is limited it would try for ever to map them: there the user's wish counts
// for nothing.
__attribute__((constructor)) static void choose_openblas_threads() {
  setenv("OPENBLAS_NUM_THREADS", "1", is_limited(RLIMIT_AS) || is_limited(RLIMIT_DATA));  // 0: what the user set stays
}

__attribute__((constructor)) static void choose_openblas_core() {
  if (tangentplane_wants_avx512_core()) setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);  // 0: what the user set stays
}
