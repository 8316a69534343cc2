// The machine's own rate, all threads: what every other figure is judged against.
#include "autodiff/cpu/gemm.h"
#include "autodiff/tensor.h"
#include "tests/bench/bench.h"

namespace tangentplane::bench {

double gemm_rate(const Bench& bench, cpu::Products how) {
  constexpr Index n = 4096;
  const auto a = Tensor<float>::full({n, n}, 0.5f), b = Tensor<float>::full({n, n}, 0.25f);
  Tensor<float> c({n, n});
  const double seconds = bench.seconds(
      [&] { cpu::parallel_gemm(cpu::Op::none, cpu::Op::none, n, n, n, 1.f, a.data(), n, b.data(), n, 0.f, c.data(), n, how); }, 3, 1);
  return 2.0 * n * n * n / seconds;
}

void bench_sgemm(const Bench& bench) {
  if (bench.wants("sgemm_gflops")) Bench::report("sgemm_gflops", 1e-9 * gemm_rate(bench));
}

}  // namespace tangentplane::bench
