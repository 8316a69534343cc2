#include "experiments/claims/study/runs.h"

#include <algorithm>
#include <set>

#include "data/hash.h"
#include "experiments/claims/study/names.h"
#include "experiments/common/run/files_of_run.h"
#include "experiments/common/run/fingerprints.h"
#include "experiments/common/run/results.h"
#include "experiments/common/text/files.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

Run read_run(const fs::path& folder, const std::string& experiment) {
  Run run{folder, experiment, Config::read(folder / "config.toml")};
  const auto made = Fingerprints::read(folder);
  for (const Fingerprint& f : made.all()) run.fingerprints[f.name] = f.text;
  return run;
}

/// The first file of a run that is not as the run left it, and what it is; empty where all are. Weights and kernels are not read here.
std::string first_change(const fs::path& folder) {
  const auto torn = torn_files(folder, {"init.npz", "final.npz", "final.onnx", "ntk.npy", "eigvecs.npy", "residuals.npy"});
  return torn.empty() ? "" : fmt::format("{} {}", (folder.filename() / torn[0].first.lexically_relative(folder)).string(), torn[0].second);
}

// Whether `other` cannot be what `run` builds on: its images or weights are others, and none were taken from elsewhere on purpose.
bool is_another(const Run& run, const Run& other, std::string_view option) {
  if (run.get("force") == "true") return false;
  const bool own_weights = !run.get("init").empty(), own_images = option == "nads";
  return (!own_weights && differ(run, other, "weights")) || (!own_images && differ(run, other, "images"));
}

std::string experiment_behind(std::string_view option) { return option == "nads" ? "compute_nads" : "compute_ntk"; }

// Whether a run starts from weights that no seed draws, or builds on one that did.
bool has_given_weights(const Study& study, const Run& run) {
  if (!run.get("init").empty() || run.is_file_model()) return true;
  const Run *ntk = study.source(run, "ntk"), *nads = study.source(run, "nads");
  return (ntk && has_given_weights(study, *ntk)) || (nads && has_given_weights(study, *nads));
}

std::string more_seeds(const Study& study, const Run& run) {
  const std::string command = study.reproduced.command_around(run.name(), 3);
  if (!command.empty()) return "in this folder: " + command;
  return has_given_weights(study, run) ? "the same runs from other weights" : "the same runs under another --seed";
}

// What the runs of a study build on outside of it, as far as it is there and finished.
std::vector<Run> read_elsewhere(const std::vector<Run>& runs) {
  std::set<fs::path> seen;
  std::vector<Run> found;
  for (const Run& run : runs) seen.insert(run.folder);
  for (const Run& run : runs)
    for (const char* option : {"ntk", "nads"}) {
      const fs::path folder = normal_path(run.get(option));
      std::error_code error;
      if (folder.empty() || !seen.insert(folder).second || !fs::is_regular_file(folder / "config.toml", error)) continue;
      if (experiment_of(read_text(folder / "config.toml")) == experiment_behind(option) && is_finished(folder) &&
          first_change(folder).empty())
        found.push_back(read_run(folder, experiment_behind(option)));
    }
  return found;
}

}  // namespace

std::string Run::get(std::string_view key) const {
  const std::string* value = config.find(key);
  return value ? *value : "";
}

std::string Run::model() const {
  const std::string filters = get("filters");
  return (names.model.empty() ? get("model") : names.model) + (filters.empty() || filters == "64" ? "" : " of " + filters + " filters");
}

bool Run::is_own() const {
  const std::string network = get("model");
  return !is_file_model() && network != "mlp" && network != "lenet" && network != "resnet18";
}

std::string Run::data() const { return fs::path(get("data")).filename().string(); }
std::string Run::labels_file() const { return fs::path(get("labels")).filename().string(); }

double Run::test_images() const {
  const std::string n = get("num-test");
  return n.empty() ? 0 : parse_number<double>(name() + ": num-test", n, 0);
}

double Run::images() const { return parse_number<double>(name() + ": num-train", get("num-train"), 1) + test_images(); }

