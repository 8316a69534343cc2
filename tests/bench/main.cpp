// bench [NAME ...]: seconds for the work that bench_torch.py and bench_jax.py of README.md time. Names select by prefix.
#include "autodiff/cpu/blas.h"
#include "tests/bench/bench.h"

int main(int argc, char** argv) {
  using namespace tangentplane;
  const auto blas = cpu::blas_report();
  if (!blas.warning.empty()) fmt::print(stderr, "bench: {}\n", blas.warning);
  const bench::Bench bench({argv + 1, argv + argc});
  bench::bench_sgemm(bench);
  bench::bench_training(bench);
  bench::bench_ntk(bench);
  bench::bench_lanczos(bench);
}
