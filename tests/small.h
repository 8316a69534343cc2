// Small networks of the study's three kinds, at weights where nothing is zero by accident, on images of odd sizes.
#pragma once

#include "nn/models.h"
#include "tests/check.h"
#include "tests/odd_network.h"

namespace tangentplane {

template <class S>
struct Small {
  std::string name;
  Network<S> network;
  Variables<S> variables;
  Tensor<S> images;
};

/// Initial variables and images drawn in double, so that they are the same in each precision.
template <class S>
Small<S> draw_small(const std::string& name, const Network<S>& network, const Shape& image, Index images) {
  RandomStream random(5, "small/" + name);
  Variables<S> v = initialise(network, image, 3);
  for (auto& p : v.parameters)
    for (S& x : p.span()) x += static_cast<S>(0.1 * random.normal());
  for (auto& [path, t] : v.statistics)
    for (S& x : t.span()) x = static_cast<S>(path.ends_with("mean") ? 0.1 * random.normal() : random.uniform(0.5, 1.5));
  Shape all{images};
  for (int i = 0; i < image.rank(); ++i) all.append(image[i]);
  return {name, network, v, cast<S>(check::draw(all, random))};
}

/// mlp (relu), lenet (gelu, odd sizes), resnet18 (tanh, strides with one-sided padding).
template <class S>
std::vector<Small<S>> small_models(Index images) {
  ModelConfig mlp{.model = "mlp", .features = {7, 5, 1}}, lenet{.model = "lenet", .features = {3, 4, 6, 5, 1}, .activation = "gelu"},
      resnet{.model = "resnet18", .features = {}, .filters = 3, .blocks = {1, 1, 1}, .activation = "tanh"};
  return {draw_small<S>("mlp", make_network<S>(mlp), {3, 5, 2}, images), draw_small<S>("lenet", make_network<S>(lenet), {9, 7, 3}, images),
          draw_small<S>("resnet18", make_network<S>(resnet), {8, 6, 1}, images)};
}

/// The three and the odd one, which may have several outputs.
inline std::vector<Small<double>> small_networks(Index images, Index odd_outputs = 1) {
  auto list = small_models<double>(images);
  list.push_back(draw_small<double>("odd", odd_network(odd_outputs), {4, 3, 2}, images));
  return list;
}

/// Largest entry in magnitude.
template <class S>
double largest(const Tensor<S>& t) {
  double size = 0;
  for (S v : t.span()) size = std::max(size, std::abs(static_cast<double>(v)));
  return size;
}
/// Every entry of a within `tolerance` of the largest of b.
template <class S, class R>
void close_to(const Tensor<S>& a, const Tensor<R>& b, double tolerance) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (Index i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    worst = std::isfinite(d) ? std::max(worst, d) : INFINITY;
  }
  CHECK(worst <= tolerance * largest(b));
}
template <class S>
bool same_bits(const Tensor<S>& a, const Tensor<S>& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
}

}  // namespace tangentplane
