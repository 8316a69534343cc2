// All 1024 anisotropy directions of LeNet (gelu) at x = 0, 32x32x1, from mixed derivatives to eigenvectors.
#include "kernels/nads.h"
#include "nn/models.h"
#include "tests/bench/bench.h"

namespace tangentplane::bench {

void bench_nads(const Bench& bench) {
  if (!bench.wants("lenet_nads")) return;
  const auto network = make_network<float>({.model = "lenet", .features = {}, .activation = "gelu"});
  const auto variables = initialise(network, {32, 32, 1}, 0);
  const auto origin = Tensor<float>::zeros({1, 32, 32, 1});
  bench.time("lenet_nads", [&] { nads(network, variables, origin); });
}

}  // namespace tangentplane::bench
