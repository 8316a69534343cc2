#define CATCH_CONFIG_RUNNER
#include "autodiff/cpu/parallel.h"
#include "autodiff/cpu/ranks.h"
#include "tests/catch.h"

int main(int argc, char** argv) {
  tangentplane::cpu::start_ranks();
  tangentplane::cpu::set_threads(1);
  const int failed = Catch::Session().run(argc, argv);
  tangentplane::cpu::end_ranks();
  return failed;
}
