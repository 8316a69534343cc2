#include "experiments/common/options/options.h"

#include <CLI/CLI.hpp>
#include <sstream>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "autodiff/cpu/limits.h"
#include "autodiff/cpu/parallel.h"
#include "autodiff/cpu/ranks.h"
#include "autodiff/cpu/split/products.h"
#include "experiments/common/options/config_file.h"
#include "experiments/common/process/memory.h"
#include "experiments/common/process/progress.h"
#include "experiments/common/run/fingerprints.h"
#include "experiments/common/run/provenance.h"
#include "experiments/common/subject/own_network.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {
namespace {

namespace fs = std::filesystem;

/// It is part of a run's identity.
std::string absolute(const std::string& path) { return normal_path(fs::absolute(path)).string(); }

bool is_shared(std::string_view key) {
  constexpr std::string_view keys[] = {"model",    "train", "freeze",  "features", "filters",  "blocks",    "activation",
                                       "seed",     "init",  "data",    "labels",   "data-dir", "data-seed", "num-train",
                                       "num-test", "dtype", "threads", "memory",   "out",      "quiet",     "plan",
                                       "begin",    "help",  "version", "config",   "products"};
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

std::string joined(const std::vector<std::string>& words) {
  std::string s;
  for (std::size_t i = 0; i < words.size(); ++i) s += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return s;
}

}  // namespace

void add_choice(CommandLine& line, const std::string& name, std::string& value, const std::vector<std::string>& choices,
                const std::string& help, const std::string& group) {
  line.add(name,
           [=, &value](const std::string& text) {
             require(std::find(choices.begin(), choices.end(), text) != choices.end(), "{} {}: give {}", name, text, joined(choices));
             value = text;
           },
           {help + ": " + joined(choices), "NAME", value, group});
}

void add_widths(CommandLine& line, const std::string& name, std::vector<Index>& value, const std::string& help, Index high,
                std::size_t most, const std::string& group) {
  line.add(name,
           [=, &value](const std::string& text) {
             const auto given = static_cast<std::size_t>(std::count(text.begin(), text.end(), ',')) + 1;
             require(given <= most, "{}: {} numbers; give at most {}", name, given, most);
             value = parse_list<Index>(name, text, 1, high);
           },
           {help, "N,N,...", join(value), group});
}

void add_shape(CommandLine& line, const std::string& name, std::vector<Index>& value, const std::string& help, bool any) {
  line.add(name,
           [=, &value](const std::string& text) {
             value = parse_list<Index>(name, text, 1, 65536);
             require(value.size() == 3 || (any && value.size() <= 3), "{} {}: give {}", name, text, height_width_channels);
           },
           {help, "H,W,C", join(value)});
}

void add_text(CommandLine& line, const std::string& name, std::string& value, const std::string& help, const std::string& type_name) {
  line.add(name, [&value](const std::string& text) { value = text; }, {help, type_name, value});
}

void add_path(CommandLine& line, const std::string& name, std::string& value, const std::string& extension, const std::string& help,
              const std::string& group) {
  const auto checked = [=](const std::string& text) {
    std::error_code error;
    const std::string shown = text.empty() ? "\"\"" : text;
    if (extension == "/") {
      require(fs::is_directory(text, error), "{} {}: {}; give one that exists", name, shown, not_there(text, "folder"));
    } else {
      require(text.ends_with(extension), "{} {}: give a {} file", name, shown, extension);
      require(fs::is_regular_file(text, error), "{} {}: {}; give one that exists", name, shown, not_there(text, "file"));
    }
    return absolute(text);
  };
  // The configuration, too, holds it absolute.
  auto* option = line.app().add_option(name, value, help)->transform(checked)->type_name(extension == "/" ? "DIR" : "FILE" + extension);
  if (!group.empty()) option->group(group);
}

const OwnNetwork* CommonOptions::own() const {
  for (const auto& network : networks)
    if (network->name == model) return network.get();
  return nullptr;
}

std::string CommonOptions::model_name() const { return is_file_model() ? fs::path(model).stem().string() : model; }

void offer(CommonOptions& options, const OwnNetworks& own) {
  for (const OwnNetwork& network : own.all()) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const std::string& name = network.name;
    require(!name.empty() && name.find_first_not_of(letters) == std::string::npos && name[0] != '-',
            "own_network: the name \"{}\" must be of letters, digits, - and _", name);
    require(name != "mlp" && name != "lenet" && name != "resnet18", "own_network: {} is a built-in network; give another name", name);
    for (const auto& other : options.networks) require(other->name != network.name, "own_network: two are named {}", network.name);
    options.networks.push_back(std::make_shared<const OwnNetwork>(network));
  }
  if (!options.networks.empty()) options.model = options.networks[0]->name;
}

