// BLAS takes the calling thread alone: its own threads would compete with ours, and their number would show in the bits.
#include "autodiff/cpu/blas.h"

#include <cblas.h>

#include <vector>

#include "autodiff/cpu/gemm.h"
#include "tests/catch.h"

using namespace tangentplane;

// As where the environment says OPENBLAS_NUM_THREADS=3: before any product of ours.
[[maybe_unused]] static const bool asked_for_three = (openblas_set_num_threads(3), true);

TEST_CASE("a BLAS runs on one thread from the first product on") {
  const std::vector<double> a(16, 1), b(16, 1);
  std::vector<double> c(16);
  cpu::gemm(cpu::Op::none, cpu::Op::none, 4, 4, 4, 1.0, a.data(), 4, b.data(), 4, 0.0, c.data(), 4);
  CHECK(c[0] == 4);
  CHECK(cpu::blas_threads() == 1);
  CHECK(cpu::blas_threads() == openblas_get_num_threads());
  CHECK(cpu::blas_report().threading != "");
}
