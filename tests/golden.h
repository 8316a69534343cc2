// The golden cases: values of flax and neural-tangents in float64 (golden/generate.py says how they were made and what each file holds).
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>

#include "data/npy.h"
#include "nn/checkpoint.h"
#include "nn/models.h"
#include "nn/train.h"
#include "tests/check.h"
#include "tests/places.h"

namespace tangentplane::golden {

inline const std::vector<std::string> cases{"mlp", "lenet", "lenet_odd_gelu", "resnet_init", "resnet_perturbed"};

template <class S>
struct Case {
  ModelConfig config;
  Shape image;
  Network<S> network;
  Variables<S> init;
  Tensor<S> images, labels;  // [N, H, W, C], [N, 1]; both empty in the cases of NADs
  data::NamedTensors<double> expected;
  Index num_train = 0;
  Recipe recipe;

  Tensor<double> operator[](const std::string& name) const {
    const auto* t = data::find(expected, name);
    INFO(name);
    REQUIRE(t);
    return *t;
  }
  /// One tensor a parameter, from the entries prefix/<path>.
  std::vector<Tensor<S>> parameters(const std::string& prefix) const {
    std::vector<Tensor<S>> list;
    for (const auto& path : init.paths) list.push_back(cast<S>((*this)[prefix + path]));
    return list;
  }
};

template <class S>
Case<S> load(const std::string& name) {
  const std::filesystem::path folder = std::filesystem::path(places::golden()) / name;
  const auto json = nlohmann::json::parse(std::ifstream(folder / "case.json"));
  ModelConfig config;
  config.model = json["model"];
  config.activation = json["activation"];
  if (json.contains("features")) config.features = json["features"].get<std::vector<Index>>();
  if (json.contains("filters")) {
    config.filters = json["filters"];
    config.blocks = json["blocks"].get<std::vector<Index>>();
  }
  Shape image;
  for (const auto& n : json["shape"]) image.append(n.get<Index>());
  const Network<S> network = make_network<S>(config);
  Case<S> c{config,
            image,
            network,
            load_variables(folder / "init.npz", initialise(network, image, 0)),
            {},
            {},
            data::load_npz<double>(folder / "expected.npz"),
            json["num_train"],
            {}};
  c.recipe = {.epochs = json["epochs"],
              .batch = json["batch"],
              .learning_rate = json["lr"],
              .optimizer = Sgd{.momentum = json["momentum"]},
              .shuffle = false};
  if (std::filesystem::exists(folder / "images.npy")) {
    c.images = data::load_npy<S>(folder / "images.npy");
    c.labels = data::load_npy<S>(folder / "labels.npy");
    c.labels = c.labels.reshaped({c.labels.size(), 1});
  }
  return c;
}

/// A history against the columns <kind>/train_loss and so on.
inline void same_history(const History& history, const Case<double>& c, const std::string& kind, double tolerance) {
  const auto column = [&](const char* name, double EpochRecord::*field) {
    const auto expected = c[kind + "/" + name];
    REQUIRE(expected.size() == static_cast<Index>(history.size()));
    for (Index i = 0; i < expected.size(); ++i) {
      INFO(kind << " " << name << " epoch " << i + 1);
      check::same(history[static_cast<std::size_t>(i)].*field, expected[i], tolerance);
    }
  };
  column("train_loss", &EpochRecord::train_loss);
  column("train_accuracy", &EpochRecord::train_accuracy);
  column("test_loss", &EpochRecord::test_loss);
  column("test_accuracy", &EpochRecord::test_accuracy);
  column("distance", &EpochRecord::distance);
}

}  // namespace tangentplane::golden