std::string version_line() { return fmt::format("tangentplane {}, commit {}", version(), commit()); }

void add_common_options(CommandLine& line, CommonOptions& o, DataOptions data) {
  CLI::App& app = line.app();
  app.option_defaults()->always_capture_default();
  line.add_version();
  read_config_file(app);

  std::vector<std::string> models{"mlp", "lenet", "resnet18"};
  for (const auto& own : o.networks) models.push_back(own->name);
  const auto set_model = [&o, models](const std::string& text) {
    const bool named = std::find(models.begin(), models.end(), text) != models.end();
    require(named || text.ends_with(".onnx"), "--model {}: give {} or FILE.onnx", text.empty() ? "\"\"" : text, fmt::join(models, ", "));
    std::error_code error;
    require(named || fs::is_regular_file(text, error), "--model {}: {}; give one that exists", text, not_there(text, "file"));
    o.model = named ? text : absolute(text);
  };
  line.add("--model", set_model, {fmt::format("Network: {} or FILE.onnx", fmt::join(models, ", ")), "NAME", o.model, "Network"});
  add_widths(line, "--features", o.features, "Widths of mlp (any number) or lenet (five), the last 1 (default: the study's)", 1'000'000,
             1000, "Network");
  add_number<Index>(line, "--filters", o.filters, "Filters of resnet18's first stage", 1, 65536, "Network");
  add_widths(line, "--blocks", o.blocks, "Blocks in each stage of resnet18", 1000, 16, "Network");
  add_choice(line, "--activation", o.activation, {"relu", "gelu", "tanh"}, "Activation", "Network");
  constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  add_number<std::uint64_t>(line, "--seed", o.seed, "Draws the weights", 0, largest, "Network");
  add_path(line, "--init", o.init, ".npz", "Weights and statistics in place of drawn ones", "Network");
  const auto add_names = [&](const char* name, std::vector<std::string>& names, const char* help) {
    line.add(name,
             [name, &names](const std::string& text) {
               names.clear();
               for (const std::string_view piece : split(text, ',')) {
                 require(!piece.empty(), "{} {}: give names with commas between them", name, text.empty() ? "\"\"" : text);
                 names.emplace_back(piece);
               }
             },
             {help, "NAME,...", "", "Network"});
  };
  add_names("--train", o.train, "Initialisers of FILE.onnx that are trained too");
  add_names("--freeze", o.freeze, "Initialisers of FILE.onnx that are not trained");

  if (data == DataOptions::all) {
    const auto set_data = [&o](const std::string& text) {
      const bool named = text == "dead-leaves" || text == "cifar10" || text == "mnist";
      require(named || text.ends_with(".npy"), "--data {}: give dead-leaves, cifar10, mnist or FILE.npy", text.empty() ? "\"\"" : text);
      std::error_code error;
      require(named || fs::is_regular_file(text, error), "--data {}: {}; give one that exists", text, not_there(text, "file"));
      o.data = named ? text : absolute(text);
    };
    line.add("--data", set_data, {"Images: dead-leaves (generated), cifar10, mnist or FILE.npy [N,H,W,C]", "NAME", o.data, "Data"});
    add_number<std::uint64_t>(line, "--data-seed", o.data_seed, "Seed of the generated images", 0, largest, "Data");
    add_path(line, "--labels", o.labels, ".npy",
             "Labels [N] in place of the data's own, training images first: 0 or 1, or a class for each logit", "Data");
    add_path(line, "--data-dir", o.data_dir, "/", "Folder that holds cifar-10-batches-bin/ or the MNIST files", "Data");
  }
  if (data != DataOptions::none) {
    add_number<Index>(line, "--num-train", o.num_train, "Training images (default: all; dead-leaves 2000)", 1, most_images, "Data");
    add_number<Index>(line, "--num-test", o.num_test, "Test images (default: all; dead-leaves 500)", 0, most_images, "Data");
  }

  add_choice(line, "--dtype", o.dtype, {"float32", "float64"}, "Precision", "Run");
  add_choice(line, "--products", o.products, {"float32", "split"}, "Matrix products of float32, split for processors with AMX", "Run");
  add_number<int>(line, "--threads", o.threads, "Threads (default 0: all cores)", 0, 4096, "Run");
  line.add("--memory", [&o](const std::string& text) { o.memory = parse_size("--memory", text); },
           {"Resident memory to stay within, e.g. 4G (default: 90 % of what is available)", "SIZE", "", "Run"});
  const auto set_out = [&o](const std::string& text) {
    require(!text.empty(), "--out \"\": give the name of a folder");
    o.out = text;
  };
  line.add("--out", set_out, {"Folder of the results (default: results/<experiment>-<model>-<data>)", "DIR", "", "Run"});
  line.add_flag("--quiet", o.quiet, "No progress on standard error", "Run");
  line.add_flag("--plan", o.plan, "Print flops, memory, disk and expected time of each stage, and stop", "Run",
                CommandLine::Flag::instruction);
  line.add_flag("--begin", o.begin,
                "Check all options, make the folder of the results with config.toml in it, and stop: what builds on it can be planned",
                "Run", CommandLine::Flag::instruction);
}

