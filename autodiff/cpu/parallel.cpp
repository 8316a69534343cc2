#include "autodiff/cpu/parallel.h"

#include <tbb/global_control.h>
#include <tbb/info.h>

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tangentplane::cpu {
namespace {

std::unique_ptr<tbb::global_control>& limit() {
  static std::unique_ptr<tbb::global_control> control;
  return control;
}

}  // namespace

void set_threads(int threads) {
  require(threads >= 0, "threads: {} is negative; give 0 for all cores", threads);
  limit().reset();
  if (threads > 0)
    limit() = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
}

int threads() { return static_cast<int>(tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism)); }

#if defined(__SANITIZE_THREAD__)
void parallel_for_on_own_threads(Index n, const std::function<void(Index)>& f) {
  std::atomic<Index> next{0};
  std::exception_ptr thrown;
  std::mutex mutex;
  const auto work = [&] {
    try {
      // Relaxed, lest handing out tasks should order them.
      for (Index i; (i = next.fetch_add(1, std::memory_order_relaxed)) < n;) f(i);
    } catch (...) {
      next.store(n, std::memory_order_relaxed);
      const std::lock_guard lock(mutex);
      if (!thrown) thrown = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  for (Index t = 1; t < std::min<Index>(threads(), n); ++t) others.emplace_back(work);
  work();
  for (std::thread& t : others) t.join();
  if (thrown) std::rethrow_exception(thrown);
}
#endif

}  // namespace tangentplane::cpu
