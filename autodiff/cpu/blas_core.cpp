// A shared library of its own, linked after OpenBLAS so that its constructor runs first: OpenBLAS reads OPENBLAS_CORETYPE and
// OPENBLAS_NUM_THREADS in its own constructor, which makes setenv in main too late. On a CPU without AVX-512 the core's value would be an
// illegal instruction.
#include "autodiff/cpu/blas_core.h"

#include <openblas_config.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// Whether the OpenBLAS compiled against is older than 0.3.`patch`.
static bool is_older_than(int patch) {
  int major = 0, minor = 0, its_patch = 0;
  if (std::sscanf(OPENBLAS_VERSION, " OpenBLAS %d.%d.%d", &major, &minor, &its_patch) != 3) return false;
  return major == 0 && (minor < 3 || (minor == 3 && its_patch < patch));
}

extern "C" int tangentplane_wants_avx512_core() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return is_older_than(22) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
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

// Versions later than Debian 12's map a buffer in their constructor, and where that does not fit try for ever: no main would ever begin.
__attribute__((constructor)) static void require_openblas_buffer() {
  constexpr std::size_t bytes = std::size_t(136) << 20;  // its BUFFER_SIZE, and what its thread's data take
  if (is_older_than(22) || !(is_limited(RLIMIT_AS) || is_limited(RLIMIT_DATA))) return;
  void* probe = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe != MAP_FAILED) {
    munmap(probe, bytes);
    return;
  }
  constexpr const char* line = ": ulimit: OpenBLAS maps 136 MiB of address space at its start, and less is left; raise the limit\n";
  const bool said = write(STDERR_FILENO, program_invocation_short_name, std::strlen(program_invocation_short_name)) >= 0 &&
                    write(STDERR_FILENO, line, std::strlen(line)) >= 0;
  _exit(said ? 2 : 1);
}

__attribute__((constructor)) static void choose_openblas_core() {
  if (tangentplane_wants_avx512_core()) setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);  // 0: what the user set stays
}
