#include "experiments/common/subject/own_network.h"

namespace tangentplane::experiments {
namespace {

template <class S>
OwnStart<S> read(const std::filesystem::path& file, const onnx::Trainable& trainable) {
  auto loaded = onnx::load_onnx<S>(file, trainable);
  return {std::move(loaded.network), std::move(loaded.variables)};
}

}  // namespace

OwnNetwork network_of_file(const std::filesystem::path& file, const onnx::Trainable& trainable) {
  return {.name = file.string(),
          .in_float32 = [=](const Shape&, std::uint64_t) { return read<float>(file, trainable); },
          .in_float64 = [=](const Shape&, std::uint64_t) { return read<double>(file, trainable); },
          .file = file,
          .description = onnx::describe_onnx(file, trainable)};
}

}  // namespace tangentplane::experiments
