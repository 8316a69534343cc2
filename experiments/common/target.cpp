#include "experiments/common/target.h"

#include <chrono>
#include <cmath>

#include "data/dataset.h"
#include "data/npy.h"
#include "data/npz.h"
#include "experiments/common/interrupt.h"
#include "experiments/common/progress.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

const std::vector<std::string> history_columns{"epoch",     "learning_rate", "train_loss", "train_accuracy",
                                               "test_loss", "test_accuracy", "distance"};

std::optional<double> number_or_empty(double v) { return std::isnan(v) ? std::nullopt : std::optional(v); }

/// The state in a folder's last.npz and the epochs it stands for.
template <class S>
struct Saved {
  LearnerState<S> state;
  Index epoch = 0;
};
template <class S>
std::optional<Saved<S>> load_last(const fs::path& folder) {
  if (!fs::exists(folder / "last.npz")) return {};
  Saved<S> saved;
  for (auto& [name, tensor] : data::load_npz<S>(folder / "last.npz")) {
    if (name == "epoch")
      saved.epoch = static_cast<Index>(tensor[0]);
    else
      saved.state.emplace_back(name, std::move(tensor));
  }
  return saved;
}
template <class S>
void save_last(const fs::path& folder, const Saved<S>& saved) {
  data::NamedTensors<S> entries = saved.state;
  entries.emplace_back("epoch", Tensor<S>::full({1}, static_cast<S>(saved.epoch)));
  data::save_npz(folder / "last.npz", entries);
}

}  // namespace

fs::path target_folder(const fs::path& folder, const std::string& target, std::size_t count) {
  return count == 1 ? folder : folder / target;
}

std::vector<fs::path> target_folders(const fs::path& folder, const std::vector<Target>& targets) {
  std::vector<fs::path> folders;
  for (const Target& t : targets) folders.push_back(target_folder(folder, t.name, targets.size()));
  return folders;
}

void save_history(const fs::path& path, const History& history) {
  Csv csv(history_columns);
  for (const EpochRecord& r : history)
    csv.add(r.epoch, r.learning_rate, r.train_loss, r.train_accuracy, number_or_empty(r.test_loss), number_or_empty(r.test_accuracy),
            r.distance);
  csv.save(path);
}

History load_history(const fs::path& path) {
  const Csv csv = Csv::read(path);
  require(csv.columns() == history_columns, "{}: its columns are not those of a history", path.string());
  History history;
  for (const auto& row : csv.rows()) {
    const auto number = [&](std::size_t i) {
      return row[i].empty() ? std::numeric_limits<double>::quiet_NaN() : parse_number<double>(path.string(), row[i]);
    };
    history.push_back({static_cast<Index>(number(0)), number(1), number(2), number(3), number(4), number(5), number(6)});
  }
  return history;
}

bool finished(const fs::path& folder) { return fs::exists(folder / "final.npz"); }

double fraction_left(const fs::path& folder, const Recipe& recipe) {
  if (finished(folder)) return 0;
  if (recipe.epochs == 0 || !fs::exists(folder / "last.npz")) return 1;
  const double done = static_cast<double>(load_history(folder / "history.csv").size());
  return std::max(0., 1 - done / static_cast<double>(recipe.epochs));
}

template <class S>
std::vector<History> train_targets(Learner<S>& learner, const std::vector<Target>& targets, const std::vector<fs::path>& folders,
                                   Index num_train, const Recipe& recipe, const std::function<void(std::size_t)>& finish,
                                   const std::function<void(Index epoch)>& epoch_done) {
  const std::size_t count = targets.size();
  std::vector<History> before(count);
  if (std::all_of(folders.begin(), folders.end(), finished)) {
    for (std::size_t t = 0; t < count; ++t) before[t] = load_history(folders[t] / "history.csv");
    return before;
  }
  const auto n = static_cast<Index>(targets[0].labels.size());
  Tensor<S> labels({n, static_cast<Index>(count)});
  for (std::size_t t = 0; t < count; ++t) {
    fs::create_directories(folders[t]);
    data::save_npy(folders[t] / "labels.npy", targets[t].labels);
    for (Index i = 0; i < n; ++i)
      labels[i * static_cast<Index>(count) + static_cast<Index>(t)] = static_cast<S>(targets[t].labels[static_cast<std::size_t>(i)]);
  }
  // Tasks trained side by side share one state, kept in the first one's folder.
  if (const auto saved = load_last<S>(folders[0])) {
    learner.restore(saved->state);
    for (std::size_t t = 0; t < count; ++t) {
      before[t] = load_history(folders[t] / "history.csv");
      require(static_cast<Index>(before[t].size()) >= saved->epoch, "{}: has fewer epochs than last.npz",
              (folders[t] / "history.csv").string());
      before[t].resize(static_cast<std::size_t>(saved->epoch));
    }
    if (epoch_done && saved->epoch > 0) epoch_done(saved->epoch);  // may be what was interrupted
  }
  const Index steps = num_train / recipe.batch, left = (recipe.epochs - static_cast<Index>(before[0].size())) * steps;
  Progress progress(count == 1 ? "target " + targets[0].name : fmt::format("{} targets", count), static_cast<double>(left), "steps");
  const auto save = [&](const Saved<S>& last, const std::vector<History>& histories) {
    for (std::size_t t = 0; t < count; ++t) save_history(folders[t] / "history.csv", histories[t]);
    save_last(folders[0], last);
  };
  auto saved_at = std::chrono::steady_clock::now();
  // A copy of the latest finished epoch, for Ctrl-C in the middle of the next one.
  Saved<S> last;
  const std::vector<History>* so_far = nullptr;
  TrainHooks hooks;
  hooks.step_done = [&] {
    progress.advance();
    if (interrupted() && so_far) save(last, *so_far);
    check_interrupt();
  };
  hooks.epoch_done = [&](Index epoch, const std::vector<History>& histories) {
    last = {learner.state(), epoch};
    for (auto& [name, tensor] : last.state) tensor = tensor.clone();
    so_far = &histories;
    try {
      if (epoch_done) epoch_done(epoch);
    } catch (...) {
      save(last, histories);
      throw;
    }
    if (epoch == recipe.epochs) return;
    if (const auto now = std::chrono::steady_clock::now(); now - saved_at > std::chrono::seconds(5)) {
      save(last, histories);
      saved_at = now;
    }
  };
  const auto histories = train(learner, labels, num_train, recipe, hooks, std::move(before));
  progress.finish();
  save({learner.state(), recipe.epochs}, histories);  // finish may take long, and be interrupted
  for (std::size_t t = 0; t < count; ++t) {
    check_interrupt();
    finish(t);
  }
  fs::remove(folders[0] / "last.npz");
  return histories;
}

void save_accuracies(const fs::path& path, const std::string& first, const std::vector<Target>& targets,
                     const std::vector<History>& histories) {
  Csv csv({first, "class_balance", "train_accuracy", "test_accuracy"});
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const EpochRecord& last = histories[t].back();
    csv.add(targets[t].name, data::class_balance(targets[t].labels), last.train_accuracy, number_or_empty(last.test_accuracy));
  }
  csv.save(path);
}

template std::vector<History> train_targets(Learner<float>&, const std::vector<Target>&, const std::vector<fs::path>&, Index, const Recipe&,
                                            const std::function<void(std::size_t)>&, const std::function<void(Index)>&);
template std::vector<History> train_targets(Learner<double>&, const std::vector<Target>&, const std::vector<fs::path>&, Index,
                                            const Recipe&, const std::function<void(std::size_t)>&, const std::function<void(Index)>&);

}  // namespace tangentplane::experiments
