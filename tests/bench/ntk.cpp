// The neural tangent kernel of 1024 images (ResNet18: 64).
#include "kernels/ntk.h"
#include "tests/bench/bench.h"
#include "tests/bench/models.h"

namespace tangentplane::bench {

void bench_ntk(const Bench& bench) {
  for (const std::string name : {"mlp", "lenet", "resnet18"}) {
    const Index n = name == "resnet18" ? 64 : 1024;
    const std::string title = name + "_ntk" + std::to_string(n);
    if (!bench.wants(title)) continue;
    const Model model = make_model(name);
    const auto images = random_images(n);
    bench.time(title, [&] { ntk(model.network, model.variables, images); });
  }
}

}  // namespace tangentplane::bench
