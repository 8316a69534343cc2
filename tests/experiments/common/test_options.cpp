// The shared options: defaults, precedence, each refusal in its words, and config.toml as the repetition of a run.
#include "autodiff/cpu/parallel.h"
#include "experiments/common/options/options.h"
#include "experiments/common/process/progress.h"
#include "experiments/common/text/files.h"
#include "tests/catch.h"
#include "tests/experiments/captured.h"
#include "tests/temporary_folder.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using test::thrown;

namespace {

// An experiment with options of its own, as its main would read them.
struct Command {
  CommandLine line{"test", "compute_ntk"};
  CommonOptions options;
  Index eigen = 1000;
  double rate = 0.05;
  std::string ntk;
  bool save = false, force = false;

  Command() {
    add_common_options(line, options);
    add_number<Index>(line, "--eigen", eigen, "pairs", 1);
    add_number(line, "--learning-rate", rate, "a rate");
    add_path(line, "--ntk", ntk, "/", "folder");
    line.add_flag("--save-ntk", save, "flag");
    line.add_flag("--force", force, "flag", "", CommandLine::Flag::instruction);
  }
  void read(std::vector<std::string> words) {
    words.insert(words.begin(), "/bin/compute_ntk");
    std::vector<const char*> argv;
    for (const std::string& w : words) argv.push_back(w.c_str());
    parse(line, static_cast<int>(argv.size()), argv.data());
  }
  Config resolved(const std::vector<std::string>& words) {
    read(words);
    resolve(line, options);
    return configuration(line, options);
  }
};

std::string refusal(const std::vector<std::string>& words) {
  return thrown([&] { Command().resolved(words); });
}

}  // namespace

TEST_CASE("a folder's name means the same with a slash behind it") {
  Command plain, slash;
  plain.resolved({"--out", "A"});
  slash.resolved({"--out", "A/"});
  CHECK(slash.options.out == plain.options.out);
}

TEST_CASE("defaults are the study's") {
  Command c;
  const Config config = c.resolved({});
  CHECK(c.options.features == std::vector<Index>{6, 16, 120, 84, 1});
  CHECK(c.options.num_train == 2000);
  CHECK(c.options.num_test == 500);
  CHECK(c.options.memory > 1 << 20);
  CHECK(c.options.out == (std::filesystem::current_path() / "results/compute_ntk-lenet-dead-leaves").string());
  const auto value = [&](const char* key) { return config.find(key) ? *config.find(key) : "none"; };
  CHECK(value("features") == "6,16,120,84,1");
  CHECK(value("eigen") == "1000");
  CHECK(value("learning-rate") == "0.05");
  CHECK(value("save-ntk") == "false");
  CHECK(value("quiet") == "false");
  for (const char* absent : {"filters", "blocks", "threads", "memory", "plan", "force", "help", "config", "ntk", "init"})
    CHECK(value(absent) == "none");

  Command mlp, resnet;
  mlp.resolved({"--model", "mlp"});
  CHECK(mlp.options.features == std::vector<Index>{100, 100, 1});
  const Config r = resnet.resolved({"--model", "resnet18", "--blocks", "1,1,1"});
  CHECK(resnet.options.blocks == std::vector<Index>{1, 1, 1});
  CHECK(r.find("features") == nullptr);
  CHECK(*r.find("blocks") == "1,1,1");
}

TEST_CASE("every refusal names the option, what is wrong and what would be right") {
  CHECK(refusal({"--model", "vgg"}) == "--model vgg: give mlp, lenet, resnet18 or FILE.onnx");
  CHECK(refusal({"--features", "6,16,1"}) == "--features 6,16,1: lenet takes five widths, e.g. 6,16,120,84,1");
  CHECK(refusal({"--features", "6,16,120,84,10"}) == "--features 6,16,120,84,10: the last width must be 1, the logit");
  CHECK(refusal({"--model", "mlp", "--features", "0,1"}) == "--features 0: give an integer from 1 to 1000000");
  CHECK(refusal({"--model", "mlp", "--features", ""}) == "--features \"\": give an integer from 1 to 1000000");
  CHECK(refusal({"--model", "resnet18", "--features", "1"}) == "--features: resnet18 has none; give --filters and --blocks");
  CHECK(refusal({"--blocks", "2,2"}) == "--blocks: lenet has none; give --features");
  CHECK(refusal({"--activation", "elu"}) == "--activation elu: give relu, gelu or tanh");
  CHECK(refusal({"--seed", "-1"}) == "--seed -1: give an integer >= 0");
  CHECK(refusal({"--data", "cifar"}) == "--data cifar: give dead-leaves, cifar10, mnist or FILE.npy");
  CHECK(refusal({"--data", "/no/such.npy"}) == "--data /no/such.npy: no such file; give one that exists");
  CHECK(refusal({"--data", "mnist"}) == "--data mnist needs --data-dir, the folder that holds its files");
  CHECK(refusal({"--data-dir", "/no/such"}) == "--data-dir /no/such: no such folder; give one that exists");
  CHECK(refusal({"--init", "weights.pt"}) == "--init weights.pt: give a .npz file");
  CHECK(refusal({"--labels", "/no/y.npy"}) == "--labels /no/y.npy: no such file; give one that exists");
  CHECK(refusal({"--num-train", "0"}) == "--num-train 0: give an integer from 1 to 1000000000");
  CHECK(refusal({"--dtype", "float16"}) == "--dtype float16: give float32 or float64");
  CHECK(refusal({"--threads", "-2"}) == "--threads -2: give an integer from 0 to 4096");
  CHECK(refusal({"--memory", "lots"}).starts_with("--memory lots: give a size such as 4G"));
  CHECK(refusal({"--out", ""}) == "--out \"\": give the name of a folder");
  CHECK(refusal({"--modle", "mlp"}) == "unknown argument --modle; --help lists the options");
  CHECK(refusal({"stray"}) == "unknown argument stray; --help lists the options");
  CHECK(refusal({"--seed"}) == "--seed needs a value");
  CHECK(refusal({"--ntk"}) == "--ntk needs a value");
  CHECK(refusal({"--seed", "1", "--seed", "2"}) == "--seed is given more than once; give it once");
  CHECK(refusal({"--config", "/no/such.toml"}) == "--config /no/such.toml: no such file; give one that exists");
  CHECK(refusal({"--learning-rate", "fast"}).find('\n') == std::string::npos);
  CHECK(refusal({"--learning-rate", "fast"}).find("--learning-rate") != std::string::npos);
}

