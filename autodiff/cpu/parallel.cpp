#include "autodiff/cpu/parallel.h"

#include <tbb/global_control.h>
#include <tbb/info.h>

#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include "autodiff/cpu/blas.h"
#include "autodiff/cpu/limits.h"

namespace tangentplane::cpu {
namespace {

std::unique_ptr<tbb::global_control>& limit() {
  static std::unique_ptr<tbb::global_control> control;
  return control;
}

}  // namespace

void set_threads(int threads) {
  require(threads >= 0, "threads: {} is negative; give 0 for all cores", threads);
  // A quota throttles more threads than it pays for: they would be stopped for most of every period, often with others waiting for them.
  if (threads == 0 && usable_cpus() < tbb::info::default_concurrency()) threads = usable_cpus();
  limit().reset();
  reserve_blas_buffers(threads > 0 ? threads : tbb::info::default_concurrency());
  if (threads > 0)
    limit() = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
}

int threads() { return static_cast<int>(tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism)); }

#if defined(__SANITIZE_THREAD__)
// Each thread has its tasks beforehand, so that accesses meet however short they are, and nothing but the threads' ends orders tasks.
void parallel_for_on_own_threads(Index n, const std::function<void(Index)>& f) {
  const Index count = std::min<Index>(threads(), n);
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(count));
  const auto work = [&](Index first) {
    try {
      for (Index i = first; i < n; i += count) f(i);
    } catch (...) {
      thrown[static_cast<std::size_t>(first)] = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  for (Index t = 1; t < count; ++t) others.emplace_back(work, t);
  work(0);
  for (std::thread& t : others) t.join();
  for (const auto& e : thrown)
    if (e) std::rethrow_exception(e);
}
#endif

}  // namespace tangentplane::cpu
