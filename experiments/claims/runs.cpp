#include "experiments/claims/runs.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "experiments/common/run/results.h"
#include "experiments/common/text/csv.h"
#include "experiments/common/text/files.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

using Keys = std::set<std::string, std::less<>>;

// What must agree for two runs to be compared: all options but these.
std::string agreement(const Run& run, const Keys& may_differ) {
  std::string s;
  for (const auto& [key, value] : run.config.entries())
    if (!may_differ.contains(key)) s += key + "=" + value + "\n";
  return s;
}

std::string recipe(const Run& run) {
  static const Keys may_differ{"linearize", "space", "without-f0", "index", "out", "threads", "memory", "quiet", "alignment-every"};
  return agreement(run, may_differ);
}

// What runs share that differ in their seeds alone; a run that one of them builds on counts for what it was, not where it is.
std::string without_seeds(const Study& study, const Run& run) {
  static const Keys may_differ{"seed", "data-seed", "ntk", "nads", "out", "threads", "memory", "quiet", "alignment-every"};
  std::string s = run.experiment + "\n" + agreement(run, may_differ);
  for (const char* option : {"ntk", "nads"}) {
    const Run* source = study.source(run, option);
    s += source && source != &run ? without_seeds(study, *source) : run.get(option) + "\n";
  }
  return s;
}

const Run& first_of(const Run* run) { return *run; }
const Run& first_of(const Pair& pair) { return *pair.network; }
std::string without_seeds(const Study& study, const Run* run) { return without_seeds(study, *run); }
std::string without_seeds(const Study& study, const Pair& pair) {
  return without_seeds(study, *pair.network) + without_seeds(study, *pair.linear);
}

template <class T>
std::vector<std::vector<T>> grouped(const Study& study, const std::vector<T>& all) {
  std::vector<std::vector<T>> groups;
  std::map<std::string, std::size_t> place;
  for (const T& one : all) {
    const auto [at, is_new] = place.emplace(without_seeds(study, one), groups.size());
    if (is_new) groups.emplace_back();
    auto& group = groups[at->second];
    const auto same_seed = [&](const T& other) { return first_of(other).seed() == first_of(one).seed(); };
    if (std::none_of(group.begin(), group.end(), same_seed)) group.push_back(one);
  }
  return groups;
}

template <class T>
std::string with_seeds(const std::vector<T>& repeats, const std::string& what) {
  return repeats.size() == 1 ? what : fmt::format("{}, {} seeds", what, repeats.size());
}

template <class T>
std::vector<std::string> columns(const std::vector<T>& repeats) {
  std::vector<std::string> names;
  if (repeats.size() > 1)
    for (const T& one : repeats) names.push_back("seed_" + first_of(one).seed());
  return names;
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
  const fs::path named = normal_path(run.get(option));
  for (const Run& other : runs)
    if (!named.empty() && (other.folder == named || other.name() == named.filename().string())) return &other;
  return nullptr;
}

std::string Run::setting() const {
  const std::string sizes = get("num-train");
  return fmt::format("{} on {}, {} training and {} test images", model(), data(),
                     sizes.find(',') == std::string::npos ? sizes : "up to " + sizes.substr(sizes.rfind(',') + 1), get("num-test"));
}

std::string Run::seed() const {
  const std::string own = get("seed"), of_data = get("data-seed");
  return of_data.empty() || of_data == own ? own : own + "_data_" + of_data;
}

Study read_study(const fs::path& root) {
  std::error_code error;
  require(fs::is_directory(root, error), "{}: no such folder; give the one that experiments/reproduce filled", root.string());
  Study study{normal_path(fs::absolute(root)), {}, {}};
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(study.root))
    if (fs::is_regular_file(entry.path() / "config.toml")) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  for (const fs::path& folder : folders) {
    const std::string experiment = experiment_of(read_text(folder / "config.toml"));
    if (experiment.empty()) continue;
    if (is_finished(folder))
      study.runs.push_back({folder, experiment, Config::read(folder / "config.toml")});
    else
      study.unfinished.push_back(folder.filename().string());
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

std::vector<Repeats> repeated(const Study& study, const std::vector<const Run*>& runs) { return grouped(study, runs); }
std::vector<PairRepeats> repeated(const Study& study, const std::vector<Pair>& pairs) { return grouped(study, pairs); }

std::string setting(const Repeats& runs) { return with_seeds(runs, runs.front()->setting()); }
std::string setting(const PairRepeats& pairs) { return with_seeds(pairs, pairs.front().network->setting()); }
std::string model(const Repeats& runs) { return with_seeds(runs, runs.front()->model()); }
std::string model(const PairRepeats& pairs) { return with_seeds(pairs, pairs.front().network->model()); }
std::vector<std::string> seed_columns(const Repeats& runs) { return columns(runs); }
std::vector<std::string> seed_columns(const PairRepeats& pairs) { return columns(pairs); }

std::vector<double> RepeatedTask::values(double Task::*value) const {
  std::vector<double> all;
  for (const auto& task : under) all.push_back(task ? *task.*value : NAN);
  return all;
}

std::vector<double> RepeatedTask::leads() const {
  std::vector<double> all = values(&Task::network);
  const auto linear = values(&Task::linear);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] -= linear[i];
  return all;
}

std::vector<RepeatedTask> tasks(const PairRepeats& pairs) {
  std::map<Index, RepeatedTask> all;
  for (std::size_t seed = 0; seed < pairs.size(); ++seed) {
    const auto network = accuracies(*pairs[seed].network), linear = accuracies(*pairs[seed].linear);
    for (const auto& [name, a] : network) {
      const auto b = linear.find(name);
      if (b == linear.end()) continue;
      RepeatedTask& task = all[name];
      task.name = name;
      task.under.resize(pairs.size());
      task.under[seed] = Task{a.balance, a.test, b->second.test};
    }
  }
  std::vector<RepeatedTask> listed;
  for (auto& [name, task] : all) listed.push_back(std::move(task));
  return listed;
}

std::vector<RepeatedTask> learnable(std::vector<RepeatedTask> tasks) {
  for (RepeatedTask& task : tasks)
    for (auto& one : task.under)
      if (one && one->one_class()) one.reset();
  std::erase_if(tasks, [](const RepeatedTask& task) {
    return std::none_of(task.under.begin(), task.under.end(), [](const auto& t) { return t.has_value(); });
  });
  return tasks;
}

std::map<Index, Accuracy> accuracies(const Run& run) {
  const fs::path path = run.folder / "accuracy.csv";
  const Csv csv = Csv::read(path);
  require(csv.columns().size() >= 4 && csv.columns()[3] == "test_accuracy", "{}: its columns are not those of accuracies", path.string());
  std::map<Index, Accuracy> all;
  for (const auto& row : csv.rows()) {
    const bool numbered = row[0].find_first_not_of("0123456789") == std::string::npos;
    if (!numbered || row[3].empty()) continue;
    all[parse_number<Index>(path.string(), row[0])] = {parse_number<double>(path.string(), row[1], 0, 1),
                                                       parse_number<double>(path.string(), row[3], 0, 1)};
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
