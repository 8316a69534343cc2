#include "experiments/claims/study/names.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "experiments/common/text/files.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

using Keys = std::set<std::string, std::less<>>;

// What no name holds: where a run lies and how it was run, what says nothing about its numbers; seeds and sources, which repeats differ
// in; and what a name has in another way.
const Keys not_said{"out",      "threads", "memory",   "quiet",   "alignment-every", "save-onnx",
                    "save-ntk", "force",   "data-dir", "seed",    "data-seed",       "subset-seed",
                    "ntk",      "nads",    "index",    "model",   "filters",         "data",
                    "init",     "labels",  "positive", "classes", "linearize"};
const Keys of_networks{"features", "blocks", "activation", "train", "freeze"};

// Where a file lies, as far as needed: the last parts of its path by which it is no other run's of that option. Files of one content,
// by fingerprint, are one.
std::string short_path(const std::vector<Run*>& runs, const Run& run, const std::string& option, std::string_view fingerprint) {
  const std::string path = run.get(option);
  const auto last = [](const std::string& of, std::size_t parts) {
    std::size_t slash = of.size();
    while (parts-- > 0 && slash != 0 && slash != std::string::npos) slash = of.rfind('/', slash - 1);
    return slash == std::string::npos || slash == 0 ? of : of.substr(slash + 1);
  };
  const auto is_another = [&](const Run* other) { return other->get(option) != path && !same(run, *other, fingerprint); };
  for (std::size_t parts = 1;; ++parts) {
    const std::string tail = last(path, parts);
    const bool shared = std::any_of(runs.begin(), runs.end(),
                                    [&](const Run* other) { return is_another(other) && last(other->get(option), parts) == tail; });
    if (!shared || tail == path) return tail;
  }
}

std::string in_words(const Run& run, std::string key, const std::string& value) {
  if (value == "false") return "";
  if (key == "num-train" || key == "num-test")
    return fmt::format("{} {} {}", value, key == "num-train" ? "training" : "test", run.experiment == "train_nads" ? "samples" : "images");
  std::replace(key.begin(), key.end(), '-', ' ');
  return value == "true" ? key : key + " " + value;
}

/// An option of a run, or of what it builds on, as a name may say it.
struct Option {
  Told::Of of = Told::Of::rest;
  std::string text = {};  ///< empty: not worth a word
  bool always = false;
};
/// By key, those of a source after its name: "kernel's eigen". In the order of config.toml.
using Options = std::vector<std::pair<std::string, Option>>;

Options options_of(const Study& study, const Run& run) {
  Options all;
  for (const auto& [key, value] : run.config.entries()) {
    if (not_said.contains(key) || (key == "num-train" && run.experiment == "train_cifar")) continue;
    const auto of = of_networks.contains(key) ? Told::Of::network : key.starts_with("num-") ? Told::Of::images : Told::Of::rest;
    all.emplace_back(key, Option{of, in_words(run, key, value), key == "outputs"});
  }
  if (!run.names.init.empty()) all.emplace_back("init", Option{Told::Of::network, "weights of " + run.names.init, true});
  for (const auto& [option, whose] : {std::pair{"ntk", "kernel's "}, std::pair{"nads", "directions' "}})
    if (const Run* source = study.source(run, option))
      for (const auto& [key, value] : source->config.entries())
        if (const std::string words = in_words(*source, key, value); !not_said.contains(key) && run.get(key) != value && !words.empty())
          all.emplace_back(whose + key, Option{Told::Of::rest, whose + words});
  return all;
}

/// Repeats, under what they have in common.
struct Group {
  std::vector<Run*> runs = {};
  Options options = {};
};

bool is_of_a_source(const std::string& key) { return key.find(' ') != std::string::npos; }

// Whether two groups differ in an option. What a source that is gone was made with is not known.
bool differ_in(const std::string& key, const Group& a, const Group& b) {
  const auto of = [&](const Group& group) {
    return std::find_if(group.options.begin(), group.options.end(), [&](const auto& option) { return option.first == key; });
  };
  const auto x = of(a), y = of(b);
  if (x == a.options.end() || y == b.options.end()) return !is_of_a_source(key) && (x == a.options.end()) != (y == b.options.end());
  return x->second.text != y->second.text;
}

// A file's name that repeats do not share is its name alone.
void share(std::vector<Run*>& runs, std::string RunNames::*name, const std::string& option) {
  const bool alike = std::all_of(runs.begin(), runs.end(), [&](const Run* run) { return run->names.*name == runs.front()->names.*name; });
  if (alike) return;
  for (Run* run : runs) run->names.*name = fs::path(run->get(option)).filename().string();
}

void tell_apart(std::vector<Group>& groups) {
  for (Group& group : groups) {
    std::vector<Told> told;
    for (const auto& [key, option] : group.options) {
      bool any = option.always, in_same_network = option.always;
      for (const Group& other : groups) {
        const bool same_network = other.runs.front()->model() == group.runs.front()->model();
        if (&other == &group || !differ_in(key, group, other) || (option.of == Told::Of::network && !same_network)) continue;
        any = true, in_same_network = in_same_network || same_network;
      }
      if (any && !option.text.empty()) told.push_back({option.of, option.text, in_same_network});
    }
    for (Run* run : group.runs) run->names.told = told;
  }
  const auto called = [](const Group& group) { return title_of(*group.runs.front()) + labels_of(*group.runs.front()); };
  std::map<std::string, std::vector<Group*>> by_name;
  for (Group& group : groups) by_name[called(group)].push_back(&group);
  for (const auto& [name, alike] : by_name)
    for (Group* group : alike)
      for (Run* run : group->runs)
        if (alike.size() > 1) run->names.told.push_back({Told::Of::rest, "in " + group->runs.front()->name(), true});
}

