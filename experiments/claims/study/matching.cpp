#include "experiments/claims/study/matching.h"

#include <algorithm>
#include <set>

#include "experiments/common/text/files.h"
#include "experiments/common/training/end_of_training.h"
#include "experiments/common/training/target.h"

namespace tangentplane::experiments {
namespace {

using Keys = std::set<std::string, std::less<>>;

// What says nothing about a run's numbers.
const Keys no_matter{"out", "threads", "memory", "quiet", "alignment-every", "save-onnx", "save-ntk", "force", "data-dir"};

// All options but these, as one text.
std::string agreement(const Run& run, const Keys& may_differ) {
  std::string s;
  for (const auto& [key, value] : run.config.entries())
    if (!may_differ.contains(key) && !no_matter.contains(key)) s += key + "=" + value + "\n";
  return s;
}

bool same_start(const Run& a, const Run& b) {
  if (differ(a, b, "weights") || differ(a, b, "images")) return false;
  if (same(a, b, "weights") && same(a, b, "images")) return true;
  return a.start_seed == b.start_seed && a.get("init") == b.get("init");
}
bool same_sample(const Run& a, const Run& b) { return same_start(a, b) && a.get("subset-seed") == b.get("subset-seed"); }

// The option that lists a run's tasks, which need not be the same for all that are compared.
const char* list_of_tasks(const Run& run) { return run.experiment == "train_cifar" ? "num-train" : "index"; }

bool same_list(const Run& a, const Run& b) { return a.get(list_of_tasks(a)) == b.get(list_of_tasks(b)); }

// Whether both learnt the labels of one file, or neither those of a file. A list of sizes, and a subset, choose among them.
bool same_own_labels(const Run& a, const Run& b) {
  if (!a.own_labels() || !b.own_labels()) return a.own_labels() == b.own_labels();
  const bool as_chosen = same_list(a, b) && a.get("subset-seed") == b.get("subset-seed");
  for (const char* content : {"given labels", as_chosen ? "labels" : "given labels"}) {
    if (same(a, b, content)) return true;
    if (differ(a, b, content)) return false;
  }
  return a.labels_file() == b.labels_file();
}

// Whether a linearization is that of the network.
bool is_of(const Run& linear, const Run& network) {
  for (const char* content : {"weights", "images", "graph"})
    if (differ(network, linear, content)) return false;
  if (!same_own_labels(network, linear)) return false;
  Keys may_differ{"linearize", "space", "without-f0", "epochs", list_of_tasks(network)};
  if (same(network, linear, "weights") && same(network, linear, "images"))
    may_differ.insert({"data", "data-seed", "init", "ntk", "nads", "labels"});  // where these came from
  return agreement(network, may_differ) == agreement(linear, may_differ);
}

// How many of the network's tasks a linearization of it learnt to the end.
std::size_t finished_tasks(const Run& linear, const Run& network) {
  std::vector<std::string> names{"labels"};
  if (const std::string list = linear.get(list_of_tasks(linear)); !list.empty()) {
    const auto of_network = parse_indices(network.name() + ": tasks", network.get(list_of_tasks(network)));
    names.clear();
    for (Index task : parse_indices(linear.name() + ": tasks", list))
      if (std::find(of_network.begin(), of_network.end(), task) != of_network.end()) names.push_back(std::to_string(task));
  }
  return static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [&](const std::string& name) {
    const auto path = target_folder(linear, name) / "history.csv";
    if (!std::filesystem::is_regular_file(path)) return false;
    const History history = load_history(path);
    return !history.empty() && trained_to_the_end(history);
  }));
}

// The order in which linearizations of one network are preferred.
auto place(const Run& network, const Run& linear) {
  const auto epochs = [](const Run& run) {
    const std::string text = run.get("epochs");
    return text.empty() ? 0 : parse_number<Index>(run.name() + ": epochs", text);
  };
  return std::tuple(-static_cast<Index>(finished_tasks(linear, network)), !same_list(linear, network), epochs(linear) != epochs(network),
                    linear.get("without-f0") == "true", -epochs(linear), linear.name());
}

// Whether both have the same images, as far as no seed made them; those of an older version are known by their file's name.
bool same_given_images(const Run& a, const Run& b) {
  const auto generated = [](const Run& run) { return run.get("data").empty() || run.get("data") == "dead-leaves"; };
  if (generated(a) || generated(b)) return a.get("data") == b.get("data");
  return same(a, b, "images") || (!differ(a, b, "images") && a.data() == b.data());
}

// The run whose weights --init took, if it is in the study.
const Run* start_of(const Study& study, const Run& run) {
  const std::filesystem::path init = normal_path(run.get("init"));
  const auto at = std::find_if(study.runs.begin(), study.runs.end(), [&](const Run& other) {
    const auto within = init.lexically_relative(other.folder);
    return !within.empty() && *within.begin() != "..";
  });
  return init.empty() || at == study.runs.end() ? nullptr : &*at;
}

