// Numbers that no run can work with are refused before a folder is claimed, with the file, the key or the option that they came from
// (Sandbox::refused checks that one line is said and nothing is left).
#include <cmath>

#include "tests/experiments/run_binary.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

const std::string mlp = " --model mlp --features 3,1", resnet = " --model resnet18 --filters 1 --blocks 1,1";

/// Images x.npy [8,4,4,1], labels y.npy, kernels of the two networks in mlp and resnet, directions in N and NR.
void write_good(const Sandbox& box) {
  data::save_npy(box / "x.npy", test::eight_images());
  data::save_npy(box / "y.npy", std::vector<int>{0, 1, 1, 0, 1, 0, 1, 1});
  box.good("compute_ntk" + mlp + " --data x.npy --num-train 6 --quiet --out mlp");
  box.good("compute_ntk" + resnet + " --data x.npy --num-train 6 --quiet --out resnet");
  box.good("compute_nads" + mlp + " --shape 4,4,1 --quiet --out N");
  box.good("compute_nads" + resnet + " --shape 4,4,1 --activation gelu --quiet --out NR");
}

/// Writes w.npz: the weights of a run, changed.
void change_weights(const Sandbox& box, const std::string& run, const std::function<void(const std::string&, Tensor<double>&)>& change) {
  data::NamedTensors<double> all;
  for (const auto& [name, value] : data::load_npz<double>(box / run / "init.npz")) {
    all.emplace_back(name, value.clone());
    change(name, all.back().second);
  }
  data::save_npz(box / "w.npz", all);
}

/// Every command that starts from weights, on the network of that name.
std::vector<std::string> commands(const std::string& network) {
  const std::string options = network == "mlp" ? mlp : resnet, directions = network == "mlp" ? "N" : "NR";
  const std::string recipe = " --batch 3 --epochs 1", data = options + " --data x.npy --num-train 6";
  return {"compute_ntk" + data,
          "compute_ntk" + data + " --method full",
          "train_ntk" + data + " --labels y.npy" + recipe,
          "train_ntk" + data + " --labels y.npy --linearize --space function" + recipe,
          "train_ntk --ntk " + network + " --index 1" + recipe,
          "pretrained_ntk_comparison" + data + " --labels y.npy" + recipe,
          "train_cifar" + data + " --labels y.npy" + recipe,
          "train_nads --num-train 8 --num-test 2 --index 0 --nads " + directions + recipe,
          "compute_nads --shape 4,4,1 --activation gelu" + options};
}

}  // namespace

TEST_CASE("hostile numbers: variances of which no root can be taken") {
  const Sandbox box;
  write_good(box);
  for (double variance : {-1e-3, -1.1e-5}) {
    change_weights(box, "resnet", [&](const std::string& name, Tensor<double>& t) {
      if (name == "batch_stats/bn_init/var") t[0] = variance;
    });
    for (const auto& command : commands("resnet"))
      CHECK_THAT(box.refused(command + " --init w.npz"),
                 ContainsSubstring("w.npz: batch_stats/bn_init/var holds") && ContainsSubstring("a variance is above -1e-05"));
  }
  change_weights(box, "resnet", [](const std::string& name, Tensor<double>& t) {
    if (name == "batch_stats/bn_init/var") t[0] = 0;
  });
  box.good(commands("resnet")[0] + " --init w.npz --quiet");
}

TEST_CASE("hostile numbers: weights whose kernel cannot be held") {
  const Sandbox box;
  write_good(box);
  for (const std::string network : {"mlp", "resnet"}) {
    change_weights(box, network, [](const std::string& name, Tensor<double>& t) {
      for (double& w : t.span())
        w = name.starts_with("params/") ? 1e15 * w + (name.ends_with("bias") || name.ends_with("scale") ? 1e15 : 0) : w;
    });
    for (const auto& command : commands(network)) {
      if (network == "mlp" && command.starts_with("compute_nads")) continue;  // its two layers' derivatives are finite
      INFO(command);
      CHECK_THAT(box.refused(command + " --init w.npz"), ContainsSubstring("--init ") && ContainsSubstring("w.npz") &&
                                                             ContainsSubstring("give smaller weights, or --dtype float64"));
    }
  }
  // What float64 holds is computed.
  change_weights(box, "mlp", [](const std::string&, Tensor<double>& t) {
    for (double& w : t.span()) w *= 1e15;
  });
  box.good("compute_ntk" + mlp + " --data x.npy --init w.npz --dtype float64 --method full --quiet --out W");
  const auto values = box.array("W/eigvals.npy");
  for (double v : values.span()) CHECK(std::isfinite(v));
  CHECK(values[0] > 1e28);
}

