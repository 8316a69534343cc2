// bench [--cpu] [NAME ...]: seconds for the work that peers/bench_torch.py and peers/bench_jax.py time. Names select by
// prefix. --cpu: processor seconds of one thread, for comparisons on a busy machine.
#include "autodiff/cpu/blas.h"
#include "autodiff/cpu/parallel.h"
#include "tests/bench/bench.h"

int main(int argc, char** argv) {
  using namespace tangentplane;
  const auto blas = cpu::blas_report();
  if (!blas.warning.empty()) fmt::print(stderr, "bench: {}\n", blas.warning);
  const bool cpu = argc > 1 && std::string(argv[1]) == "--cpu";
  if (cpu) cpu::set_threads(1);
  const bench::Bench bench({argv + 1 + cpu, argv + argc}, cpu);
  bench::bench_sgemm(bench);
  bench::bench_training(bench);
  bench::bench_ntk(bench);
  bench::bench_nads(bench);
  bench::bench_lanczos(bench);
  bench::bench_scaling(bench);
  bench::bench_split(bench);
}
