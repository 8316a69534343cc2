// Functions of functions. f takes a std::vector of parameters of any value type and returns one value: jvp runs it over Dual,
// pullback over Var, and they nest.
#pragma once

#include "autodiff/ops.h"

namespace tangentplane {

/// f(p) and its derivative along `tangents` (none: exactly zero), in one forward pass: a Dual, or whatever f makes of duals.
template <class F, class T>
std::invoke_result_t<const F&, const std::vector<Dual<T>>&> jvp(const F& f, const std::vector<T>& parameters,
                                                                const std::vector<std::optional<T>>& tangents) {
  require(parameters.size() == tangents.size(), "jvp: {} parameters but {} tangents", parameters.size(), tangents.size());
  std::vector<Dual<T>> duals;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (tangents[i])
      require(shape_of(*tangents[i]) == shape_of(parameters[i]), "jvp: tangent {} has shape {}, its parameter {}", i,
              shape_of(*tangents[i]), shape_of(parameters[i]));
    duals.emplace_back(parameters[i], tangents[i]);
  }
  return f(duals);
}

/// f(p) with the tape that computed it: J^T applied to cotangents, as often as wanted.
template <class T>
class Pullback {
 public:
  /// Runs f on a tape.
  template <class F>
  Pullback(const F& f, std::vector<T> parameters) : tape_(std::make_unique<Tape<T>>()), parameters_(std::move(parameters)) {
    std::vector<Var<T>> vars;
    for (std::size_t i = 0; i < parameters_.size(); ++i) vars.push_back(tape_->parameter(parameters_[i], static_cast<int>(i)));
    output_ = f(vars);
  }

  const T& value() const { return output_.value; }  ///< f(p)
  const Tape<T>& tape() const { return *tape_; }    ///< the tape that computed it

  /// Hands each factor of J^T cotangent to `sink`, last op first.
  void factors(T cotangent, const FactorSink<T>& sink) const { pull(std::move(cotangent), sink, false); }
  /// The same as a list.
  std::vector<Factor<T>> factors(T cotangent) const {
    std::vector<Factor<T>> list;
    factors(std::move(cotangent), [&list](Factor<T> f) { list.push_back(std::move(f)); });
    return list;
  }
  /// J^T cotangent, one value a parameter; none where it is exactly zero.
  std::vector<std::optional<T>> operator()(T cotangent) const& { return contract(std::move(cotangent), false); }
  /// The same for the last time: activations are let go as soon as they are used.
  std::vector<std::optional<T>> operator()(T cotangent) && { return contract(std::move(cotangent), true); }

 private:
  void pull(T cotangent, const FactorSink<T>& sink, bool release) const {
    require(shape_of(cotangent) == shape_of(output_), "pullback: cotangent {} for an output {}", shape_of(cotangent), shape_of(output_));
    tape_->pull(output_.at, std::move(cotangent), sink, release);
  }
  std::vector<std::optional<T>> contract(T cotangent, bool release) const {
    std::vector<std::optional<T>> gradients(parameters_.size());
    pull(
        std::move(cotangent), [&](Factor<T> f) { accumulate(gradients[static_cast<std::size_t>(f.parameter)], f.gradient()); }, release);
    return gradients;
  }

  std::unique_ptr<Tape<T>> tape_;
  std::vector<T> parameters_;
  Var<T> output_;
};

/// f(p), on a tape. f takes a vector of values and returns one.
template <class F, class T>
Pullback<T> pullback(const F& f, std::vector<T> parameters) {
  return Pullback<T>(f, std::move(parameters));
}

/// A scalar f and its gradient, one value a parameter (zeros where f does not depend on it). Throws std::invalid_argument where f returns
/// more than one number, as the next two do.
template <class F, class T>
std::pair<T, std::vector<T>> value_and_grad(const F& f, const std::vector<T>& parameters) {
  Pullback<T> back(f, parameters);
  const Shape& s = shape_of(back.value());
  require(s.size() == 1, "grad: the function returns {}, not one number; use pullback", s);
  auto sparse = std::move(back)(lift<T>(Tensor<ScalarOf<T>>::full(s, 1)));
  std::vector<T> gradients;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    gradients.push_back(sparse[i] ? std::move(*sparse[i]) : lift<T>(Tensor<ScalarOf<T>>::zeros(shape_of(parameters[i]))));
  return {back.value(), std::move(gradients)};
}

/// Gradient of a scalar f, one value a parameter (zeros where it does not depend on it).
template <class F, class T>
std::vector<T> grad(const F& f, const std::vector<T>& parameters) {
  return value_and_grad(f, parameters).second;
}

/// The Hessian of a scalar f times `v` (none: exactly zero): how its gradient moves along v, by forward mode over reverse mode. One value a
/// parameter, zeros where the gradient does not move.
template <class F, class T>
std::vector<T> hvp(const F& f, const std::vector<T>& parameters, const std::vector<std::optional<T>>& v) {
  const auto gradient = [&f](const std::vector<Dual<T>>& duals) { return grad(f, duals); };
  std::vector<T> products;
  for (Dual<T>& g : jvp(gradient, parameters, v))
    products.push_back(g.tangent ? std::move(*g.tangent) : lift<T>(Tensor<ScalarOf<T>>::zeros(shape_of(g.primal))));
  return products;
}

}  // namespace tangentplane