std::string joined(const std::vector<Told>& told, const auto& wanted, const char* before) {
  std::string text;
  for (const Told& t : told)
    if (wanted(t)) text += (text.empty() ? "" : before) + t.text;
  return text;
}

std::string with_network(const Run& run) {
  const std::string network = joined(
      run.names.told, [](const Told& t) { return t.of == Told::Of::network; }, "; ");
  return run.model() + (network.empty() ? "" : " (" + network + ")");
}

// The options of any kind, behind commas.
std::string behind(const std::vector<Told>& told, const auto& wanted) {
  const std::string text = joined(told, wanted, ", ");
  return text.empty() ? "" : ", " + text;
}

bool is_option(const Told& t, bool in_titles) { return t.of == Told::Of::rest && (t.in_same_network || !in_titles); }

// What tells a pair's linearization from others, as far as it does not its network.
std::string of_linearization(const PairRepeats& pairs, bool in_titles) {
  const auto &network = pairs.front().network->names.told, &linear = pairs.front().linear->names.told;
  const std::string text = joined(
      linear,
      [&](const Told& t) {
        const bool of_both = std::any_of(network.begin(), network.end(), [&](const Told& other) { return other.text == t.text; });
        return is_option(t, in_titles) && !of_both;
      },
      ", ");
  return text.empty() ? "" : ", linearization: " + text;
}

std::string with_seeds(std::size_t repeats) { return repeats == 1 ? "" : fmt::format(", {} seeds", repeats); }

// "0 to 4", "1, 3 and 5"
std::string classes(const std::vector<Index>& positive) {
  std::vector<std::string> runs;
  for (std::size_t begin = 0; begin < positive.size();) {
    std::size_t end = begin + 1;
    while (end < positive.size() && positive[end] == positive[end - 1] + 1) ++end;
    if (end - begin > 2)
      runs.push_back(fmt::format("{} to {}", positive[begin], positive[end - 1]));
    else
      for (std::size_t i = begin; i < end; ++i) runs.push_back(std::to_string(positive[i]));
    begin = end;
  }
  return listed(runs);
}

}  // namespace

void name_runs(Study& study) {
  std::vector<Run*> all;
  for (auto* runs : {&study.runs, &study.elsewhere})
    for (Run& run : *runs) all.push_back(&run);
  for (Run* run : all)
    run->names = {short_path(all, *run, "model", "graph"), short_path(all, *run, "data", "images"),
                  short_path(all, *run, "labels", "labels"), short_path(all, *run, "init", "weights")};

  using Kind = std::tuple<std::string, bool, bool>;
  std::map<Kind, std::vector<const Run*>> kinds;
  for (const Run& run : study.runs) kinds[{run.experiment, run.linearized(), run.own_labels()}].push_back(&run);
  const auto mine = [&](const Run* run) { return &study.runs[static_cast<std::size_t>(run - study.runs.data())]; };
  for (const auto& [kind, runs] : kinds) {
    const auto found = matched_runs(study, runs);
    std::vector<Group> groups;
    for (const Repeats& repeats : found.groups) {
      Group& group = groups.emplace_back();
      for (const Run* run : repeats) group.runs.push_back(mine(run));
      share(group.runs, &RunNames::data, "data"), share(group.runs, &RunNames::init, "init"),
          share(group.runs, &RunNames::labels, "labels");
      group.options = options_of(study, *group.runs.front());
    }
    tell_apart(groups);
    for (const NotCounted& twin : found.not_counted) mine(twin.run)->names = twin.counted->names;
  }
}

std::string title_of(const Run& run, bool with_data) {
  const auto sizes = [](const Told& t) { return t.of == Told::Of::images && t.in_same_network; };
  return with_network(run) + (with_data && !run.names.data.empty() ? " on " + run.names.data : "") + behind(run.names.told, sizes) +
         behind(run.names.told, [](const Told& t) { return is_option(t, true); });
}

std::string model(const Repeats& runs) { return title_of(*runs.front()) + with_seeds(runs.size()); }
std::string model(const PairRepeats& pairs) {
  return title_of(*pairs.front().network) + of_linearization(pairs, true) + with_seeds(pairs.size());
}

std::string setting(const Run& run) {
  const std::string sizes = run.get("num-train"), of = run.experiment == "train_nads" ? "samples" : "images";
  return with_network(run) + (run.names.data.empty() ? "" : " on " + run.names.data) +
         fmt::format(", {} training and {} test {}",
                     sizes.find(',') == std::string::npos ? sizes : "up to " + sizes.substr(sizes.rfind(',') + 1), run.get("num-test"),
                     of) +
         behind(run.names.told, [](const Told& t) { return is_option(t, false); });
}
std::string setting(const Repeats& runs) { return setting(*runs.front()) + with_seeds(runs.size()); }
std::string setting(const PairRepeats& pairs) {
  return setting(*pairs.front().network) + of_linearization(pairs, false) + with_seeds(pairs.size());
}

std::string labels_of(const Run& run) {
  std::string text = run.own_labels()              ? (run.names.labels.empty() ? run.labels_file() : run.names.labels)
                     : run.get("classes") == "all" ? "all classes"
                                                   : "";
  if (run.get("positive").empty()) return text;
  auto positive = parse_list<Index>(run.name() + ": positive", run.get("positive"), 0);
  std::sort(positive.begin(), positive.end());
  return fmt::format("{}{}class{} {} against the rest", text, text.empty() ? "" : ", ", positive.size() == 1 ? "" : "es",
                     classes(positive));
}

std::string listed(const std::vector<std::string>& names) {
  if (names.size() < 2) return names.empty() ? "" : names.front();
  return fmt::format("{} and {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back());
}

}  // namespace tangentplane::experiments
