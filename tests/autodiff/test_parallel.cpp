// Loops of tasks, nested.
#include <atomic>
#include <chrono>
#include <stdexcept>

#include "autodiff/cpu/parallel.h"
#include "tests/catch.h"

using namespace tangentplane;

TEST_CASE("a loop inside a task does all its work or throws, also where another task stops the loop around it") {
  for (int run = 0; run < 200; ++run) {
    std::atomic<Index> half_done = 0, caught = 0;
    try {
      cpu::parallel_for(16, [&](Index i) {
        if (i == 3) throw std::domain_error("stopped");  // while other tasks are in the middle of theirs
        std::atomic<Index> done = 0;
        cpu::parallel_for(64, [&](Index) {
          const auto start = std::chrono::steady_clock::now();
          while (std::chrono::steady_clock::now() - start < std::chrono::microseconds(2)) {
          }
          ++done;
        });
        if (done != 64) ++half_done;
      });
    } catch (const std::domain_error&) {
      ++caught;
    }
    REQUIRE(half_done == 0);
    REQUIRE(caught == 1);
  }
}

TEST_CASE("what a task of an inner loop throws reaches the caller of the outer one") {
  CHECK_THROWS_AS(cpu::parallel_for(8,
                                    [](Index i) {
                                      cpu::parallel_for(8, [i](Index j) {
                                        if (i == 5 && j == 2) throw std::domain_error("inside");
                                      });
                                    }),
                  std::domain_error);
}
