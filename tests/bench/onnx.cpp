// The networks of a folder of ONNX files (peers/export_networks.py writes them) on the work of training.cpp and ntk.cpp: forward, a
// training step of 128 images (cross-entropy of several logits, logistic of one) and the kernel of 64 images, traced over the outputs.
#include "nn/onnx/load.h"

#include <filesystem>
#include <set>

#include "kernels/ntk.h"
#include "nn/network_learner.h"
#include "tests/bench/bench.h"
#include "tests/bench/models.h"

namespace tangentplane::bench {
namespace {

constexpr Index batch_size = 128, kernel_images = 64;

void bench_file(const Bench& bench, const std::filesystem::path& file) {
  const std::string name = file.stem().string(), row = name + "_onnx";
  const std::string forward_name = row + "_forward128", train_name = row + "_train_step128", ntk_name = row + "_ntk64";
  if (!bench.wants(forward_name) && !bench.wants(train_name) && !bench.wants(ntk_name)) return;
  const auto net = onnx::load_onnx<float>(file);
  if (net.description.image != Shape{32, 32, 3})
    throw std::invalid_argument(file.string() + ": images are not 3 x 32 x 32, which the rows are of");
  const int least = name == "lenet" ? 31 : 3, warm = name == "lenet" ? 5 : 1;
  const auto images = random_images(batch_size);
  bench.time(
      forward_name, [&] { forward(net.network, net.variables, net.variables.parameters, images); }, least, warm);
  if (bench.wants(train_name)) {
    const Index outputs = net.description.outputs;
    const Loss loss = outputs == 1 ? Loss(BinaryCrossEntropy{}) : Loss(SoftmaxCrossEntropy{});
    std::vector<Index> batch;
    Tensor<float> labels({batch_size, 1});
    for (Index i = 0; i < batch_size; ++i) {
      batch.push_back(i);
      labels[i] = static_cast<float>(i % std::max<Index>(outputs, 2));
    }
    NetworkLearner<float> learner(net.network, net.variables, images, batch_size);
    const auto step = [&] {
      const auto z = learner.logits(batch);
      learner.step(loss_cotangent(loss, z, labels), 1e-4);
    };
    bench.time(train_name, step, least, warm);
  }
  const auto few = random_images(kernel_images);
  bench.time(ntk_name, [&] { ntk(net.network, net.variables, few); });
}

/// Beside its file's; ntk.cpp has one of 1024 images. LeNet's other rows, and ResNet18's, are there already.
void bench_built_in_lenet(const Bench& bench) {
  if (!bench.wants("lenet_ntk64")) return;
  const Model model = make_model("lenet");
  const auto images = random_images(kernel_images);
  bench.time("lenet_ntk64", [&] { ntk(model.network, model.variables, images); });
}

}  // namespace

void bench_onnx(const Bench& bench, const std::string& folder) {
  std::set<std::filesystem::path> files;
  if (std::filesystem::is_directory(folder))
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (entry.path().extension() == ".onnx") files.insert(entry.path());
  if (files.empty()) throw std::invalid_argument("--onnx " + folder + ": no folder with .onnx files; peers/export_networks.py writes one");
  for (const auto& file : files) {
    bench_file(bench, file);
    if (file.stem() == "lenet") bench_built_in_lenet(bench);
  }
}

}  // namespace tangentplane::bench
