// What an experiment studies: images, a network, and the point at which it starts.
#pragma once

#include <filesystem>

#include "data/dataset.h"
#include "experiments/common/options/options.h"
#include "experiments/common/process/memory.h"
#include "linearize/factored_jacobian.h"
#include "nn/checkpoint.h"
#include "nn/models.h"
#include "nn/network_size.h"

namespace tangentplane::experiments {

inline data::Source source_of(const CommonOptions& o) {
  return {.name = o.data,
          .directory = o.data_dir,
          .num_train = o.num_train,
          .num_test = o.num_test,
          .data_seed = o.data_seed,
          .any_shape = o.own() != nullptr};
}
inline ModelConfig model_of(const CommonOptions& o) { return {o.model, o.features, o.filters, o.blocks, o.activation}; }

/// What titles call the data: its name, or a file's without folder.
inline std::string data_name(const CommonOptions& o) { return std::filesystem::path(o.data).filename().string(); }

/// Throws std::invalid_argument if the network cannot take images of shape [H, W, C], or, of a file, takes others; whether one of one's own
/// takes them shows when it is run.
void require_fits(const CommonOptions& o, const Shape& image);
/// Its logits for such images: O. A network of one's own is asked by running it.
Index logits_of(const CommonOptions& o, const Shape& image);
/// Throws std::invalid_argument naming --model unless there is one; `what` says what takes one alone.
void require_one_logit(const CommonOptions& o, const Shape& image, const char* what);

/// Looks at the data without reading images, and sets the counts that were not given. Throws std::invalid_argument with one line.
inline data::Layout look_at_data(CommonOptions& o) {
  const data::Layout layout = data::layout(source_of(o));
  require_fits(o, layout.image);
  o.num_train = layout.num_train;
  o.num_test = layout.num_test;
  return layout;
}

/// H W C, which an option's numbers may multiply to more than an integer holds.
inline double numbers_of(const Shape& image) {
  double product = 1;
  for (const Index extent : extents_of(image)) product *= static_cast<double>(extent);
  return product;
}

template <class S>
struct Subject {
  data::Dataset<S> data;
  Network<S> network;
  Variables<S> init;
  NetworkSize size = {};   ///< of the network
  Index outputs = 1;       ///< O of the network
  VariableKeys keys = {};  ///< of its weights in files
  /// Why it has gradients but nothing by example, as one sentence (linearize/computed_weight.h); else empty.
  std::string computed_weight = {};
  /// The network with all its outputs, where `network` is one function of them (see_as).
  std::optional<Network<S>> all_outputs = {};
  std::optional<std::filesystem::path> graph = {};  ///< the ONNX file into which trained weights are put back, if they are
  std::filesystem::path graph_to = {};              ///< the copy with trained weights; empty: final.onnx in the target's folder

  const Network<S>& whole() const { return all_outputs ? *all_outputs : network; }
  /// What is trained, its Jacobian and its kernel are of all outputs, each with each.
  std::optional<Outputs> every_output() const { return outputs > 1 ? std::optional(Outputs::full()) : std::nullopt; }

  Index images() const { return data.images.rows(); }
};

/// How a message calls the options that make the network smaller.
std::string smaller_network(const CommonOptions& o);
inline constexpr const char* fewer_images = "fewer images (--num-train, --num-test)";

/// The size of a network by the numbers that it has and by a pass over an image of zeros: for one whose layers nobody has counted.
template <class S>
NetworkSize measured_size(const Network<S>& network, const Variables<S>& variables, const Shape& image);
/// Of the network that the options name: from widths alone, or measured.
template <class S>
NetworkSize size_of_network(const CommonOptions& o, const Shape& image);

/// The network for images [H, W, C], its weights drawn or read from `init` (an .npz file; empty: drawn from the seed), the counts of the
/// images and one of zeros: enough to tell what a run will take. Throws std::invalid_argument naming --memory, before anything is
/// allocated, where the weights, one pass and the images that will be held do not fit; `task` is what takes them: "8 images take".
template <class S>
Subject<S> start_subject(const CommonOptions& o, const data::Layout& layout, const std::filesystem::path& init, const std::string& task);

/// Reads the images into it. Throws as data::load does and as require_sound does.
template <class S>
void load_images(Subject<S>& subject, const CommonOptions& o, const std::filesystem::path& init);

/// Throws std::invalid_argument where the kernel of `images` at the subject's weights cannot be computed with: where a logit or an entry of
/// it is not finite, or so large that the square of N such entries' sum is not; shown on the first image and on that of the largest number.
/// The line blames `images_source` (an option and its value) where images scaled down to 1 would do, else `weights_source`: their size, or,
/// where weights scaled down to 1 would not do either, a slope that is not finite.
template <class S>
void require_sound(const Subject<S>& subject, const Tensor<S>& images, const std::string& images_source, const std::string& weights_source);
/// The option that the weights came from: "--init FILE", "--seed 0", or the file of --ntk or --nads.
std::string weights_option(const CommonOptions& o, const std::filesystem::path& init);

/// Throws std::invalid_argument for a network that has nothing by example, and so no kernel.
template <class S>
void require_by_example(const Subject<S>& subject) {
  require(subject.computed_weight.empty(), "{}", subject.computed_weight);
}

/// One function of a network's logits [N, O] as a network of its own [N, 1]: output `which`, or the sum of all over sqrt(O).
template <class S>
Network<S> one_function(const Network<S>& network, Index outputs, const Outputs& of);
/// Makes that function what the subject is about; all outputs stay in `all_outputs`.
template <class S>
void see_as(Subject<S>& subject, const Outputs& of);

/// Calls f.template operator()<S>() with S as --dtype says.
template <class F>
void with_dtype(const CommonOptions& o, const F& f) {
  if (o.is_double())
    f.template operator()<double>();
  else
    f.template operator()<float>();
}

}  // namespace tangentplane::experiments
