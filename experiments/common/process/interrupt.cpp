#include "experiments/common/process/interrupt.h"

#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <vector>

#include "autodiff/cpu/ranks.h"
#include "data/files.h"
#include "experiments/common/process/end_run.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {

void leave(int signal);

namespace {

// Nanoseconds. mpirun kills its processes a second after it has passed a signal on.
long patience() { return cpu::Ranks::world().several() ? 400'000'000 : 1'500'000'000; }

std::atomic<int> caught{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may only touch lock-free atomics");
sem_t arrived;

// Never destroyed: the watcher, and what it saves, may outlive main's end.
struct Watch {
  std::recursive_mutex mutex;
  std::vector<OnLeaving*> to_save;
  std::string program;
  unsigned runs = 0;  // told apart, for a test may have several
  bool released = true;
};
Watch& watch() {
  static auto* w = new Watch;
  return *w;
}

void on_signal(int signal) {
  const int before = errno;
  int none = 0;
  if (caught.compare_exchange_strong(none, signal)) sem_post(&arrived);
  std::signal(SIGINT, SIG_DFL);  // a second Ctrl-C; other signals may come several times, to the group and to the process
  errno = before;
}

void* wait_for_signal(void*) {
  for (;;) {
    while (sem_wait(&arrived) != 0) {
    }
    unsigned run = 0;
    {
      const std::lock_guard lock(watch().mutex);
      run = watch().runs;
    }
    timespec left{patience() / 1'000'000'000, patience() % 1'000'000'000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
    const std::lock_guard lock(watch().mutex);
    if (!watch().released && watch().runs == run && caught != 0) leave(caught);
  }
}

// Once a process. Its stack is small, so that it matters little where address space is limited; without it a run can still be stopped
// between its steps.
void start_watching() {
  sem_init(&arrived, 0, 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, std::size_t(1) << 20);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  static_cast<void>(pthread_create(&thread, &attributes, wait_for_signal, nullptr));
  pthread_attr_destroy(&attributes);
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

void leave(int signal) {
  for (auto one = watch().to_save.rbegin(); one != watch().to_save.rend(); ++one) try {
      (*one)->save_();
    } catch (const std::exception& e) {
      remark("{}: {}\n", watch().program, e.what());
    }
  data::abandon_writes();
  end_run(128 + signal, fmt::format("{}: {}\n", watch().program, interrupted_line));
}

void catch_interrupts(const std::string& program) {
  [[maybe_unused]] static const bool once = (start_watching(), true);
  {
    const std::lock_guard lock(watch().mutex);
    watch().program = program;
    watch().released = false;
    ++watch().runs;
    caught = 0;
  }
  struct sigaction hang_up {};
  const bool ignored = sigaction(SIGHUP, nullptr, &hang_up) == 0 && hang_up.sa_handler == SIG_IGN;
  for (int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU}) handle(signal, on_signal);
  if (!ignored) handle(SIGHUP, on_signal);
  for (int signal : {SIGPIPE, SIGXFSZ}) handle(signal, SIG_IGN);
}

void release_interrupts() {
  const std::lock_guard lock(watch().mutex);
  watch().released = true;
  caught = 0;
}

bool interrupted() { return caught.load(std::memory_order_relaxed) != 0; }

void check_interrupt() {
  if (const int signal = caught.load(std::memory_order_relaxed)) throw Interrupted(signal);
}

OnLeaving::OnLeaving(std::function<void()> save) : save_(std::move(save)) {
  const std::lock_guard lock(watch().mutex);
  watch().to_save.push_back(this);
}

OnLeaving::~OnLeaving() {
  const std::lock_guard lock(watch().mutex);
  std::erase(watch().to_save, this);
}

std::unique_lock<std::recursive_mutex> OnLeaving::hold() const { return std::unique_lock(watch().mutex); }

}  // namespace tangentplane::experiments
