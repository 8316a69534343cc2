#include "experiments/claims/study/tasks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "data/hash.h"
#include "data/npy.h"
#include "experiments/claims/statistics/statistics.h"
#include "experiments/common/text/csv.h"
#include "experiments/common/training/roc.h"
#include "experiments/common/training/target.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

// Logits [M], or [M, C] of several classes, against labels.
void read_logits(const fs::path& path, Training& training) {
  const auto logits = data::load_npy<double>(path);
  const Index classes = logits.shape().rank() == 2 ? logits.shape()[1] : 1, count = logits.shape().rank() == 0 ? 0 : logits.shape()[0];
  require(count > 0 && classes > 0 && logits.shape().rank() <= 2 && static_cast<std::size_t>(count) < training.labels.size(),
          "{}: has shape {}, which is not that of logits of some of {} images", path.string(), logits.shape(), training.labels.size());
  for (Index i = 0; i < count; ++i) {
    const double* z = logits.data() + i * classes;
    const int label = training.labels[training.labels.size() - static_cast<std::size_t>(count - i)];
    const auto found = classes == 1 ? static_cast<Index>(z[0] > 0) : static_cast<Index>(std::max_element(z, z + classes) - z);
    training.correct.push_back(found == label ? 1 : 0);
    require(!std::isnan(z[0]), "{}: the logit of test image {} is NaN", path.string(), i);
    if (classes == 1) training.logits.push_back(z[0]);
  }
}

// Files of one training may differ by rounding: in an image or two whose logit is next to 0.
void require_agrees(const fs::path& path, double accuracy, const Training& training) {
  require(std::abs(accuracy - training.test_accuracy()) <= 0.01 + 2 / static_cast<double>(training.correct.size()),
          "{}: has test accuracy {:.4g}, the test_logits.npy of this training {:.4g}; run it again", path.string(), accuracy,
          training.test_accuracy());
}

// Numbers by their size, before texts.
bool by_number(const std::string& a, const std::string& b) {
  if (is_whole_number(a) != is_whole_number(b)) return is_whole_number(a);
  return is_whole_number(a) && a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::string image_source(const Run& run) {
  if (const auto found = run.fingerprints.find("images"); found != run.fingerprints.end()) return found->second;
  return run.experiment == "train_nads" ? "samples of seed " + run.get("seed") : run.get("data") + " of seed " + run.get("data-seed");
}

}  // namespace

Training load_training(const fs::path& folder) {
  Training training{.history = load_history(folder / "history.csv"), .labels = data::load_labels_npy(folder / "labels.npy")};
  require(!training.history.empty(), "{}: holds no epoch", (folder / "history.csv").string());
  training.auc = std::numeric_limits<double>::quiet_NaN();
  if (std::isnan(training.history.back().test_accuracy)) return training;
  read_logits(folder / "test_logits.npy", training);
  require_agrees(folder / "history.csv", training.history.back().test_accuracy, training);
  const std::vector<int> test(training.labels.end() - static_cast<std::ptrdiff_t>(training.correct.size()), training.labels.end());
  if (!training.logits.empty())
    if (const auto area = Roc(training.logits, test).area()) training.auc = *area;
  if (fs::exists(folder / "indices.npy")) {
    const auto rows = data::load_labels_npy(folder / "indices.npy");
    require(rows.size() == training.labels.size(), "{}: names {} images, labels.npy {}", (folder / "indices.npy").string(), rows.size(),
            training.labels.size());
    training.test_rows = data::hexadecimal(data::Hash64().add(std::span(rows).last(training.correct.size())).value());
  }
  return training;
}

std::vector<std::pair<std::string, Training>> load_trainings(const Run& run) {
  const fs::path path = run.folder / "accuracy.csv";
  const Csv csv = Csv::read(path);
  const auto& columns = csv.columns();
  require(columns.size() >= 4 && columns[3] == "test_accuracy", "{}: its columns are not those of accuracies", path.string());
  std::vector<std::pair<std::string, Training>> all;
  for (const auto& row : csv.rows()) {
    if (row[3].empty()) continue;
    const double accuracy = parse_number<double>(path.string(), row[3], 0, 1);
    all.emplace_back(row[0], load_training(target_folder(run, row[0])));
    require_agrees(path, accuracy, all.back().second);
  }
  return all;
}

double rarest_share(const std::vector<int>& labels, std::size_t begin, std::size_t end) {
  std::map<int, std::size_t> counts;
  for (int label : labels) counts.emplace(label, 0);
  for (std::size_t i = begin; i < end; ++i) ++counts[labels[i]];
  if (counts.size() < 2 || begin >= end) return 0;
  std::size_t least = end - begin;
  for (const auto& [label, count] : counts) least = std::min(least, count);
  return static_cast<double>(least) / static_cast<double>(end - begin);
}

