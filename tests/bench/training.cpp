// Batches of 128 images in float32: forward, a training step (BatchNorm in training mode, update included), and a step of the linearized
// network in parameter space: with its Jacobian kept, which costs linear_features128 once, where that of the study's 60,000 images fits in
// memory, else computed anew. Each step gathers its batch from the images, as training does.
#include <numeric>

#include "linearize/linearized_learner.h"
#include "nn/network_learner.h"
#include "tests/bench/bench.h"
#include "tests/bench/models.h"

namespace tangentplane::bench {
namespace {

constexpr Index batch_size = 128;

void step(Learner<float>& learner, const std::vector<Index>& batch, const Tensor<float>& labels) {
  const auto z = learner.logits(batch);
  learner.step(loss_cotangent(BinaryCrossEntropy{}, z, labels), 1e-4);
}

}  // namespace

void bench_training(const Bench& bench) {
  std::vector<Index> batch(batch_size);
  std::iota(batch.begin(), batch.end(), Index(0));
  Tensor<float> labels({batch_size, 1});
  for (Index i = 0; i < batch_size; ++i) labels[i] = static_cast<float>(i % 2);
  for (const std::string name : {"mlp", "lenet", "resnet18"}) {
    const std::string forward_name = name + "_forward128", train_name = name + "_train_step128", linear_name = name + "_linear_step128",
                      features_name = name + "_linear_features128";
    if (!bench.wants(forward_name) && !bench.wants(train_name) && !bench.wants(linear_name) && !bench.wants(features_name)) continue;
    const Model model = make_model(name);
    const auto images = random_images(batch_size);
    const int least = name == "resnet18" ? 3 : 31, warm = name == "resnet18" ? 1 : 5;
    bench.time(
        forward_name, [&] { forward(model.network, model.variables, model.variables.parameters, images); }, least, warm);
    NetworkLearner<float> learner(model.network, model.variables, images, batch_size);
    bench.time(
        train_name, [&] { step(learner, batch, labels); }, least, warm);
    std::shared_ptr<const KeptJacobian<float>> kept;
    if (name != "resnet18") {
      const auto keep = [&] { kept = std::make_shared<KeptJacobian<float>>(model.network, model.variables, images); };
      bench.time(features_name, keep, least, warm);
      keep();
    }
    LinearizedLearner<float> linear(model.network, model.variables, images, batch_size, false, kept);
    bench.time(
        linear_name, [&] { step(linear, batch, labels); }, least, warm);
  }
}

}  // namespace tangentplane::bench