// Whether two runs differ in their seeds alone, and in what seeds make of one option: weights, generated images, a subset, order of
// batches; so do the runs that they build on. A run counts for what it was, not where it is.
bool are_repeats(const Study& study, const Run& a, const Run& b) {
  if (&a == &b) return true;
  const Keys may_differ{"seed", "data-seed", "subset-seed", "init", "ntk", "nads", "data", "labels", list_of_tasks(a)};
  if (a.experiment != b.experiment || agreement(a, may_differ) != agreement(b, may_differ) || differ(a, b, "graph") ||
      !same_given_images(a, b) || !same_own_labels(a, b) || a.get("init").empty() != b.get("init").empty())
    return false;
  bool known = true;  // where the weights are from
  for (const char* option : {"ntk", "nads"}) {
    const Run *of_a = study.source(a, option), *of_b = study.source(b, option);
    if (!of_a != !of_b || (of_a && !are_repeats(study, *of_a, *of_b))) return false;
    known = known && (of_a || a.get(option).empty() || !a.get("init").empty());
  }
  if (const Run* of_a = start_of(study, a), *of_b = start_of(study, b); of_a && of_b) {
    const auto within = [](const Run& run, const Run& of) { return normal_path(run.get("init")).lexically_relative(of.folder); };
    if (within(a, *of_a) != within(b, *of_b) || !are_repeats(study, *of_a, *of_b)) return false;
  }
  const bool same_seeds = a.start_seed == b.start_seed && a.seed() == b.seed() && a.get("subset-seed") == b.get("subset-seed");
  return !(known && same_seeds && (differ(a, b, "weights") || differ(a, b, "images")));
}
bool are_repeats(const Study& study, const Run* a, const Run* b) { return are_repeats(study, *a, *b); }
bool are_repeats(const Study& study, const Pair& a, const Pair& b) {
  return are_repeats(study, *a.network, *b.network) && are_repeats(study, *a.linear, *b.linear);
}

const Run& first_of(const Run* run) { return *run; }
const Run& first_of(const Pair& pair) { return *pair.network; }
std::vector<const Run*> runs_of(const Run* run) { return {run}; }
std::vector<const Run*> runs_of(const Pair& pair) { return {pair.network, pair.linear}; }

// What agrees but for seeds is a repeat where it starts elsewhere, and another comparison where it learnt other tasks from the same start.
template <class T>
void group(const Study& study, const std::vector<T>& all, Grouped<T>& found) {
  for (const T& one : all) {
    const T* counted = nullptr;
    bool placed = false;
    for (auto& repeats : found.groups) {
      if (placed || counted) continue;
      if (!std::all_of(repeats.begin(), repeats.end(), [&](const T& other) { return are_repeats(study, other, one); })) continue;
      const auto twin =
          std::find_if(repeats.begin(), repeats.end(), [&](const T& other) { return same_sample(first_of(other), first_of(one)); });
      if (twin == repeats.end())
        repeats.push_back(one), placed = true;
      else if (same_list(first_of(*twin), first_of(one)))
        counted = &*twin;
    }
    if (!counted && !placed) found.groups.push_back({one});
    if (!counted) continue;
    const auto counted_runs = runs_of(*counted);
    for (const Run* run : runs_of(one))
      if (std::find(counted_runs.begin(), counted_runs.end(), run) == counted_runs.end())
        found.not_counted.push_back({run, NotCounted::Why::same_start, &first_of(*counted)});
  }
}

template <class T>
std::vector<std::string> seeds(const std::vector<T>& repeats) {
  std::vector<std::string> names;
  for (const T& one : repeats) names.push_back(first_of(one).start_seed);
  const auto plain = names;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (std::count(plain.begin(), plain.end(), plain[i]) > 1) names[i] += "_" + first_of(repeats[i]).name();
  return names;
}

template <class T>
std::vector<std::string> columns(const std::vector<T>& repeats) {
  if (repeats.size() < 2) return {};
  auto names = seeds(repeats);
  for (std::string& name : names) name = "seed_" + name;
  return names;
}

}  // namespace

Grouped<Pair> matched_pairs(const Study& study, std::string_view experiment, bool own_labels) {
  Grouped<Pair> found;
  std::vector<const Run*> linears;
  std::set<const Run*> used;
  std::vector<Pair> pairs;
  for (const Run* run : study.of(experiment))
    if (run->linearized() && run->own_labels() == own_labels) linears.push_back(run);
  for (const Run* network : study.of(experiment)) {
    if (network->linearized() || network->own_labels() != own_labels) continue;
    std::vector<const Run*> its;
    std::copy_if(linears.begin(), linears.end(), std::back_inserter(its), [&](const Run* linear) { return is_of(*linear, *network); });
    if (its.empty()) {
      found.not_counted.push_back({network, NotCounted::Why::alone});
      continue;
    }
    const auto counts =
        std::min_element(its.begin(), its.end(), [&](auto* a, auto* b) { return place(*network, *a) < place(*network, *b); });
    pairs.push_back({network, *counts});
    used.insert(its.begin(), its.end());
  }
  for (const Run* linear : linears) {
    const auto of = std::find_if(pairs.begin(), pairs.end(), [&](const Pair& pair) { return is_of(*linear, *pair.network); });
    const bool counts = std::any_of(pairs.begin(), pairs.end(), [&](const Pair& pair) { return pair.linear == linear; });
    if (!used.contains(linear))
      found.not_counted.push_back({linear, NotCounted::Why::alone});
    else if (!counts)
      found.not_counted.push_back({linear, NotCounted::Why::second_form, of->linear});
  }
  group(study, pairs, found);
  return found;
}

Grouped<const Run*> matched_runs(const Study& study, const std::vector<const Run*>& runs) {
  Grouped<const Run*> found;
  group(study, runs, found);
  return found;
}

std::vector<Repeats> repeated(const Study& study, const std::vector<const Run*>& runs) { return matched_runs(study, runs).groups; }

std::vector<std::string> seeds_of(const Repeats& runs) { return seeds(runs); }
std::vector<std::string> seeds_of(const PairRepeats& pairs) { return seeds(pairs); }
std::vector<std::string> seed_columns(const Repeats& runs) { return columns(runs); }
std::vector<std::string> seed_columns(const PairRepeats& pairs) { return columns(pairs); }

}  // namespace tangentplane::experiments
