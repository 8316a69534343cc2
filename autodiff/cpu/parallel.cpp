#include "autodiff/cpu/parallel.h"

#include <tbb/global_control.h>
#include <tbb/info.h>

#include <memory>

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

}  // namespace tangentplane::cpu