double Training::test_accuracy() const { return correct.empty() ? std::numeric_limits<double>::quiet_NaN() : mean(correct); }
double Training::rarer_train() const { return rarest_share(labels, 0, num_train()); }
double Training::rarer_test() const { return rarest_share(labels, num_train(), labels.size()); }

Index RepeatedTask::number() const { return parse_number<Index>("task", name, 0); }

bool RepeatedTask::finished() const {
  return std::all_of(under.begin(), under.end(), [](const auto& task) { return !task || task->finished(); });
}

bool RepeatedTask::under_some_seed() const {
  return std::any_of(under.begin(), under.end(), [](const auto& task) { return task.has_value(); });
}

bool RepeatedTask::under_every_seed() const {
  return std::all_of(under.begin(), under.end(), [](const auto& task) { return task.has_value(); });
}

std::vector<RepeatedTask> tasks(const PairRepeats& pairs) {
  std::map<std::string, RepeatedTask, bool (*)(const std::string&, const std::string&)> all(by_number);
  for (std::size_t seed = 0; seed < pairs.size(); ++seed) {
    auto network = load_trainings(*pairs[seed].network), linear = load_trainings(*pairs[seed].linear);
    for (auto& [name, training] : network) {
      const auto its = std::find_if(linear.begin(), linear.end(), [&, of = name](const auto& one) { return one.first == of; });
      if (its == linear.end()) continue;
      RepeatedTask& task = all[name];
      task.name = name;
      task.under.resize(pairs.size());
      const auto &labels = training.labels, &others = its->second.labels;
      if (labels != others || training.correct.size() != its->second.correct.size()) {
        ++task.other_labels;
        continue;
      }
      Task& one = task.under[seed].emplace();
      one.balance = static_cast<double>(std::count(labels.begin(), labels.end(), 1)) / static_cast<double>(labels.size());
      one.rarer = training.rarer();
      one.network = std::move(training), one.linear = std::move(its->second);
    }
  }
  std::vector<RepeatedTask> listed;
  for (auto& [name, task] : all) listed.push_back(std::move(task));
  return listed;
}

std::vector<RepeatedTask> counting(const std::vector<RepeatedTask>& tasks) {
  std::vector<RepeatedTask> counted = tasks;
  for (RepeatedTask& task : counted)
    for (auto& one : task.under)
      if (one && !one->counts()) one.reset();
  std::erase_if(counted, [](const RepeatedTask& task) { return !task.under_some_seed(); });
  return counted;
}

std::string under_some(const std::string& task, std::size_t left_out, std::size_t seeds) {
  return left_out == seeds ? task : fmt::format("{} under {} of {} seeds", task, left_out, seeds);
}

std::vector<std::pair<std::string, double>> join_left_out(const std::vector<std::pair<std::string, double>>& of_seeds,
                                                          const std::function<std::size_t(const std::string&)>& counting) {
  std::map<std::string, std::pair<std::size_t, double>, bool (*)(const std::string&, const std::string&)> all(by_number);
  for (const auto& [name, share] : of_seeds) {
    auto& [seeds, least] = all.try_emplace(name, 0, 1.0).first->second;
    ++seeds, least = std::min(least, share);
  }
  std::vector<std::pair<std::string, double>> names;
  for (const auto& [name, of] : all) names.emplace_back(under_some(name, of.first, of.first + counting(name)), of.second);
  return names;
}

std::vector<std::pair<std::string, double>> left_out(const std::vector<RepeatedTask>& tasks) {
  std::vector<std::pair<std::string, double>> names;
  for (const RepeatedTask& task : tasks) {
    double least = 1;
    std::size_t out = 0, seeds = 0;
    for (const auto& one : task.under)
      if (one) least = std::min(least, one->rarer), out += !one->counts(), ++seeds;
    if (out > 0) names.emplace_back(under_some(task.name, out, seeds), least);
  }
  return names;
}

TestImages test_images(const std::vector<const Run*>& runs, const std::vector<std::string>& rows) {
  std::set<std::string> sources, choices;
  for (const Run* run : runs) sources.insert(image_source(*run));
  choices.insert(rows.begin(), rows.end());
  if (sources.size() == 1 && choices.size() == 1) return TestImages::same;
  return sources.size() == runs.size() ? TestImages::own : TestImages::overlapping;
}

TestImages test_images(const PairRepeats& pairs, const RepeatedTask& task) {
  std::vector<const Run*> runs;
  std::vector<std::string> rows;
  for (std::size_t seed = 0; seed < pairs.size(); ++seed)
    if (task.under[seed]) runs.push_back(pairs[seed].network), rows.push_back(task.under[seed]->network.test_rows);
  return test_images(runs, rows);
}

}  // namespace tangentplane::experiments
