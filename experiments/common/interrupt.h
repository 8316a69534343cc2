// Ctrl-C ends a run at the next point where nothing is half done: long loops call check_interrupt() between their steps.
#pragma once

#include <exception>

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

/// From now on SIGINT and SIGTERM only raise a flag, the first time; a second one ends the process at once.
void catch_interrupts();

/// True if the flag is up: for what must be saved before check_interrupt() ends the run.
bool interrupted();

/// Throws Interrupted if the flag is up. Costs one load.
void check_interrupt();

}  // namespace tangentplane::experiments
