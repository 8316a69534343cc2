// A model behind one type: whatever its struct, it runs on plain tensors, forward mode, reverse mode and forward over reverse. Everything
// above this folder (training, linearization, kernels) is written against Network and compiled once.
#pragma once

#include <memory>

#include "nn/parameters.h"

namespace tangentplane {

/// A model of any struct, run on four types of value.
template <class S>
class Network {
 public:
  using Plain = Tensor<S>;  ///< what it runs on without derivatives

  /// Any struct with `template <class T> T operator()(const Scope<T>&, const T& images) const` returning [N, O].
  template <class Model>
  explicit Network(Model model) : model_(std::make_shared<Holder<Model>>(std::move(model))) {}

  /// Runs the model on images [N, H, W, C] -> [N, O]. Throws std::invalid_argument where the model returns anything else: what is written
  /// against Network relies on a row an image and at least one column.
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    T logits = model_->run(scope, scope.examples(images));
    const Shape &in = shape_of(images), &out = shape_of(logits);
    require(in.rank() > 0 && out.rank() == 2 && out[0] == in[0] && out[1] >= 1,
            "network: the model returns {} for images {}; it must return logits [N,O], a row an image and at least one column", out, in);
    return logits;
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual Plain run(const Scope<Plain>&, const Plain&) const = 0;
    virtual Dual<Plain> run(const Scope<Dual<Plain>>&, const Dual<Plain>&) const = 0;
    virtual Var<Plain> run(const Scope<Var<Plain>>&, const Var<Plain>&) const = 0;
    virtual Var<Dual<Plain>> run(const Scope<Var<Dual<Plain>>>&, const Var<Dual<Plain>>&) const = 0;
  };
  template <class Model>
  struct Holder : Interface {
    explicit Holder(Model m) : model(std::move(m)) {}
    Plain run(const Scope<Plain>& s, const Plain& x) const override { return model(s, x); }
    Dual<Plain> run(const Scope<Dual<Plain>>& s, const Dual<Plain>& x) const override { return model(s, x); }
    Var<Plain> run(const Scope<Var<Plain>>& s, const Var<Plain>& x) const override { return model(s, x); }
    Var<Dual<Plain>> run(const Scope<Var<Dual<Plain>>>& s, const Var<Dual<Plain>>& x) const override { return model(s, x); }
    Model model;
  };
  std::shared_ptr<const Interface> model_;
};

/// Fresh parameters and statistics of a network for images of shape [H, W, C]; each parameter has a random stream of its own.
template <class S>
Variables<S> initialise(const Network<S>& network, const Shape& image, std::uint64_t seed) {
  Shape one{1};
  for (int i = 0; i < image.rank(); ++i) one.append(image[i]);
  Variables<S> variables;
  network(Scope<Tensor<S>>::initialising(variables, seed), Tensor<S>::zeros(one));
  return variables;
}

/// f(parameters; images) in evaluation mode, with the statistics of `variables`, for parameters of any value type: [N, O]. Plain images
/// become constants.
template <class T>
T forward(const Network<ScalarOf<T>>& network, const Variables<ScalarOf<T>>& variables, const std::vector<T>& parameters,
          const std::type_identity_t<T>& images) {
  return network(Scope<T>(variables, parameters, Mode::evaluation, nullptr), images);
}
/// The same in training mode; the new running statistics are written to `updated`.
template <class T>
T forward_training(const Network<ScalarOf<T>>& network, const Variables<ScalarOf<T>>& variables, const std::vector<T>& parameters,
                   const std::type_identity_t<T>& images, std::map<std::string, Tensor<ScalarOf<T>>>& updated) {
  return network(Scope<T>(variables, parameters, Mode::training, &updated), images);
}

/// Throws std::invalid_argument unless `logits` [N, O] are those of a network with one output; `what` names what takes one alone.
inline void require_one_output(const char* what, const Shape& logits) {
  require(logits[1] == 1, "{}: the network has {} outputs; takes one logit", what, logits[1]);
}

/// f(images) in evaluation mode, [N, O], in batches of fixed size so that memory stays bounded. Throws
/// std::invalid_argument for no images and a batch below 1.
template <class S>
Tensor<S> evaluate(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, Index batch = 256) {
  require(images.shape().rank() >= 2 && images.rows() > 0, "evaluate: takes images [N,H,W,C] with N > 0, got {}", images.shape());
  require(batch >= 1, "evaluate: batch {} is below 1", batch);
  Tensor<S> all;
  for (Index begin = 0; begin < images.rows(); begin += batch) {
    const auto part = forward(network, variables, variables.parameters, images.slice(begin, std::min(images.rows(), begin + batch)));
    if (all.empty()) all = Tensor<S>({images.rows(), part.shape()[1]});
    std::copy_n(part.data(), part.size(), all.data() + begin * part.shape()[1]);
  }
  return all;
}

}  // namespace tangentplane
