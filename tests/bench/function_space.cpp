// An epoch of 64 tasks in function space, 50,000 + 10,000 images and every test image evaluated: 3.84e11 flops on a kernel of 12 GB, so
// only where it is asked for.
#include "linearize/function_space.h"
#include "tests/bench/bench.h"
#include "tests/bench/models.h"

namespace tangentplane::bench {

void bench_function_space(const Bench& bench) {
  const std::string name = "function_space_epoch";
  if (!bench.asks_for(name)) return;
  constexpr Index num_train = 50'000, n = 60'000, tasks = 64;
  Tensor<float> kernel({num_train, n}), labels({n, tasks});
  cpu::parallel_chunks(kernel.size(), Index(1) << 20, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) kernel[i] = static_cast<float>(i % 1021) * 1e-6f;
  });
  for (Index i = 0; i < labels.size(); ++i) labels[i] = static_cast<float>(i % 3 == 0);
  FunctionSpaceLearner<float> learner(std::move(kernel), Tensor<float>::zeros({n}), num_train, tasks);
  Recipe recipe;
  recipe.epochs = 1;
  recipe.learning_rate = 1e-6;
  bench.time(
      name, [&] { train<float>(learner, labels, num_train, recipe); }, 3, 1);
}

}  // namespace tangentplane::bench
