#include "experiments/common/subject/subject.h"

#include <cmath>

#include "autodiff/transforms.h"
#include "experiments/common/subject/own_network.h"
#include "kernels/ntk.h"
#include "linearize/computed_weight.h"

namespace tangentplane::experiments {
namespace {

template <class S>
constexpr const char* dtype_of = sizeof(S) == 4 ? "float32" : "float64";

/// What every run holds however it goes on.
template <class S>
void require_start(const CommonOptions& o, const data::Layout& layout, const NetworkSize& size, bool from_file, const std::string& task) {
  const double weights = size.parameters + size.statistics, pixels = numbers_of(layout.image);
  const double images = static_cast<double>(layout.held);
  require_room(task + " at least",
               {{"the program", program_bytes, ""},
                // A file is read beside the variables that it replaces; others are drawn in double, one parameter after the other.
                {fmt::format("{:.3g} weights", size.parameters), weights * sizeof(S) * (from_file ? 2 : 1) + size.largest * sizeof(double),
                 smaller_network(o)},
                {"one pass", size.activations * sizeof(S), smaller_network(o)},
                {"the images", images * pixels * sizeof(S), fewer_images}},
               o.memory);
}

struct Largest {
  Index row = 0;
  double value = 0;
};
template <class S>
Largest largest(const Tensor<S>& t) {
  Largest found;
  Index at = 0;
  for (Index i = 0; i < t.size(); ++i)
    if (const double v = std::abs(static_cast<double>(t[i])); v > found.value) found.value = v, at = i;
  if (t.size() > 0) found.row = at / (t.size() / t.rows());
  return found;
}

/// The squared length of each image's gradient, which is what the kernel's diagonal holds.
template <class S>
Tensor<S> squared_gradients(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images) {
  auto lengths = Tensor<S>::zeros({images.rows()});
  for (Index i = 0; i < images.rows(); ++i) {
    const Tensor<S> one = images.slice(i, i + 1);
    Pullback<Tensor<S>> back([&](const auto& p) { return forward(network, variables, p, Var<Tensor<S>>(one)); }, variables.parameters);
    auto cotangent = Tensor<S>::full(back.value().shape(), 1);
    for (const auto& g : std::move(back)(std::move(cotangent)))
      for (Index k = 0; g && k < g->size(); ++k) lengths[i] += (*g)[k] * (*g)[k];
  }
  return lengths;
}

/// Whether what a kernel is computed with, and what it is solved with, is finite; without one by example the gradients.
template <class S>
bool is_sound(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, Index count, bool by_example) {
  const auto logits = evaluate(network, variables, images);
  for (S z : logits.span())
    if (!std::isfinite(z)) return false;
  const auto kernel = by_example ? ntk(network, variables, images) : squared_gradients(network, variables, images);
  for (S k : kernel.span())
    if (const auto sum = static_cast<S>(count) * k; !std::isfinite(sum * sum)) return false;
  return true;
}

}  // namespace

void require_fits(const CommonOptions& o, const Shape& image) {
  const OwnNetwork* own = o.own();
  if (own && own->file) {
    const Shape& takes = own->description.image;
    const bool channels_first = image.rank() == 3 && takes == Shape{image[1], image[2], image[0]};
    const bool by_default = o.data == CommonOptions{}.data;  // which nobody may have asked for
    require(image == takes, "--model {}: takes images of shape {}, {} have {}; give {}", o.model, takes,
            by_default ? "those of --data " + o.data : "these", image,
            channels_first ? "[N,H,W,C], in numpy x.transpose(0, 2, 3, 1)"
            : by_default   ? "--data FILE.npy"
                           : "such images");
  }
  require(own || image.rank() == 3, "--shape {}: give {}", join(extents_of(image)), height_width_channels);
  if (o.model == "lenet")
    require(image[0] >= 4 && image[1] >= 4, "--model lenet: images of {} x {} are too small; give at least 4 x 4, for it halves them twice",
            image[0], image[1]);
}

Index logits_of(const CommonOptions& o, const Shape& image) {
  const OwnNetwork* own = o.own();
  if (!own) return 1;
  if (own->file) return own->description.outputs;
  const auto [network, variables] = own->start<float>(image, o.seed);
  return evaluate(network, variables, Tensor<float>::zeros(data::batch_shape(1, image))).shape()[1];
}

void require_one_logit(const CommonOptions& o, const Shape& image, const char* what) {
  const Index logits = logits_of(o, image);
  require(logits == 1, "--model {}: has {} logits; {} of one logit alone", o.model, logits, what);
}

std::string smaller_network(const CommonOptions& o) {
  return o.own()                 ? "a smaller network"
         : o.model == "resnet18" ? "a smaller network (--filters, --blocks)"
                                 : "a smaller network (--features)";
}

std::string weights_option(const CommonOptions& o, const std::filesystem::path& init) {
  return init.empty() && o.is_file_model() ? "--model " + o.model
         : init.empty()                    ? fmt::format("--seed {}", o.seed)
         : o.init.empty()                  ? init.string()
                                           : "--init " + o.init;
}

template <class S>
NetworkSize measured_size(const Network<S>& network, const Variables<S>& variables, const Shape& image) {
  NetworkSize size;
  const auto count = [&](double& sum, const Tensor<S>& t) {
    sum += static_cast<double>(t.size());
    size.largest = std::max(size.largest, static_cast<double>(t.size()));
  };
  for (const auto& p : variables.parameters) count(size.parameters, p);
  for (const auto& [path, t] : variables.statistics) count(size.statistics, t);
  const auto one = Tensor<S>::zeros(data::batch_shape(1, image));
  size.activations =
      bytes_taken([&] {
        Pullback<Tensor<S>>([&](const auto& p) { return forward(network, variables, p, Var<Tensor<S>>(one)); }, variables.parameters);
      }) /
      sizeof(S);
  return size;
}

template <class S>
NetworkSize size_of_network(const CommonOptions& o, const Shape& image) {
  const OwnNetwork* own = o.own();
  if (!own) return network_size(model_of(o), image);
  if (own->file) return own->description.size;
  const auto [network, variables] = own->start<S>(image, o.seed);
  return measured_size(network, variables, image);
}

template <class S>
Subject<S> start_subject(const CommonOptions& o, const data::Layout& layout, const std::filesystem::path& init, const std::string& task) {
  const auto made = [&]() -> Subject<S> {
    if (const OwnNetwork* own = o.own()) {
      require_start<S>(o, layout, {}, !init.empty(), task);  // the images fit at least
      if (own->file) require_start<S>(o, layout, own->description.size, true, task);
      auto [network, variables] = own->start<S>(layout.image, o.seed);
      const NetworkSize size = measured_size(network, variables, layout.image);
      const Index outputs = evaluate(network, variables, Tensor<S>::zeros(data::batch_shape(1, layout.image))).shape()[1];
      std::string computed =
          computed_weight("--model " + o.model, network, variables, Tensor<S>::zeros(data::batch_shape(1, layout.image)));
      if (const std::string& of = own->description.computed_weight; !computed.empty() && !of.empty())
        computed = fmt::format(
            "--model {}: {}, which is computed from parameters and meets every example: there are gradients, but nothing by "
            "example, and no kernel; train it, or linearize it in parameter space",
            o.model, of);
      return {{}, network, std::move(variables), size, outputs, own->file ? VariableKeys::plain() : VariableKeys{}, std::move(computed)};
    }
    const Network<S> network = make_network<S>(model_of(o));
    return {{}, network, {}, network_size(model_of(o), layout.image)};
  };
  Subject<S> subject = made();
  require_start<S>(o, layout, subject.size, !init.empty(), task);
  if (!o.own()) subject.init = initialise(subject.network, layout.image, o.seed);
  if (!init.empty()) subject.init = load_variables(init, subject.init, subject.keys);
  if (const OwnNetwork* own = o.own(); own && own->file)  // whose variances and epsilons only the graph knows
    for (const auto& [name, value] : subject.init.statistics)
      for (const S v : value.span()) onnx::require_variance(init.string(), name, static_cast<double>(v), own->description);
  subject.data.num_train = layout.num_train;
  subject.data.num_test = layout.num_test;
  subject.data.images = Tensor<S>::zeros(data::batch_shape(1, layout.image));
  return subject;
}

namespace {

/// f_J, or the sum of all over sqrt(O): a product of the logits with a constant column.
template <class S>
struct OneFunction {
  Network<S> network;
  Tensor<S> column;  // [O, 1]

  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    return matmul(network(scope, images), lift<T>(column));
  }
};

}  // namespace

