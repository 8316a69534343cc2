#include <algorithm>
#include <map>

#include "tests/experiments/hostile/cases.h"

namespace tangentplane::experiments::hostile {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

const std::vector<std::string> integers{"0",
                                        "1",
                                        "-1",
                                        "2",
                                        "3",
                                        "5",
                                        "7",
                                        "8",
                                        "12",
                                        "13",
                                        "255",
                                        "256",
                                        "1000",
                                        "65536",
                                        "100000",
                                        "1000000",
                                        "2147483647",
                                        "2147483648",
                                        "4294967295",
                                        "4294967296",
                                        "1000000000000",
                                        "4611686018427387904",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "-9223372036854775808",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "1e3",
                                        "0x10",
                                        "1.5",
                                        "nan",
                                        "inf",
                                        "",
                                        " 1",
                                        "1 ",
                                        "+1",
                                        "1_000",
                                        "one",
                                        "\xd9\xa1",
                                        "1,2",
                                        "007",
                                        "-0",
                                        "1" + repeated("0", 400)};
const std::vector<std::string> reals{
    "0", "1",   "-1",    "0.5",   "1e-300", "1e300", "1e308", "1e309", "nan",      "inf",  "-inf",  "-0",   "1e-400", "0.99999999999999999",
    "",  "1,5", "1.5.5", "0x1p3", ".5",     "5.",    "1e",    "+1",    "infinity", "1e10", "1e-45", "-1e-9"};
const std::vector<std::string> lists{"1",
                                     "3,1",
                                     "3,0,1",
                                     "1,1,1,1,1",
                                     "6,16,120,84,1",
                                     "2",
                                     "",
                                     ",",
                                     "1,",
                                     ",1",
                                     "3,,1",
                                     "-1,1",
                                     "1000000,1",
                                     "1000000000,1",
                                     "9223372036854775807,1",
                                     "3037000500,3037000500,1",
                                     "4294967296,4294967296,1",
                                     "1" + repeated(",1", 200),
                                     "1" + repeated(",1", 3000),
                                     "3,1.5",
                                     "3;1",
                                     "3, 1",
                                     "[3,1]",
                                     "1000000,1000000,1000000,1"};
const std::vector<std::string> indices{"0",
                                       "0,1",
                                       "11",
                                       "12",
                                       "0:12",
                                       "0:13",
                                       "0:12:5",
                                       "0:1000000000000",
                                       "0:9223372036854775807:1",
                                       "3:3",
                                       "5:2",
                                       "1,1",
                                       "-1",
                                       "a",
                                       "",
                                       ":",
                                       "::",
                                       "0::1",
                                       "0:4:0",
                                       "0:4:-1",
                                       "0:9223372036854775807:9223372036854775807",
                                       "1:2:3:4",
                                       "0,1,2,3,4,5,6,7,8,9,10,11",
                                       "9223372036854775808",
                                       "0,",
                                       "0:12,3",
                                       "1,01"};
const std::vector<std::string> shapes{"1,1,1",
                                      "4,4,1",
                                      "6,6,1",
                                      "3,3,3",
                                      "1,16,1",
                                      "0,1,1",
                                      "32,32,1",
                                      "1000000,1000000,1",
                                      "3037000500,3037000500,1",
                                      "4294967296,4294967296,4",
                                      "2097152,2097152,2097152",
                                      "4,4",
                                      "4,4,1,1",
                                      "-4,4,1",
                                      "4x4x1",
                                      "",
                                      "1,1,100000",
                                      "9223372036854775807,1,1",
                                      "1,1,4294967297"};
const std::vector<std::string> sizes_of_memory{
    "1K",   "0",       "-1",       "1",   "48M", "50M", "52M", "64M",  "100M", "200M", "1.5G", "4G",     "1e3M",
    "1T",   "999999T", "8388608T", "nan", "inf", "G",   "1GG", "1GiB", "1gib", "1 G",  "",     "1.5.5G", "100000000000000000000000",
    "1e30T"};
const std::vector<std::string> paths{"im.npy",
                                     "K",
                                     "nowhere",
                                     "",
                                     ".",
                                     "/",
                                     "/dev/null",
                                     "/dev/full",
                                     "/dev/zero",
                                     "/proc/self/mem",
                                     "y.npy",
                                     "w.npz",
                                     "K/config.toml",
                                     "..",
                                     "~",
                                     "a\nb",
                                     "\xff",
                                     std::string(300, 'x'),
                                     repeated("x/", 2000),
                                     "K/",
                                     "im.npy/",
                                     "./im.npy",
                                     "dead-leaves",
                                     "cifar10",
                                     "mnist",
                                     ".npy",
                                     "-",
                                     "--",
                                     "%s%n",
                                     "{}",
                                     "cifar",
                                     "S",
                                     "N"};
const std::vector<std::string> choices{"mlp",  "lenet",   "resnet18", "relu",    "gelu", "tanh",    "float32",    "float64",
                                       "auto", "full",    "lanczos",  "nystrom", "rows", "factors", "parameters", "function",
                                       "MLP",  "",        "x",        "float16", "mlp ", "sum",     "trace",      "0",
                                       "1",    "squared", "adam",     "all",     "split"};
const std::vector<std::string> parts{"1/1",
                                     "1/2",
                                     "2/2",
                                     "0/2",
                                     "3/2",
                                     "1/0",
                                     "-1/2",
                                     "1/-2",
                                     "1/3/3",
                                     "1/2 ",
                                     "/",
                                     "1/",
                                     "/2",
                                     "",
                                     "1",
                                     "a/b",
                                     "1.5/2",
                                     "1/1000000000000",
                                     "9223372036854775807/9223372036854775807"};

const std::map<std::string, const std::vector<std::string>*>& kinds() {
  static const std::map<std::string, const std::vector<std::string>*> all{{"--eigen", &integers},
                                                                          {"--nystrom-points", &integers},
                                                                          {"--seed", &integers},
                                                                          {"--data-seed", &integers},
                                                                          {"--num-train", &integers},
                                                                          {"--num-test", &integers},
                                                                          {"--threads", &integers},
                                                                          {"--filters", &integers},
                                                                          {"--epochs", &integers},
                                                                          {"--batch", &integers},
                                                                          {"--alignment-every", &integers},
                                                                          {"--samples", &integers},
                                                                          {"--learning-rate", &reals},
                                                                          {"--momentum", &reals},
                                                                          {"--sigma", &reals},
                                                                          {"--epsilon", &reals},
                                                                          {"--features", &lists},
                                                                          {"--blocks", &lists},
                                                                          {"--positive", &lists},
                                                                          {"--index", &indices},
                                                                          {"--shape", &shapes},
                                                                          {"--memory", &sizes_of_memory},
                                                                          {"--out", &paths},
                                                                          {"--init", &paths},
                                                                          {"--data", &paths},
                                                                          {"--data-dir", &paths},
                                                                          {"--labels", &paths},
                                                                          {"--ntk", &paths},
                                                                          {"--nads", &paths},
                                                                          {"--config", &paths},
                                                                          {"--model", &choices},
                                                                          {"--activation", &choices},
                                                                          {"--dtype", &choices},
                                                                          {"--method", &choices},
                                                                          {"--contraction", &choices},
                                                                          {"--space", &choices},
                                                                          {"--outputs", &choices},
                                                                          {"--loss", &choices},
                                                                          {"--optimizer", &choices},
                                                                          {"--classes", &choices},
                                                                          {"--weight-decay", &reals},
                                                                          {"--train", &paths},
                                                                          {"--freeze", &paths},
                                                                          {"--check-logits", &paths},
                                                                          {"--save-logits", &paths},
                                                                          {"--save-onnx", &paths},
                                                                          {"--products", &choices},
                                                                          {"--shard", &parts},
                                                                          {"--scratch", &paths},
                                                                          {"--ranks", &integers},
                                                                          {"--node-gflops", &reals},
                                                                          {"--network-gbits", &reals},
                                                                          {"--node-memory", &sizes_of_memory}};
  return all;
}

const std::vector<std::string> flags{"--save-ntk", "--force", "--linearize", "--without-f0", "--no-shuffle", "--keep-statistics",
                                     "--quiet",    "--plan",  "--begin",     "--help",       "--version",    "-h"};
const std::vector<std::string> strays{
    "--colour",   "surplus",       "-x",        "--",         "",  "--seed", "@file", "\xff", "--features=3,1",
    "--no-quiet", "--quiet=false", "--quiet=3", "--seed=1=2", "-", "--=1"};

const std::vector<std::string>& commands() {
  static const std::vector<std::string> all{saved_kernel,
                                            "compute_ntk" + mlp + " --data im.npy",
                                            "compute_ntk" + mlp + " --num-train 8 --num-test 4",
                                            "compute_ntk --model lenet --data im.npy",
                                            "compute_ntk --model resnet18 --filters 1 --data im.npy",
                                            "train_ntk --ntk K --index 1 --epochs 2 --batch 4",
                                            "train_ntk" + mlp + " --data im.npy --labels y.npy --epochs 1 --batch 4",
                                            "train_ntk --ntk K --index 0,2 --epochs 2 --batch 4 --linearize",
                                            "compute_ntk" + mlp + " --data im.npy --check-logits z.npy",
                                            "train_ntk --ntk K --check-logits z.npy",
                                            "train_nads --nads N --index 0 --num-train 8 --num-test 4 --epochs 1 --batch 4",
                                            sizes,
                                            "train_cifar" + mlp + " --data cifar10 --data-dir cifar --epochs 1",
                                            "compute_nads" + mlp + " --shape 4,4,1",
                                            "compute_nads --model lenet --shape 4,4,1",
                                            "pretrained_ntk_comparison --ntk K --index 1 --epochs 1 --batch 4"};
  return all;
}

}  // namespace

