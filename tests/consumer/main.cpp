// A network of one's own, written once: its gradient, its linearization and its kernel.
#include <autodiff/transforms.h>
#include <kernels/ntk.h>
#include <linearize/factored_jacobian.h>
#include <nn/layers.h>

using namespace tangentplane;

/// Images [N, H, W, C] -> logits [N, 1]: two convolutions, the second of which opens and closes the first.
struct GatedNetwork {
  Index channels = 4;

  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    const T signal = gelu(conv(scope / "signal", channels, 3, images));
    const T gate = sigmoid(conv(scope / "gate", channels, 3, images));
    return dense(scope / "out", 1, global_mean(mul(signal, gate)));
  }
};

double worst_difference(const Tensor<double>& a, const Tensor<double>& b) {
  double worst = a.shape() == b.shape() ? 0 : INFINITY;
  for (Index i = 0; i < a.size() && a.shape() == b.shape(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

int main() {
  const Network<double> network(GatedNetwork{});
  const Variables<double> weights = initialise(network, {7, 5, 3}, /*seed=*/0);
  const std::vector<Tensor<double>> direction = initialise(network, {7, 5, 3}, /*seed=*/1).parameters;
  RandomStream random(0, "example images");
  Tensor<double> images({6, 7, 5, 3}), u({6, 1});
  for (double& v : images.span()) v = random.normal();
  for (double& v : u.span()) v = random.normal();

  // Gradient of <u, f>: one reverse pass. One tensor a parameter, none where it is exactly zero.
  const auto f = [&](const auto& parameters) { return forward(network, weights, parameters, images); };
  const std::vector<std::optional<Tensor<double>>> gradient = pullback(f, weights.parameters)(u);

  // Linearization: J v by forward mode, and from the factors of a reverse pass, which can be asked again and again.
  const Dual<Tensor<double>> moved = jvp(f, weights.parameters, {direction.begin(), direction.end()});
  const FactoredJacobian<double> jacobian(network, weights, images);
  const Tensor<double> jv = jacobian.times(direction);

  // Kernel J J^T, without J.
  const Tensor<double> kernel = ntk(network, weights, images);

  double by_forward = 0, by_reverse = 0;  // <u, J v> = <J^T u, v>
  for (Index i = 0; i < 6; ++i) by_forward += u[i] * jv[i];
  for (std::size_t p = 0; p < direction.size(); ++p)
    if (gradient[p])
      for (Index i = 0; i < direction[p].size(); ++i) by_reverse += (*gradient[p])[i] * direction[p][i];

  const double tangents = worst_difference(jv.reshaped({6, 1}), *moved.tangent), rows = worst_difference(kernel, jacobian.gram());
  const bool same_jv = tangents < 1e-13, adjoint = std::abs(by_forward - by_reverse) < 1e-12,
             same_kernel = rows < 1e-12 && kernel[0] > 1e-3;
  fmt::print("{} parameters\nJ v two ways agree: {}\n<u, J v> = <J^T u, v>: {}\nkernel = rows rows^T: {}\n", weights.size(), same_jv,
             adjoint, same_kernel);
  return same_jv && adjoint && same_kernel ? 0 : 1;
}