TEST_CASE("hostile numbers: directions, and logits, that are not finite are refused by the weights that make them so") {
  const Sandbox box;
  write_good(box);
  // An eigenvalue is a square: float32 holds derivatives of 1e20 and not their squares.
  for (double factor : {1e3, 1e6, 1e8, 1e10, 1e12}) {
    change_weights(box, "N", [&](const std::string&, Tensor<double>& t) {
      for (double& w : t.span()) w *= factor;
    });
    INFO(factor);
    const std::string command = "compute_nads --shape 4,4,1 --activation gelu --init w.npz --quiet --out F" + mlp;
    const auto end = box.run(command);
    if (end.status != 0) {
      CHECK_THAT(end.err, ContainsSubstring("--init ") && ContainsSubstring("give smaller weights, or --dtype float64"));
    } else {
      const auto values = box.array("F/eigvals.npy");
      for (double v : values.span()) CHECK(std::isfinite(v));
    }
    CHECK((end.status == 0) == (factor < 1e9));
    fs::remove_all(box / "F");
    box.good(command + " --dtype float64");
    fs::remove_all(box / "F");
  }
  change_weights(box, "mlp", [](const std::string&, Tensor<double>& t) {
    for (double& w : t.span()) w *= 1e38;
  });
  const std::string logits = "compute_ntk" + mlp + " --data x.npy --save-logits l.npy --init w.npz";
  CHECK_THAT(box.refused(logits),
             ContainsSubstring("w.npz: the logits of image 0 are not finite") && ContainsSubstring("or --dtype float64"));
  box.good(logits + " --dtype float64");
  // A statistic can be what is too large.
  change_weights(box, "resnet", [](const std::string& name, Tensor<double>& t) {
    if (name == "batch_stats/bn_init/mean") t[0] = -3e38;
  });
  CHECK_THAT(box.refused("compute_ntk" + resnet + " --data x.npy --init w.npz"),
             ContainsSubstring("(batch_stats/bn_init/mean reaches 3e+38)"));
}

TEST_CASE("hostile numbers: images whose kernel cannot be held") {
  const Sandbox box;
  write_good(box);
  auto images = box.array("x.npy");
  images[5 * 16 + 3] = 1e30;
  data::save_npy(box / "big.npy", images);
  for (const auto& command : commands("mlp")) {
    if (command.find("x.npy") == std::string::npos) continue;
    std::string on_big = command;
    on_big.replace(on_big.find("x.npy"), 5, "big.npy");
    INFO(on_big);
    CHECK_THAT(box.refused(on_big),
               ContainsSubstring("--data ") && ContainsSubstring("big.npy: image 5 holds a number of magnitude 1e+30"));
  }
  box.good("compute_ntk" + mlp + " --data big.npy --dtype float64 --quiet");
  CHECK_THAT(box.refused("compute_nads --shape 4,4,1 --activation relu --sigma 1e9 --init w.npz" + mlp),
             ContainsSubstring("w.npz: no such"));
  CHECK_THAT(box.refused("train_nads --nads N --index 0 --num-train 8 --batch 4 --sigma 1e+9 --epsilon 1e+9 --epochs 1 --seed 1 --model mlp"
                         " --learning-rate 1e10"),
             ContainsSubstring("--learning-rate 1e10: give a number from 0 to 1000000000"));
}