std::vector<std::string> hostile_command(Draw& draw) {
  if (draw.chance(0.1)) {
    std::vector<std::string> words{"report"};
    for (std::size_t left = draw.among({0, 1, 1, 2}); left > 0; --left) words.push_back(draw.chance(0.3) ? "S" : draw.of(paths));
    if (draw.chance(0.2)) words.push_back(draw.chance(0.5) ? draw.of(flags) : draw.of(strays));
    return words;
  }
  const auto valid = words_of(draw.of(commands()));
  using Option = std::vector<std::string>;  // a name and its value, or one word alone
  std::vector<Option> options;
  for (std::size_t i = 1; i < valid.size(); ++i) {
    if (valid[i].starts_with("--"))
      options.push_back({valid[i]});
    else
      options.back().push_back(valid[i]);
  }
  for (std::size_t left = draw.among({1, 1, 1, 2, 3}); left > 0; --left) {
    auto kind = std::next(kinds().begin(), static_cast<std::ptrdiff_t>(draw.below(kinds().size())));
    if (const auto& old = draw.of(options); draw.chance(0.45) && kinds().contains(old[0])) kind = kinds().find(old[0]);
    const std::string value = draw.of(*kind->second);
    const auto standing = std::find_if(options.begin(), options.end(), [&](const Option& o) { return o[0] == kind->first; });
    const bool replace = draw.chance(0.85), without_value = draw.chance(0.1);
    if (standing != options.end() && replace)
      *standing = {kind->first, value};
    else if (without_value)
      options.push_back({kind->first});
    else
      options.push_back({kind->first, value});
  }
  std::vector<std::string> words{valid[0]};
  for (const Option& o : options) {
    if (o.size() == 2 && draw.chance(0.1))
      words.push_back(o[0] + "=" + o[1]);
    else
      words.insert(words.end(), o.begin(), o.end());
  }
  for (std::size_t left = draw.among({0, 0, 0, 1, 2}); left > 0; --left) {
    const std::string& word = draw.chance(0.5) ? draw.of(flags) : draw.of(strays);
    words.insert(words.begin() + 1 + static_cast<std::ptrdiff_t>(draw.below(words.size())), word);
  }
  const auto given = [&](const std::string& name) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& w) { return w.starts_with(name); });
  };
  if (const bool bounded = draw.chance(0.7); bounded && !given("--memory")) words.insert(words.end(), {"--memory", "1G"});
  if (!given("--out")) words.insert(words.end(), {"--out", "o"});
  if (const bool quiet = draw.chance(0.8); quiet && !given("--quiet")) words.push_back("--quiet");
  return words;
}

}  // namespace tangentplane::experiments::hostile
