// A network that --model may name besides the built-in ones: a struct of the user's own, or a file of another tool.
#pragma once

#include <fmt/ranges.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "nn/onnx/load.h"

namespace tangentplane::experiments {

/// A network in one precision and where it starts.
template <class S>
struct OwnStart {
  Network<S> network;
  Variables<S> variables;
};

/// Made by own_network or network_of_file, below.
struct OwnNetwork {
  std::string name;  ///< as --model has it, config.toml and titles too: of letters, digits, - and _, and not that of a built-in network
  /// For images of that shape, [H, W, C] or [D]; the seed is that of --seed.
  std::function<OwnStart<float>(const Shape& image, std::uint64_t seed)> in_float32;
  std::function<OwnStart<double>(const Shape& image, std::uint64_t seed)> in_float64;

  /// Of a file: its path, and what it says of itself.
  std::optional<std::filesystem::path> file = {};
  onnx::Description description = {};

  /// Throws std::invalid_argument naming --model (or the file) where the network does not take such images.
  template <class S>
  OwnStart<S> start(const Shape& image, std::uint64_t seed) const {
    try {
      if constexpr (sizeof(S) == sizeof(float))
        return in_float32(image, seed);
      else
        return in_float64(image, seed);
    } catch (const std::invalid_argument& e) {
      if (file) throw;  // and names it
      throw std::invalid_argument(fmt::format("--model {}: on images of shape {}: {}", name, image, e.what()));
    }
  }
};

/// A network of any struct that Network takes, in both precisions; images are [N, H, W, C] or [N, D], whichever the model can take. The
/// weights are drawn by `initialise`.
template <class Model>
OwnNetwork own_network(std::string name, Model model) {
  const auto drawn = [model]<class S>(const Shape& image, std::uint64_t seed) {
    const Network<S> network(model);
    return OwnStart<S>{network, initialise(network, image, seed)};
  };
  return {std::move(name), [drawn](const Shape& image, std::uint64_t seed) { return drawn.template operator()<float>(image, seed); },
          [drawn](const Shape& image, std::uint64_t seed) { return drawn.template operator()<double>(image, seed); }};
}

/// The same from weights and statistics that are given, whatever --seed is. They must have the names and shapes that `initialise` gives;
/// otherwise the run is refused.
template <class Model>
OwnNetwork own_network(std::string name, Model model, Variables<double> start) {
  const auto given = [model, start]<class S>(const Shape& image) {
    require_finite("own_network", start);
    const Network<S> network(model);
    Variables<S> variables = initialise(network, image, 0);
    require(variables.paths == start.paths, "own_network: the weights given are {}; the network has {}", fmt::join(start.paths, ", "),
            fmt::join(variables.paths, ", "));
    const auto replace = [](const std::string& path, Tensor<S>& to, const Tensor<double>& from) {
      require(to.shape() == from.shape(), "own_network: {} is given as {}, the network takes {}", path, from.shape(), to.shape());
      to = cast<S>(from);
    };
    for (std::size_t i = 0; i < start.paths.size(); ++i) replace(start.paths[i], variables.parameters[i], start.parameters[i]);
    for (auto& [path, statistic] : variables.statistics) {
      const auto found = start.statistics.find(path);
      require(found != start.statistics.end(), "own_network: the statistic {} is not given", path);
      replace(path, statistic, found->second);
    }
    return OwnStart<S>{network, std::move(variables)};
  };
  return {std::move(name), [given](const Shape& image, std::uint64_t) { return given.template operator()<float>(image); },
          [given](const Shape& image, std::uint64_t) { return given.template operator()<double>(image); }};
}

/// The network of an ONNX file, from the weights that stand there. Throws std::invalid_argument as onnx::describe_onnx does.
OwnNetwork network_of_file(const std::filesystem::path& file, const onnx::Trainable& trainable);

/// Those that --model may name besides mlp, lenet and resnet18; without --model the first of them is meant.
class OwnNetworks {
 public:
  OwnNetworks() = default;
  OwnNetworks(OwnNetwork one) : all_{std::move(one)} {}  // NOLINT: one is some
  OwnNetworks(std::initializer_list<OwnNetwork> all) : all_(all) {}

  const std::vector<OwnNetwork>& all() const { return all_; }

 private:
  std::vector<OwnNetwork> all_;
};

}  // namespace tangentplane::experiments