TEST_CASE("hostile numbers: options have ranges, and say so") {
  const Sandbox box;
  const std::string most = "9223372036854775807", wide = "4611686018427387904", out = " --out x";
  const auto range = [&](const std::string& command, const std::string& option, const std::string& value, const std::string& from_to) {
    CHECK_THAT(box.refused(command + out + " " + option + " " + value),
               ContainsSubstring(option + " " + value + ": give a") && ContainsSubstring(from_to));
  };
  for (const char* program : {"compute_ntk", "train_ntk", "pretrained_ntk_comparison", "train_cifar", "train_nads", "compute_nads"}) {
    range(program, "--filters", wide, " from 1 to 65536");
    range(program, "--filters", "9223372036854775808", " from 1 to 65536");
    range(program, "--features", most, " from 1 to 1000000");
    range(program, "--threads", "1000000000", " from 0 to 4096");
    range(program, "--threads", "0x2", " from 0 to 4096");
    CHECK_THAT(box.refused(program + std::string(" --blocks 1000000,1")),
               ContainsSubstring("--blocks 1000000: give an integer from 1 to 1000"));
    for (const char* size : {"1e30", "nan", "inf", "-1G", "0", "99999999999999999999T", "4GX"})
      CHECK_THAT(box.refused(program + std::string(" --memory ") + size),
                 ContainsSubstring("--memory " + std::string(size) + ": give a size"));
    std::string widths = "1";
    for (int i = 0; i < 1000; ++i) widths += ",1";
    CHECK_THAT(box.refused(program + std::string(" --features ") + widths),
               ContainsSubstring("--features: 1001 numbers; give at most 1000"));
  }
  for (const char* program : {"train_ntk", "pretrained_ntk_comparison", "train_cifar", "train_nads"}) {
    range(program, "--epochs", most, " from 1 to 1000000");
    range(program, "--batch", most, " from 1 to 1000000000");
    range(program, "--num-train", most, " from 1 to 1000000000");
    range(program, "--num-test", most, " from 0 to 1000000000");
    for (const char* number : {"nan", "inf", "1e300", "-1", "0.1x"}) {
      range(program, "--learning-rate", number, " from 0 to 1000000000");
      range(program, "--momentum", number, " from 0 to 1");
    }
  }
  range("compute_ntk", "--eigen", most, " from 1 to 1000000000");
  range("compute_ntk", "--nystrom-points", most, " from 1 to 1000000000");
  range("train_ntk", "--alignment-every", most, " from 1 to 1000000");
  range("compute_nads", "--samples", most, " from 1 to 1000000");
  for (const char* program : {"compute_nads", "train_nads"}) {
    range(program, "--sigma", "nan", " from 0 to 1000000000");
    range(program, "--sigma", "inf", " from 0 to 1000000000");
    CHECK_THAT(box.refused(program + std::string(" --shape 1000000000,1,1")),
               ContainsSubstring("--shape 1000000000: give an integer from 1 to 65536"));
  }
  range("train_nads", "--epsilon", "1e300", " from 0 to 1000000000");
}

TEST_CASE("hostile numbers: a run that cannot fit is refused from headers and options, with advice that helps") {
  const Sandbox box;
  write_good(box);
  const std::string wide = " --model mlp --features 1000000,1000,1";
  // More than the machine has would be needed to draw these weights, were it tried.
  const std::string data = " --data x.npy --num-train 6 --memory 100M", recipe = " --labels y.npy --batch 3";
  for (const auto& command : {"compute_ntk" + data, "train_ntk" + data + recipe, "pretrained_ntk_comparison" + data + recipe,
                              "train_cifar" + data + recipe, std::string("compute_nads --shape 4,4,1 --memory 100M")}) {
    INFO(command);
    const std::string line = box.refused(command + wide);
    CHECK_THAT(line,
               ContainsSubstring("--memory: ") && ContainsSubstring("100 MiB are allowed; give more, or a smaller network (--features)"));
  }
  CHECK_THAT(box.refused("train_nads --nads N --index 0 --force --memory 100M" + wide),
             ContainsSubstring("or a smaller network (--features)"));
  CHECK_THAT(box.refused("train_ntk" + data + recipe + " --model resnet18 --filters 65536"),
             ContainsSubstring("or a smaller network (--filters, --blocks)"));
  // Images are counted from the header: the file is never read.
  CHECK_THAT(box.refused("train_cifar --model mlp --features 1,1 --num-train 900000000 --memory 1G"),
             ContainsSubstring("--memory: training on 900000500 images takes") &&
                 ContainsSubstring("1.0 GiB are allowed; give more, or fewer images (--num-train, --num-test)"));
  CHECK_THAT(box.refused("train_nads --nads N --index 0 --num-train 900000000 --memory 1G"), ContainsSubstring("or fewer images"));
}