TEST_CASE("the file of --config sets what the command line does not") {
  const TemporaryFolder folder;
  folder.write("c.toml", "model = \"mlp\"\nfeatures = [20, 1]\nseed = 7\nquiet = true\nsave-ntk = true\neigen = 5\nthreads = 1\n");
  Command c;
  c.resolved({"--config", (folder / "c.toml").string(), "--seed", "8"});
  CHECK(c.options.model == "mlp");
  CHECK(c.options.features == std::vector<Index>{20, 1});
  CHECK(c.options.seed == 8);
  CHECK(c.options.quiet);
  CHECK(c.save);
  CHECK(c.eigen == 5);
  CHECK(cpu::threads() == 1);
  cpu::set_threads(0);
  folder.write("unknown.toml", "modle = \"mlp\"\n");
  CHECK(refusal({"--config", (folder / "unknown.toml").string()}) == "--config: unknown key modle; --help lists the options");
  folder.write("wrong.toml", "seed = 1\nmodel = mlp\n");
  CHECK(refusal({"--config", (folder / "wrong.toml").string()}).starts_with("--config, line 2: "));
  folder.write("bad.toml", "quiet = \"perhaps\"\n");
  CHECK(refusal({"--config", (folder / "bad.toml").string()}).find('\n') == std::string::npos);
}

TEST_CASE("config.toml repeats the run") {
  const TemporaryFolder folder;
  folder.write("a #1, \"x\".npy", "");
  const std::vector<std::vector<std::string>> commands{
      {},
      {"--model", "resnet18", "--filters", "8", "--blocks", "1,1", "--seed", "3", "--quiet", "--save-ntk", "--memory", "2G", "--threads",
       "1"},
      {"--model", "mlp", "--features", "5,1", "--data", (folder / "a #1, \"x\".npy").string(), "--num-test", "0", "--ntk",
       folder.path().string(), "--learning-rate", "1e-3", "--out", (folder / "o").string()}};
  for (const auto& words : commands) {
    const Config first = Command().resolved(words);
    folder.write("config.toml", first.toml());
    const Config second = Command().resolved({"--config", (folder / "config.toml").string()});
    CHECK(first.entries() == second.entries());
  }
  cpu::set_threads(0);
  show_progress(true);
}

TEST_CASE("an experiment that builds on another's results takes over its options and refuses others") {
  const TemporaryFolder folder;
  folder.write("config.toml", Command().resolved({"--model", "mlp", "--features", "9,1", "--num-train", "50", "--data-seed", "4"}).toml());
  const auto after = [&](Command& c, const std::vector<std::string>& words, bool force = false) {
    c.read(words);
    resolve_after(c.line, c.options, folder.path(), inherited_keys, force);
  };
  Command same, agreeing, forced;
  after(same, {"--seed", "5"});
  CHECK(same.options.model == "mlp");
  CHECK(same.options.features == std::vector<Index>{9, 1});
  CHECK(same.options.num_train == 50);
  CHECK(same.options.data_seed == 4);
  CHECK(same.options.seed == 5);
  CHECK(configuration(same.line, same.options).find("features"));
  after(agreeing, {"--model", "mlp", "--num-train", "50"});
  const auto refused = [&](const std::vector<std::string>& words) {
    return thrown([&] {
      Command c;
      after(c, words);
    });
  };
  const std::string path = (folder / "config.toml").string();
  CHECK(refused({"--num-train", "60"}) == "--num-train 60: " + path + " has 50; leave it out, or give --force");
  CHECK(refused({"--model", "lenet"}) == "--model lenet: " + path + " has mlp; leave it out, or give --force");
  after(forced, {"--model", "lenet"}, true);
  CHECK(forced.options.features.size() == 5);
  CHECK(thrown([] {
          Command c;
          c.read({});
          resolve_after(c.line, c.options, "/no/such", inherited_keys, false);
        }) == "/no/such/config.toml: no such file");
}