void parse(CommandLine& line, int argc, const char* const* argv) {
  CLI::App& app = line.app();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    std::ostringstream text;  // help or version
    app.exit(e, text);
    tell("{}", text.str());
    throw Done{0};
  } catch (const CLI::ParseError& e) {
    throw std::invalid_argument(one_line(e));
  }
}

void resolve(const CommandLine& line, CommonOptions& o) {
  const auto given = [&](const char* name) { return line.given(name); };
  if (o.is_file_model() && !o.own())
    o.networks.push_back(std::make_shared<const OwnNetwork>(network_of_file(o.model, {.train = o.train, .freeze = o.freeze})));
  for (const char* name : {"--train", "--freeze"})
    require(!given(name) || o.is_file_model(), "{}: only a FILE.onnx has initialisers, {} has none; leave it out", name, o.model);
  if (o.own()) {
    for (const char* name : {"--features", "--filters", "--blocks", "--activation"})
      require(!given(name), "{}: only the built-in networks have it, {} is none; leave it out", name, o.model);
  } else if (o.model == "resnet18") {
    require(!given("--features"), "--features: resnet18 has none; give --filters and --blocks");
  } else {
    for (const char* name : {"--filters", "--blocks"}) require(!given(name), "{}: {} has none; give --features", name, o.model);
    if (o.features.empty()) o.features = o.model == "mlp" ? std::vector<Index>{100, 100, 1} : std::vector<Index>{6, 16, 120, 84, 1};
    require(o.model == "mlp" || o.features.size() == 5, "--features {}: lenet takes five widths, e.g. 6,16,120,84,1", join(o.features));
    require(o.features.back() == 1, "--features {}: the last width must be 1, the logit", join(o.features));
  }
  const bool has_images = line.has("--data");
  if (has_images) {
    const bool generated = o.data == "dead-leaves";
    o.default_data = !given("--data");
    require(generated || o.is_file_data() || !o.data_dir.empty(), "--data {} needs --data-dir, the folder that holds its files", o.data);
    require(generated || !given("--data-seed"), "--data-seed: {} is not generated; leave it out", o.data);
    if (generated && !o.num_train) o.num_train = 2000;
    if (generated && !o.num_test) o.num_test = 500;
  }
  require(!o.is_split() || !o.is_double(), "--products split: --dtype float64 has no split products; leave one of them out");
  cpu::set_products(o.is_split() ? cpu::Products::split : cpu::Products::float32);
  const int share = cpu::Ranks::world().on_node();  // ranks that have to share this machine
  const bool bound = cpu::usable_cpus() < static_cast<int>(std::thread::hardware_concurrency());
  // Maps BLAS's buffers where address space is limited: no longer available.
  cpu::set_threads(o.threads == 0 && share > 1 && !bound ? std::max(1, cpu::usable_cpus() / share) : o.threads);
  if (o.memory == 0) o.memory = static_cast<std::uint64_t>(0.9 * static_cast<double>(available_memory()) / share);
  if (o.out.empty())
    o.out = fmt::format("results/{}-{}{}", line.name(), o.model_name(),
                        has_images ? "-" + (o.is_file_data() ? fs::path(o.data).stem().string() : o.data) : "");
  o.out = absolute(o.out);
  show_progress(!o.quiet);
}

