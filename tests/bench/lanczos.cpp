// The 1000 leading eigenpairs of a kernel of 12,000 images: LeNet's on dead leaves, whose spectrum decays as those of photographs do.
#include "data/dataset.h"
#include "kernels/eigen.h"
#include "kernels/ntk.h"
#include "tests/bench/bench.h"
#include "tests/bench/models.h"

namespace tangentplane::bench {

void bench_lanczos(const Bench& bench) {
  if (!bench.wants("lanczos12000")) return;
  const Model model = make_model("lenet");
  const auto images = data::load<float>({.name = "dead-leaves", .directory = {}, .num_train = 10'000, .num_test = 2'000}).images;
  const auto k = ntk(model.network, model.variables, images);
  kernels::EigenOptions options;
  options.method = kernels::EigenMethod::lanczos;
  bench.time(
      "lanczos12000", [&] { kernels::leading_eigenpairs(k, 1000, options); }, 1, 0);
}

}  // namespace tangentplane::bench
