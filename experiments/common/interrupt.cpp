#include "experiments/common/interrupt.h"

#include <atomic>
#include <csignal>

namespace tangentplane::experiments {
namespace {

std::atomic<int> caught{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

void on_signal(int signal) {
  caught = signal;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

void catch_interrupts() {
  caught = 0;
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool interrupted() { return caught.load(std::memory_order_relaxed) != 0; }

void check_interrupt() {
  if (const int signal = caught.load(std::memory_order_relaxed)) throw Interrupted(signal);
}

}  // namespace tangentplane::experiments
