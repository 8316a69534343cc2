// The rows whose products may be split, with split ones, and the rate of a split product; what share of a product's time that saves depends
// on the processor: without AMX's tiles they are emulated.
#include "autodiff/cpu/split/unit.h"
#include "tests/bench/bench.h"

namespace tangentplane::bench {

void bench_split(const Bench& bench) {
  const std::string unit = cpu::split::unit().name;
  const bool emulated = unit != "amx";
  if (emulated ? bench.asks_for("split_gflops") : bench.wants("split_gflops")) {
    fmt::print(stderr, "bench: split products by the unit {}\n", unit);
    Bench::report("split_gflops", 1e-9 * gemm_rate(bench, cpu::Products::split));
  }
  const cpu::ProductsInScope now(cpu::Products::split);
  const Bench rows = bench.split(emulated);
  bench_training(rows);
  bench_ntk(rows);
  bench_lanczos(rows);
}

}  // namespace tangentplane::bench
