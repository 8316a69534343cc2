// What an experiment studies: images, a network, and the point at which it starts.
#pragma once

#include <filesystem>

#include "data/dataset.h"
#include "experiments/common/memory.h"
#include "experiments/common/options.h"
#include "linearize/factored_jacobian.h"
#include "nn/checkpoint.h"
#include "nn/models.h"

namespace tangentplane::experiments {

inline data::Source source_of(const CommonOptions& o) {
  return {.name = o.data, .directory = o.data_dir, .num_train = o.num_train, .num_test = o.num_test, .data_seed = o.data_seed};
}
inline ModelConfig model_of(const CommonOptions& o) { return {o.model, o.features, o.filters, o.blocks, o.activation}; }

/// Throws std::invalid_argument if the network cannot take images of shape [H, W, C].
inline void require_fits(const CommonOptions& o, const Shape& image) {
  require(o.model != "lenet" || (image[0] >= 4 && image[1] >= 4),
          "--model lenet: images of {} x {} are too small; give at least 4 x 4, for it halves them twice", image[0], image[1]);
}

/// Looks at the data without reading images, and sets the counts that were not given. Throws std::invalid_argument with one line.
inline data::Layout look_at_data(CommonOptions& o) {
  const data::Layout layout = data::layout(source_of(o));
  require_fits(o, layout.image);
  o.num_train = layout.num_train;
  o.num_test = layout.num_test;
  return layout;
}

template <class S>
struct Subject {
  data::Dataset<S> data;
  Network<S> network;
  Variables<S> init;

  Index images() const { return data.images.rows(); }
};

/// Reads the images, builds the network for them and draws its weights or reads them from `init` (an .npz file; empty: drawn from the
/// seed).
template <class S>
Subject<S> load_subject(const CommonOptions& o, const data::Layout& layout, const std::filesystem::path& init) {
  const Network<S> network = make_network<S>(model_of(o));
  Variables<S> variables = initialise(network, layout.image, o.seed);
  if (!init.empty()) variables = load_variables(init, variables);
  return {data::load<S>(source_of(o)), network, std::move(variables)};
}

/// Bytes of one image's forward and reverse pass.
template <class S>
double pass_bytes(const Subject<S>& s) {
  return bytes_taken([&] { FactoredJacobian<S>(s.network, s.init, s.data.images.slice(0, 1)); });
}

/// Calls f.template operator()<S>() with S as --dtype says.
template <class F>
void with_dtype(const CommonOptions& o, const F& f) {
  if (o.is_double())
    f.template operator()<double>();
  else
    f.template operator()<float>();
}

}  // namespace tangentplane::experiments
