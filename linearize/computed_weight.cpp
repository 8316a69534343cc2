#include "linearize/computed_weight.h"

#include "autodiff/transforms.h"

namespace tangentplane {

template <class S>
std::string computed_weight(const std::string& what, const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images) {
  // Twice: of one example what it shares with itself would count as shared by all.
  const Index rows[] = {0, 0};
  const Tensor<S> two = take_rows(images, std::span<const Index>(rows));
  const Pullback<Tensor<S>> back([&](const std::vector<Var<Tensor<S>>>& p) { return forward(network, variables, p, Var<Tensor<S>>(two)); },
                                 variables.parameters);
  if (!back.tape().spreads_computed()) return {};
  try {
    back.tape().require_per_example(what.c_str(), 2);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return {};
}

template std::string computed_weight(const std::string&, const Network<float>&, const Variables<float>&, const Tensor<float>&);
template std::string computed_weight(const std::string&, const Network<double>&, const Variables<double>&, const Tensor<double>&);

}  // namespace tangentplane
