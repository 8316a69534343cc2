// bench [--cpu] [--onnx FOLDER] [NAME ...]: seconds for the work that peers/bench_torch.py and peers/bench_jax.py time. Names select by
// prefix. --cpu: processor seconds of one thread, for comparisons on a busy machine. --onnx: also the folder's networks.
#include <exception>

#include "autodiff/cpu/blas.h"
#include "autodiff/cpu/parallel.h"
#include "tests/bench/bench.h"

int main(int argc, char** argv) {
  using namespace tangentplane;
  const auto blas = cpu::blas_report();
  if (!blas.warning.empty()) fmt::print(stderr, "bench: {}\n", blas.warning);
  bool cpu = false;
  std::string folder;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--cpu") {
      cpu = true;
    } else if (word == "--onnx" && i + 1 < argc) {
      folder = argv[++i];
    } else if (word.starts_with("--")) {
      fmt::print(stderr, "bench: {} is no option; there are --cpu, --onnx FOLDER\n", word);
      return 2;
    } else {
      names.push_back(word);
    }
  }
  if (cpu) cpu::set_threads(1);
  const bench::Bench bench(names, cpu);
  if (!folder.empty()) try {
      bench::bench_onnx(bench, folder);
    } catch (const std::exception& e) {
      fmt::print(stderr, "bench: {}\n", e.what());
      return 2;
    }
  bench::bench_sgemm(bench);
  bench::bench_training(bench);
  bench::bench_ntk(bench);
  bench::bench_nads(bench);
  bench::bench_lanczos(bench);
  bench::bench_scaling(bench);
  bench::bench_split(bench);
}
