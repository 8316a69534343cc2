// Kernels in float against the same in double, at the study's widths (ResNet18: an eighth) on 2000 images.
#include "data/dataset.h"
#include "kernels/ntk.h"
#include "tests/small.h"

using namespace tangentplane;

namespace {

struct Difference {
  double frobenius, entry;  ///< of the difference: relative in norm, and its largest entry relative to the kernel's
  Index rows;               ///< that differ by more than 1e-5 of their own norm: images with a ReLU that rounding moved over its kink
};

Difference difference(const Tensor<float>& a, const Tensor<double>& b) {
  const Index n = b.rows();
  Difference d{0, 0, 0};
  double all = 0, most = 0;
  for (Index i = 0; i < n; ++i) {
    double row = 0, row_difference = 0;
    for (Index j = 0; j < n; ++j) {
      const double exact = b[i * n + j], off = static_cast<double>(a[i * n + j]) - exact;
      row += exact * exact;
      row_difference += off * off;
      most = std::max(most, std::abs(exact));
      d.entry = std::max(d.entry, std::isfinite(off) ? std::abs(off) : INFINITY);
    }
    d.rows += row_difference > 1e-10 * row;
    all += row;
    d.frobenius += row_difference;
  }
  d.frobenius = std::sqrt(d.frobenius / all);
  d.entry /= most;
  return d;
}

/// Weights drawn in double and rounded to float, so that both networks have the same; `moved`: away from the zeros of initialisation.
Difference compare(const ModelConfig& config, bool moved) {
  const auto single = make_network<float>(config);
  const auto precise = make_network<double>(config);
  const auto data = data::load<float>({.name = "dead-leaves", .directory = {}, .num_train = 1999, .num_test = 1});
  auto weights = initialise(single, {32, 32, 3}, 0);
  RandomStream random(0, "precision");
  if (moved)
    for (auto& p : weights.parameters)
      for (float& v : p.span()) v += static_cast<float>(0.05 * random.normal());
  auto same = initialise(precise, {32, 32, 3}, 0);
  for (std::size_t i = 0; i < same.parameters.size(); ++i) same.parameters[i] = cast<double>(weights.parameters[i]);
  const auto d = difference(ntk(single, weights, data.images), ntk(precise, same, cast<double>(data.images)));
  WARN(config.model << " (" << config.activation << "): relative Frobenius " << d.frobenius << ", largest entry " << d.entry << ", "
                    << d.rows << " of 2000 rows moved by a flipped ReLU");
  return d;
}

}  // namespace

TEST_CASE("float32 kernels of MLP and LeNet are those of float64 to 1e-5, with gelu entry by entry") {
  for (const std::string model : {"mlp", "lenet"}) {
    CHECK(compare({.model = model, .features = {}}, false).frobenius < 1e-5);
    CHECK(compare({.model = model, .features = {}, .activation = "gelu"}, false).entry < 1e-5);
  }
}

TEST_CASE("float32 kernels of ResNet18 are those of float64 to 1e-4") {
  CHECK(compare({.model = "resnet18", .features = {}, .filters = 8}, true).frobenius < 1e-4);
}
