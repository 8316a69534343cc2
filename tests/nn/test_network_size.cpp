// Sizes that are known without a network: against networks that are there, and against the study's published counts.
#include "nn/network_size.h"

#include "tests/catch.h"
#include "tests/thrown.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a network's size is told before it exists") {
  const Shape images[] = {{32, 32, 3}, {28, 28, 1}, {7, 9, 2}, {4, 5, 1}};
  const ModelConfig configs[] = {
      {.model = "mlp", .features = {}},
      {.model = "mlp", .features = {5, 1}},
      {.model = "lenet", .features = {}},
      {.model = "lenet", .features = {2, 3, 7, 4, 1}},
      {.model = "resnet18", .features = {}, .filters = 3, .blocks = {1, 2, 1}},
      {.model = "resnet18", .features = {}, .filters = 2, .blocks = {1, 1, 1, 1, 1}},
  };
  for (const auto& image : images)
    for (const auto& config : configs) {
      INFO(config.model << " on " << image.str());
      const auto variables = initialise(make_network<float>(config), image, 0);
      const NetworkSize size = network_size(config, image);
      CHECK(size.parameters == static_cast<double>(variables.size()));
      double statistics = 0, largest = 0;
      for (const auto& [path, t] : variables.statistics) statistics += static_cast<double>(t.size());
      for (const auto& t : variables.parameters) largest = std::max(largest, static_cast<double>(t.size()));
      CHECK(size.statistics == statistics);
      CHECK(size.largest == largest);
    }
  CHECK(network_size({.model = "resnet18", .features = {}}, {32, 32, 3}).parameters == 11'169'345);  // with one logit in place of ten
  // MLP of two layers on 2 x 2 images: each layer's outputs
  CHECK(network_size({.model = "mlp", .features = {5, 1}}, {2, 2, 1}).activations == 6);
}

TEST_CASE("sizes that no integer holds are told as well") {
  const double wide = 0x1p62;
  const NetworkSize size = network_size({.model = "mlp", .features = {Index(1) << 62, 1}}, {32, 32, 3});
  CHECK(size.parameters == 3072 * wide + wide + wide + 1);
  CHECK_THAT(thrown([] { network_size({.model = "tree", .features = {}}, {32, 32, 3}); }), ContainsSubstring("tree is not one of"));
  CHECK_THAT(thrown([] { network_size({.model = "lenet", .features = {3, 1}}, {32, 32, 3}); }), ContainsSubstring("five widths"));
}
