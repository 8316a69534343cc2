#include "experiments/claims/runs.h"

#include <algorithm>
#include <set>

#include "experiments/common/csv.h"
#include "experiments/common/files.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

// "# train_ntk: repeat this run with ..."; empty for a file of another kind.
std::string experiment_of(const fs::path& config) {
  const std::string text = read_text(config);
  const std::size_t colon = text.find(':');
  return text.starts_with("# ") && colon < text.find('\n') ? text.substr(2, colon - 2) : "";
}

// What must agree for two runs to be compared.
std::string recipe(const Run& run) {
  static const std::set<std::string, std::less<>> may_differ{"linearize", "space",  "without-f0", "index",          "out",
                                                             "threads",   "memory", "quiet",      "alignment-every"};
  std::string s;
  for (const auto& [key, value] : run.config.entries())
    if (!may_differ.contains(key)) s += key + "=" + value + "\n";
  return s;
}

}  // namespace

std::string Run::get(std::string_view key) const {
  const std::string* value = config.find(key);
  return value ? *value : "";
}

std::string Run::model() const {
  const std::string filters = get("filters");
  return get("model") + (filters.empty() || filters == "64" ? "" : " of " + filters + " filters");
}

std::string Run::data() const { return fs::path(get("data")).filename().string(); }

double Run::test_images() const {
  const std::string n = get("num-test");
  return n.empty() ? 0 : parse_number<double>(name() + ": num-test", n, 0);
}

std::vector<const Run*> Study::of(std::string_view experiment) const {
  std::vector<const Run*> found;
  for (const Run& run : runs)
    if (run.experiment == experiment) found.push_back(&run);
  return found;
}

const Run* Study::source(const Run& run, std::string_view option) const {
  const fs::path named = run.get(option);
  for (const Run& other : runs)
    if (!named.empty() && (other.folder == named || other.name() == named.filename().string())) return &other;
  return nullptr;
}

std::string Run::setting() const {
  const std::string sizes = get("num-train");
  return fmt::format("{} on {}, {} training and {} test images", model(), data(),
                     sizes.find(',') == std::string::npos ? sizes : "up to " + sizes.substr(sizes.rfind(',') + 1), get("num-test"));
}

Study read_study(const fs::path& root) {
  std::error_code error;
  require(fs::is_directory(root, error), "{}: no such folder; give the one that experiments/reproduce filled", root.string());
  Study study{fs::absolute(root).lexically_normal(), {}, {}};
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(study.root))
    if (fs::is_regular_file(entry.path() / "config.toml", error)) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  for (const fs::path& folder : folders) {
    const std::string experiment = experiment_of(folder / "config.toml");
    if (experiment.empty()) continue;
    if (fs::exists(folder / ".unfinished"))
      study.unfinished.push_back(folder.filename().string());
    else
      study.runs.push_back({folder, experiment, Config::read(folder / "config.toml")});
  }
  require(!study.runs.empty() || !study.unfinished.empty(), "{}: holds no results; run experiments/reproduce first", root.string());
  return study;
}

std::vector<Pair> pairs(const Study& study, std::string_view experiment) {
  std::vector<Pair> found;
  for (const Run* network : study.of(experiment))
    for (const Run* linear : study.of(experiment))
      if (!network->linearized() && linear->linearized() && recipe(*network) == recipe(*linear)) found.push_back({network, linear});
  return found;
}

std::vector<Task> tasks(const Pair& pair) {
  const auto network = accuracies(*pair.network), linear = accuracies(*pair.linear);
  std::vector<Task> both;
  for (const auto& [name, a] : network)
    if (const auto b = linear.find(name); b != linear.end()) both.push_back({name, a.balance, a.test, b->second.test});
  return both;
}

std::map<Index, Accuracy> accuracies(const Run& run) {
  const fs::path path = run.folder / "accuracy.csv";
  const Csv csv = Csv::read(path);
  require(csv.columns().size() == 4 && csv.columns()[3] == "test_accuracy", "{}: its columns are not those of accuracies", path.string());
  std::map<Index, Accuracy> all;
  for (const auto& row : csv.rows()) {
    const bool numbered = row[0].find_first_not_of("0123456789") == std::string::npos;
    if (!numbered || row[3].empty()) continue;
    // Means over batches may come out an ulp above 1.
    const double test = std::min(1.0, parse_number<double>(path.string(), row[3], 0, 1 + 1e-9));
    all[parse_number<Index>(path.string(), row[0])] = {parse_number<double>(path.string(), row[1], 0, 1), test};
  }
  return all;
}

std::vector<Index> targets(const Run& run) {
  const std::string index = run.get("index");
  return index.empty() ? std::vector<Index>{} : parse_indices(run.name() + ": index", index);
}

fs::path target_folder(const Run& run, Index target) {
  const fs::path own = run.folder / std::to_string(target);
  return fs::is_directory(own) ? own : run.folder;
}

}  // namespace tangentplane::experiments
