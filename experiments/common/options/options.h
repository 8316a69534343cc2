// The options that every experiment shares, read from the command line and from --config, checked in one place. Each error is one
// std::invalid_argument line that names the option, what is wrong and what would be right; run_main makes it exit status 2.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/common/options/command_line.h"
#include "experiments/common/run/config.h"
#include "experiments/common/text/parse.h"

namespace tangentplane::experiments {

struct OwnNetwork;
class OwnNetworks;

struct CommonOptions {
  std::string model = "lenet";  ///< mlp, lenet, resnet18, the name of one of `networks` or the path of an ONNX file
  std::vector<std::shared_ptr<const OwnNetwork>> networks;  ///< besides the built-in ones (offer); resolve() adds a file's
  std::vector<Index> features;                              ///< widths of mlp and lenet, the last 1
  Index filters = 64;                                       ///< resnet18
  std::vector<Index> blocks{2, 2, 2, 2};
  std::string activation = "relu";  ///< relu, gelu or tanh
  std::uint64_t seed = 0;
  std::vector<std::string> train, freeze;  ///< of a file's initialisers, besides what is trained by rule
  std::string init;                        ///< .npz file of weights and statistics; empty: drawn from the seed
  std::string data = "dead-leaves";        ///< or cifar10, mnist, FILE.npy
  bool default_data = false;               ///< --data was left out
  std::uint64_t data_seed = 0;
  std::string labels;    ///< .npy file; empty: the data's own
  std::string data_dir;  ///< empty if not given
  /// Nothing: all there are. Set them to the counts in fact used before configuration() is asked.
  std::optional<Index> num_train, num_test;
  std::string dtype = "float32";     ///< or float64
  std::string products = "float32";  ///< or split: how matrix products are computed (autodiff/cpu/split)
  int threads = 0;                   ///< 0: all cores
  std::uint64_t memory = 0;          ///< bytes; resolve() fills in 90 % of what is available
  std::string out;                   ///< folder; resolve() fills in results/<experiment>-<model>-<data>
  bool quiet = false, plan = false, begin = false;

  /// The run ends once it is planned.
  bool stops() const { return plan || begin; }
  bool is_file_data() const { return data.ends_with(".npy"); }
  bool is_double() const { return dtype == "float64"; }
  bool is_split() const { return products == "split"; }
  bool is_file_model() const { return model.ends_with(".onnx"); }
  /// The network that the model names, if it is none of the built-in ones.
  const OwnNetwork* own() const;
  /// What titles and folders call the model: its name, or a file's without folder and ending.
  std::string model_name() const;
};

/// Lets --model name these networks too; the first of them is its default.
void offer(CommonOptions& options, const OwnNetworks& own);

/// What --version prints: "tangentplane 1.0.0, commit 9fceb02...".
std::string version_line();

/// Which of the options on data an experiment has: all, the counts alone (it makes its own images), or none.
enum class DataOptions { all, counts, none };

/// Adds the shared options (and --config, --version) to a command line whose name is the experiment's: `CommandLine line("what it does",
/// "compute_ntk")`. The values in `options` are the defaults.
void add_common_options(CommandLine& line, CommonOptions& options, DataOptions data = DataOptions::all);

/// Reads the command line. Prints the answer of --help or --version and throws Done; any misuse is std::invalid_argument.
struct Done {
  int status = 0;
};
void parse(CommandLine& line, int argc, const char* const* argv);

/// Fills in the defaults that depend on other options, checks all of it (files exist, widths fit the model), makes paths absolute, and
/// sets the number of threads, how products are computed and how progress is shown. Reads no file but that of --model, which is refused
/// here if it is none.
void resolve(const CommandLine& line, CommonOptions& options);

/// For an experiment that builds on the results in `folder`: takes each of `keys` that was not given from folder/config.toml, resolves,
/// and throws std::invalid_argument where one that was given says otherwise, unless `force`; the path of a file whose content is known by
/// its fingerprint may be another. Replaces the call of resolve. True if all agree.
bool resolve_after(CommandLine& line, CommonOptions& options, const std::filesystem::path& folder, std::span<const std::string_view> keys,
                   bool force);
/// What train_ntk and pretrained_ntk_comparison take over from --ntk.
inline constexpr std::string_view inherited_keys[] = {"model",      "train", "freeze",   "features",  "filters",   "blocks",
                                                      "activation", "data",  "data-dir", "data-seed", "num-train", "num-test"};

/// Every option of `line` as resolved, the experiment's own too. Where an experiment resolves one of its own (--eigen's default), it
/// sets that key anew. Options without effect on this model or data are left out, as are --threads and --memory if not given.
Config configuration(const CommandLine& line, const CommonOptions& options);

// For the experiments' own options: as line.add, with errors that say what would be right. Every number has a range outside of which
// no run makes sense; products of numbers within it still fit an integer.
inline constexpr Index most_images = 1'000'000'000, most_epochs = 1'000'000;
inline constexpr double largest_factor = 1e9;  ///< of learning rates and deviations

/// A number in [low, high].
template <Number T>
void add_number(CommandLine& line, const std::string& name, T& value, const std::string& help, T low = std::numeric_limits<T>::lowest(),
                T high = std::numeric_limits<T>::max(), const std::string& group = "") {
  line.add(name, [=, &value](const std::string& text) { value = parse_number<T>(name, text, low, high); },
           {help, "N", fmt::format("{}", value), group});
}
/// The same without a default.
template <Number T>
void add_number(CommandLine& line, const std::string& name, std::optional<T>& value, const std::string& help,
                T low = std::numeric_limits<T>::lowest(), T high = std::numeric_limits<T>::max(), const std::string& group = "") {
  line.add(name, [=, &value](const std::string& text) { value = parse_number<T>(name, text, low, high); }, {help, "N", "", group});
}
/// A text that is checked later, such as a list of indices.
void add_text(CommandLine& line, const std::string& name, std::string& value, const std::string& help, const std::string& type_name);
/// An image's shape H,W,C; where `any`, up to three numbers, for networks that take others (require_fits).
void add_shape(CommandLine& line, const std::string& name, std::vector<Index>& value, const std::string& help, bool any = false);
/// The shape of these extents, and the extents of a shape.
inline Shape shape_of_extents(const std::vector<Index>& extents) {
  Shape shape;
  for (const Index n : extents) shape.append(n);
  return shape;
}
inline std::vector<Index> extents_of(const Shape& shape) {
  std::vector<Index> extents;
  for (int axis = 0; axis < shape.rank(); ++axis) extents.push_back(shape[axis]);
  return extents;
}
inline constexpr const char* height_width_channels = "height, width and channels, e.g. 32,32,1";
/// One of several words.
void add_choice(CommandLine& line, const std::string& name, std::string& value, const std::vector<std::string>& choices,
                const std::string& help, const std::string& group = "");
/// Up to `most` integers from 1 to `high` with commas between them.
void add_widths(CommandLine& line, const std::string& name, std::vector<Index>& value, const std::string& help, Index high,
                std::size_t most, const std::string& group = "");
/// A file that exists, with that extension (".npz"), or a folder that exists (extension "/"); made absolute.
void add_path(CommandLine& line, const std::string& name, std::string& value, const std::string& extension, const std::string& help,
              const std::string& group = "");

}  // namespace tangentplane::experiments
