#include "experiments/claims/study/matching.h"

#include <algorithm>
#include <map>
#include <set>

#include "experiments/common/text/files.h"

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

// Whether a linearization is that of the network.
bool is_of(const Run& linear, const Run& network) {
  if (differ(network, linear, "weights") || differ(network, linear, "images")) return false;
  Keys may_differ{"linearize", "space", "without-f0", "epochs", list_of_tasks(network)};
  if (same(network, linear, "weights") && same(network, linear, "images"))
    may_differ.insert({"data", "data-seed", "init", "ntk", "nads", "labels"});  // where these came from
  return agreement(network, may_differ) == agreement(linear, may_differ);
}

// The order in which linearizations of one network are preferred.
bool before(const Run& network, const Run* a, const Run* b) {
  const auto epochs = [](const Run& run) {
    const std::string text = run.get("epochs");
    return text.empty() ? 0 : parse_number<Index>(run.name() + ": epochs", text);
  };
  const auto place = [&](const Run& run) {
    const bool other_tasks = run.get(list_of_tasks(run)) != network.get(list_of_tasks(run));
    return std::tuple(other_tasks, epochs(run) != epochs(network), run.get("without-f0") == "true", -epochs(run), run.name());
  };
  return place(*a) < place(*b);
}

// What runs share that differ in their seeds alone; a run that one of them builds on counts for what it was, not where it is.
std::string without_seeds(const Study& study, const Run& run) {
  const Keys may_differ{"seed", "data-seed", "subset-seed", "init", "ntk", "nads", "data", "labels", list_of_tasks(run)};
  std::string s = run.experiment + "\n" + agreement(run, may_differ) + run.data() + "\n" + run.labels_file() + "\n";
  for (const char* option : {"ntk", "nads"}) {
    const Run* source = study.source(run, option);
    s += source && source != &run ? without_seeds(study, *source) : std::string("no source\n");
  }
  return s;
}
std::string without_seeds(const Study& study, const Run* run) { return without_seeds(study, *run); }
std::string without_seeds(const Study& study, const Pair& pair) {
  return without_seeds(study, *pair.network) + without_seeds(study, *pair.linear);
}

const Run& first_of(const Run* run) { return *run; }
const Run& first_of(const Pair& pair) { return *pair.network; }
std::vector<const Run*> runs_of(const Run* run) { return {run}; }
std::vector<const Run*> runs_of(const Pair& pair) { return {pair.network, pair.linear}; }

template <class T>
bool same_tasks(const T& a, const T& b) {
  const char* list = list_of_tasks(first_of(a));
  return first_of(a).get(list) == first_of(b).get(list);
}

// What agrees but for seeds is a repeat where it starts elsewhere, and another comparison where it learnt other tasks from the same start.
template <class T>
void group(const Study& study, const std::vector<T>& all, Grouped<T>& found) {
  std::map<std::string, std::vector<std::size_t>> places;
  for (const T& one : all) {
    auto& its = places[without_seeds(study, one)];
    const T* counted = nullptr;
    bool placed = false;
    for (std::size_t i = 0; i < its.size() && !placed && !counted; ++i) {
      auto& repeats = found.groups[its[i]];
      const auto twin =
          std::find_if(repeats.begin(), repeats.end(), [&](const T& other) { return same_sample(first_of(other), first_of(one)); });
      if (twin == repeats.end())
        repeats.push_back(one), placed = true;
      else if (same_tasks(*twin, one))
        counted = &*twin;
    }
    if (!counted && !placed) {
      its.push_back(found.groups.size());
      found.groups.push_back({one});
    }
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
    std::sort(its.begin(), its.end(), [&](const Run* a, const Run* b) { return before(*network, a, b); });
    pairs.push_back({network, its.front()});
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