template <class S>
Network<S> one_function(const Network<S>& network, Index outputs, const Outputs& of) {
  const bool sum = of.kind == Outputs::Kind::sum;
  require(sum || of.kind == Outputs::Kind::one, "one function: of {} there is not one", of.str());
  auto column = Tensor<S>::zeros({outputs, 1});
  for (Index o = 0; o < outputs; ++o)
    if (sum || o == of.which) column[o] = static_cast<S>(sum ? 1 / std::sqrt(static_cast<double>(outputs)) : 1);
  return Network<S>(OneFunction<S>{network, column});
}

template <class S>
void see_as(Subject<S>& subject, const Outputs& of) {
  if (subject.outputs == 1) return;
  subject.all_outputs = subject.network;
  subject.network = one_function(subject.network, subject.outputs, of);
  subject.outputs = 1;
}

template <class S>
void load_images(Subject<S>& subject, const CommonOptions& o, const std::filesystem::path& init) {
  subject.data = data::load<S>(source_of(o));
  require_sound(subject, subject.data.images, "--data " + o.data, weights_option(o, init));
}

template <class S>
void require_sound(const Subject<S>& subject, const Tensor<S>& images, const std::string& images_source,
                   const std::string& weights_source) {
  const Variables<S>& variables = subject.init;
  const Largest image = largest(images);
  const Index rows[] = {0, image.row};
  auto few = take_rows(images, std::span<const Index>(rows, image.row == 0 ? std::size_t(1) : std::size_t(2)));
  const auto sound = [&](const Variables<S>& weights) {
    return is_sound(subject.network, weights, few, images.rows(), subject.computed_weight.empty());
  };
  if (sound(variables)) return;
  const char* other = sizeof(S) == 4 ? ", or --dtype float64" : "";
  if (image.value > 1) {
    for (S& x : few.span()) x = static_cast<S>(static_cast<double>(x) / image.value);
    require(!sound(variables),
            "{}: image {} holds a number of magnitude {:.3g}, too large for the kernel of these images in {}; give smaller ones{}",
            images_source, image.row, image.value, dtype_of<S>, other);
  }
  std::string worst;
  double value = 0;
  const auto look_at = [&](const std::string& name, const Tensor<S>& numbers) {
    if (const double v = largest(numbers).value; v > value) value = v, worst = name;
  };
  for (std::size_t p = 0; p < variables.parameters.size(); ++p) look_at("params/" + variables.paths[p], variables.parameters[p]);
  for (const auto& [name, numbers] : variables.statistics) look_at("batch_stats/" + name, numbers);
  if (variables.statistics.empty()) {
    auto smaller = variables.clone();
    for (auto& p : smaller.parameters)
      for (S& w : p.span()) w = static_cast<S>(static_cast<double>(w) / std::max(1., value));
    require(sound(smaller),
            "{}: an output or a slope of the network is not finite at image {} (as that of a root or a logarithm at 0), so there is no "
            "kernel; keep what goes into it away from there",
            weights_source, image.row == 0 ? "0" : fmt::format("0 or {}", image.row));
  }
  require(false, "{}: the network's kernel at these weights is too large for {} ({} reaches {:.3g}); give smaller weights{}",
          weights_source, dtype_of<S>, worst, value, other);
}

#define INSTANTIATE(S)                                                                                                               \
  template NetworkSize measured_size(const Network<S>&, const Variables<S>&, const Shape&);                                          \
  template Network<S> one_function(const Network<S>&, Index, const Outputs&);                                                        \
  template void see_as(Subject<S>&, const Outputs&);                                                                                 \
  template NetworkSize size_of_network<S>(const CommonOptions&, const Shape&);                                                       \
  template Subject<S> start_subject<S>(const CommonOptions&, const data::Layout&, const std::filesystem::path&, const std::string&); \
  template void load_images<S>(Subject<S>&, const CommonOptions&, const std::filesystem::path&);                                     \
  template void require_sound<S>(const Subject<S>&, const Tensor<S>&, const std::string&, const std::string&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::experiments
