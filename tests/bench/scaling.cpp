// How cost grows: kernels, eigenpairs and function space against the number of images, kernels against the network's width. Each line ends
// with the fraction of this machine's sgemm rate, measured right before, that the counted flops reached. Minutes and gigabytes: a line runs
// only where a word selects it.
#include "data/dataset.h"
#include "kernels/eigen.h"
#include "kernels/ntk.h"
#include "linearize/function_space.h"
#include "tests/bench/bench.h"
#include "tests/bench/models.h"

namespace tangentplane::bench {
namespace {

constexpr Index sizes[] = {1000, 4000, 16'000, 60'000};

void time_kernel(const Bench& bench, const std::string& name, const ModelConfig& config, Index n) {
  if (!bench.asks_for(name)) return;
  const auto network = make_network<float>(config);
  const auto variables = initialise(network, {32, 32, 3}, 0);
  const auto images = random_images(n);
  const NtkPlan plan = plan_ntk(network, variables, images);
  const double rate = gemm_rate(bench);
  bench.report_share(name, bench.seconds([&] { ntk(network, variables, images); }, 1, n <= 4000 ? 1 : 0),
                     plan.feature_flops + plan.pair_flops, rate);
  cpu::trim_memory();
}

void time_eigenpairs(const Bench& bench, Index n) {
  const std::string name = fmt::format("scaling_eigenpairs_{}", n);
  if (!bench.asks_for(name)) return;
  const Model model = make_model("lenet");
  const auto k = ntk(model.network, model.variables,
                     data::load<float>({.name = "dead-leaves", .directory = {}, .num_train = n, .num_test = 0}).images);
  cpu::trim_memory();
  const double rate = gemm_rate(bench);
  double flops = 0;
  const double seconds =
      bench.seconds([&] { flops = kernels::leading_eigenpairs(k, std::min<Index>(1000, n / 6)).flops; }, 1, n <= 4000 ? 1 : 0);
  bench.report_share(name, seconds, flops, rate);
}

/// An epoch of 64 tasks on five sixths of n images, every other one evaluated.
void time_function_space(const Bench& bench, Index n) {
  const std::string name = fmt::format("scaling_function_space_{}", n);
  if (!bench.asks_for(name)) return;
  constexpr Index tasks = 64;
  const Index num_train = n / 6 * 5;
  Tensor<float> kernel({num_train, n}), labels({n, tasks});
  cpu::parallel_chunks(kernel.size(), Index(1) << 20, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) kernel[i] = static_cast<float>(i % 1021) * 1e-6f;
  });
  for (Index i = 0; i < labels.size(); ++i) labels[i] = static_cast<float>(i % 3 == 0);
  FunctionSpaceLearner<float> learner(std::move(kernel), Tensor<float>::zeros({n}), num_train, tasks);
  Recipe recipe;
  recipe.epochs = 1;
  recipe.learning_rate = 1e-6;
  const double rate = gemm_rate(bench);
  bench.report_share(name, bench.seconds([&] { train<float>(learner, labels, num_train, recipe); }, 3, 1),
                     2.0 * static_cast<double>(num_train * n * tasks), rate);
}

}  // namespace

void bench_scaling(const Bench& bench) {
  for (const std::string model : {"mlp", "lenet", "resnet18"})
    for (const Index n : sizes)
      if (model != "resnet18" || n <= 4000)
        time_kernel(bench, fmt::format("scaling_kernel_{}_{}", model, n), ModelConfig{.model = model, .features = {}}, n);
  for (const Index times : {1, 2, 4, 8}) {
    time_kernel(bench, fmt::format("scaling_width_mlp_x{}", times), ModelConfig{.model = "mlp", .features = {50 * times, 50 * times, 1}},
                4000);
    time_kernel(bench, fmt::format("scaling_width_lenet_x{}", times),
                ModelConfig{.model = "lenet", .features = {3 * times, 8 * times, 60 * times, 42 * times, 1}}, 4000);
    time_kernel(bench, fmt::format("scaling_width_resnet18_x{}", times),
                ModelConfig{.model = "resnet18", .features = {}, .filters = 8 * times}, 1000);
  }
  for (const Index n : sizes) time_eigenpairs(bench, n);
  for (const Index n : sizes) time_function_space(bench, n);
}

}  // namespace tangentplane::bench
