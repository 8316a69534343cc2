// How a run is stopped from outside: Ctrl-C, and the signals that batch systems, terminals and limits send. Long loops call
// check_interrupt() between their steps, where nothing is half done. What does not come to such a point within a second and a half (a call
// of LAPACK, a read of a large file) is left: nothing that stands under a final name is ever half written, so a run may end anywhere.
#pragma once

#include <exception>
#include <functional>
#include <mutex>
#include <string>

namespace tangentplane::experiments {

/// Thrown by check_interrupt; run_main turns it into status 128 + signal (130 for Ctrl-C).
class Interrupted : public std::exception {
 public:
  explicit Interrupted(int signal) : signal_(signal) {}
  int signal() const { return signal_; }
  const char* what() const noexcept override { return "interrupted"; }

 private:
  int signal_;
};

/// What is said of a run that was stopped.
inline constexpr const char* interrupted_line = "interrupted; the same command goes on from here";

/// From now on SIGINT, SIGTERM, SIGHUP (unless it is ignored, as under nohup), SIGUSR1, SIGUSR2 and SIGXCPU raise a flag; a second Ctrl-C
/// ends the process at once. SIGPIPE and SIGXFSZ are ignored: a write then fails, and says why. If release_interrupts() is not called
/// within 1.5 seconds of the signal, all OnLeaving are done, temporary files are removed, one line that begins with `program` goes to
/// standard error, and the process exits with status 128 + signal.
void catch_interrupts(const std::string& program = "tangentplane");
/// The process ends by itself: it is not left any more.
void release_interrupts();

/// True if the flag is up: for what must be saved before check_interrupt() ends the run.
bool interrupted();

/// Throws Interrupted if the flag is up. Costs one load.
void check_interrupt();

/// What is still to be saved when the process is left in the middle of something. `save` is then called by another thread.
class OnLeaving {
 public:
  explicit OnLeaving(std::function<void()> save);
  ~OnLeaving();
  OnLeaving(const OnLeaving&) = delete;
  OnLeaving& operator=(const OnLeaving&) = delete;

  /// Hold it while changing what `save` reads, and while saving it otherwise: the process is not left meanwhile.
  [[nodiscard]] std::unique_lock<std::recursive_mutex> hold() const;

 private:
  std::function<void()> save_;
  friend void leave(int);
};

}  // namespace tangentplane::experiments