Config configuration(const CommandLine& line, const CommonOptions& o) {
  Config c;
  c.set("model", o.model);
  const auto set_if = [&](bool there, const char* key, const auto& value) {
    if (there) c.set(key, value);
  };
  const bool built_in = !o.own(), resnet = o.model == "resnet18";
  set_if(built_in && resnet, "filters", o.filters);
  set_if(built_in && resnet, "blocks", join(o.blocks));
  set_if(built_in && !resnet, "features", join(o.features));
  set_if(built_in, "activation", o.activation);
  set_if(!o.train.empty(), "train", join(o.train));
  set_if(!o.freeze.empty(), "freeze", join(o.freeze));
  c.set("seed", o.seed);
  set_if(!o.init.empty(), "init", o.init);
  const bool has_images = line.has("--data");
  set_if(has_images, "data", o.data);
  set_if(has_images && o.data == "dead-leaves", "data-seed", o.data_seed);
  set_if(!o.labels.empty(), "labels", o.labels);
  set_if(!o.data_dir.empty(), "data-dir", o.data_dir);
  set_if(o.num_train.has_value(), "num-train", o.num_train.value_or(0));
  set_if(o.num_test.has_value(), "num-test", o.num_test.value_or(0));
  c.set("dtype", o.dtype);
  set_if(o.is_split(), "products", o.products);
  // The machine's, not the run's: where this is repeated, their defaults are that machine's.
  set_if(line.given("--threads"), "threads", o.threads);
  set_if(line.given("--memory"), "memory", o.memory);
  c.set("out", o.out);
  c.set("quiet", fmt::format("{}", o.quiet));

  for (const CLI::Option* option : std::as_const(line.app()).get_options()) {
    const std::string key = option->get_single_name();
    if (is_shared(key) || !option->get_configurable() || option->get_lnames().empty()) continue;
    if (option->get_expected_max() == 0)  // a flag
      c.set(key, fmt::format("{}", option->count() > 0 && option->as<bool>()));
    else if (option->count() > 0)
      c.set(key, join(option->reduced_results()));
    else if (!option->get_default_str().empty())
      c.set(key, option->get_default_str());
  }
  return c;
}

bool resolve_after(CommandLine& line, CommonOptions& o, const fs::path& folder, std::span<const std::string_view> keys, bool force) {
  const fs::path path = folder / "config.toml";
  const Config before = Config::read(path);
  CLI::App& app = line.app();
  const auto option = [&](std::string_view key) { return app.get_option("--" + std::string(key)); };
  const Fingerprints known = Fingerprints::read(folder);
  // A file that lies elsewhere now: its content will be compared.
  const auto is_moved = [&](std::string_view key, const std::string& now, const std::string& then) {
    return !force && is_content(key, now, then, known);
  };
  const auto is_other = [&](std::string_view key, const std::string& now) {
    const auto* given = app.get_option_no_throw("--" + std::string(key));
    const std::string* then = before.find(key);
    return given && given->count() > 0 && then && now != *then && !is_moved(key, now, *then);
  };
  const bool other_model = is_other("model", o.model), other_data = is_other("data", o.data);
  std::vector<std::string_view> given;
  for (std::string_view key : keys) {
    const bool of_the_model = key == "features" || key == "filters" || key == "blocks" || key == "train" || key == "freeze" ||
                              (key == "activation" && (o.own() || o.is_file_model()));
    const bool of_the_data = key == "data-dir" || key == "data-seed" || key == "num-train" || key == "num-test";
    if (option(key)->count() > 0) {
      given.push_back(key);
    } else if (const std::string* value = before.find(key); value && !(other_model && of_the_model) && !(other_data && of_the_data)) {
      option(key)->add_result(*value);
      option(key)->run_callback();
    }
  }
  resolve(line, o);
  const Config now = configuration(line, o);
  bool agree = true;
  for (std::string_view key : given) {
    const std::string *is = now.find(key), *was = before.find(key);
    const bool same = key == "data-dir" || (is && was && (*is == *was || is_moved(key, *is, *was)));
    require(same || force, "--{} {}: {} has {}; leave it out, or give --force", key, is ? *is : "", path.string(), was ? *was : "none");
    agree = agree && same;
  }
  return agree;
}

}  // namespace tangentplane::experiments
