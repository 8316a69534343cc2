// The experiments with networks of one's own, as a user's main hands them over: own_networks EXPERIMENT --model NAME ...
#include <cstring>
#include <vector>

#include "experiments/programs.h"
#include "nn/mlp.h"

using namespace tangentplane;
using namespace tangentplane::experiments;

namespace {

/// Weights by a formula, for images of 12 numbers.
Variables<double> given_weights() {
  Variables<double> v = initialise(Network<double>(Mlp{.features = {5, 1}}), {12}, 0);
  for (auto& p : v.parameters)
    for (Index i = 0; i < p.size(); ++i) p[i] = 0.3 * std::sin(static_cast<double>(1 + i * i));
  return v;
}

/// f = x (u o v) of images with 12 numbers: a weight that is computed from two parameters.
struct ComputedWeight {
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    const T u = scope.parameter("u", {12, 1}, lecun_normal()), v = scope.parameter("v", {12, 1}, lecun_normal());
    return matmul(flatten(images), mul(u, v));
  }
};

/// A root of 0, whose slope is not finite.
struct RootOfZero {
  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    const T y = matmul(flatten(images), scope.parameter("w", {12, 1}, lecun_normal()));
    return add(y, sqrt(scale(y, 0)));
  }
};

using Program = int (*)(int, const char* const*, const OwnNetworks&);
constexpr std::pair<const char*, Program> programs[] = {
    {"compute_ntk", compute_ntk},   {"train_ntk", train_ntk},   {"train_cifar", train_cifar},
    {"compute_nads", compute_nads}, {"train_nads", train_nads}, {"pretrained_ntk_comparison", pretrained_ntk_comparison}};

}  // namespace

int main(int argc, char** argv) {
  const OwnNetworks own{own_network("mine", Mlp{.features = {5, 1}}),
                        own_network("smooth", Mlp{.features = {5, 1}, .activation = Activation::gelu}),
                        own_network("given", Mlp{.features = {5, 1}}, given_weights()),
                        own_network("three", Mlp{.features = {3}}),
                        own_network("ten", Mlp{.features = {6, 10}, .activation = Activation::tanh}),
                        own_network("computed", ComputedWeight{}),
                        own_network("root", RootOfZero{})};
  std::vector<const char*> words{argv[0]};
  for (int i = 2; i < argc; ++i) words.push_back(argv[i]);
  for (const auto& [name, program] : programs)
    if (argc > 1 && std::strcmp(argv[1], name) == 0) return program(static_cast<int>(words.size()), words.data(), own);
  return 3;
}