std::string Run::seed() const {
  const std::string own = get("seed"), of_data = get("data-seed");
  return of_data.empty() || of_data == own ? own : own + "_data_" + of_data;
}

bool same(const Run& a, const Run& b, std::string_view fingerprint) {
  const auto x = a.fingerprints.find(fingerprint), y = b.fingerprints.find(fingerprint);
  return x != a.fingerprints.end() && y != b.fingerprints.end() && data::same_fingerprint(x->second, y->second);
}

bool differ(const Run& a, const Run& b, std::string_view fingerprint) {
  return a.fingerprints.contains(fingerprint) && b.fingerprints.contains(fingerprint) && !same(a, b, fingerprint);
}

std::vector<const Run*> Study::of(std::string_view experiment) const {
  std::vector<const Run*> found;
  for (const Run& run : runs)
    if (run.experiment == experiment) found.push_back(&run);
  return found;
}

const Run* Study::source(const Run& run, std::string_view option) const {
  const fs::path named = normal_path(run.get(option));
  if (named.empty()) return nullptr;
  std::vector<const Run*> candidates;
  for (const auto* all : {&runs, &elsewhere})
    for (const Run& other : *all)
      if (&other != &run && other.experiment == experiment_behind(option) && !is_another(run, other, option)) candidates.push_back(&other);
  const auto first = [&](const auto& fits) {
    const auto at = std::find_if(candidates.begin(), candidates.end(), fits);
    return at == candidates.end() ? nullptr : *at;
  };
  const auto of_that_name = [&](const Run* other) { return other->name() == named.filename().string(); };
  const auto of_same_content = [&](const Run* other) {
    return same(run, *other, "weights") && (option == "nads" || same(run, *other, "images"));
  };
  if (const Run* there = first([&](const Run* other) { return other->folder == named; })) return there;
  if (const Run* moved = first([&](const Run* other) { return of_that_name(other) && of_same_content(other); })) return moved;
  if (const Run* renamed = first(of_same_content)) return renamed;
  return first(of_that_name);
}

std::string Study::how_to_run(const std::string& pattern, const std::string& otherwise) const {
  const std::string command = reproduced.command(pattern);
  return command.empty() ? otherwise : "in this folder, " + command;
}

Study read_study(const fs::path& root) {
  std::error_code error;
  require(fs::is_directory(root, error), "{}: no such folder; give the one that experiments/reproduce filled", root.string());
  Study study{.root = normal_path(fs::absolute(root)), .runs = {}, .unfinished = {}};
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(study.root))
    if (fs::is_regular_file(entry.path() / "config.toml")) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  for (const fs::path& folder : folders) {
    const std::string experiment = experiment_of(read_text(folder / "config.toml"));
    if (experiment.empty()) continue;
    if (!is_finished(folder))
      study.unfinished.push_back(folder.filename().string());
    else if (const std::string change = first_change(folder); !change.empty())
      study.changed.push_back(change);
    else
      study.runs.push_back(read_run(folder, experiment));
  }
  require(!study.runs.empty() || !study.unfinished.empty() || !study.changed.empty(),
          "{}: holds no results; run experiments/reproduce first", root.string());
  study.reproduced = Reproduced::read(study.root);
  study.elsewhere = read_elsewhere(study.runs);
  for (auto* all : {&study.runs, &study.elsewhere})
    for (Run& run : *all) {
      run.start_seed = run.seed();
      for (const char* option : {"ntk", "nads"})
        if (const Run* source = run.get("init").empty() ? study.source(run, option) : nullptr) run.start_seed = source->seed();
    }
  for (Run& run : study.runs) run.more_seeds = more_seeds(study, run);
  name_runs(study);
  return study;
}

std::vector<Index> targets(const Run& run) {
  const std::string index = run.get("index");
  return index.empty() ? std::vector<Index>{} : parse_indices(run.name() + ": index", index);
}

fs::path target_folder(const Run& run, const std::string& target) {
  const fs::path own = run.folder / target;
  return fs::is_directory(own) ? own : run.folder;
}
fs::path target_folder(const Run& run, Index target) { return target_folder(run, std::to_string(target)); }

}  // namespace tangentplane::experiments
