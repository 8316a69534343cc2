#include "experiments/common/training/target.h"

#include <chrono>
#include <cmath>
#include <map>
#include <utility>

#include "data/dataset.h"
#include "data/files.h"
#include "data/npy.h"
#include "data/npz.h"
#include "experiments/common/process/interrupt.h"
#include "experiments/common/process/progress.h"
#include "experiments/common/text/files.h"
#include "nn/checkpoint.h"

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
/// Adam's second moments are means of squares; its steps are as many in every epoch.
template <class S>
void require_moments(const std::string& file, const Saved<S>& saved) {
  for (const auto& [name, tensor] : saved.state) {
    if (name.starts_with("squares/"))
      for (const S v : tensor.span()) require(v >= 0, "{}: {} holds {}, which is no mean of squares", file, name, v);
    if (name != "steps") continue;
    const auto steps = static_cast<double>(tensor[0]);
    constexpr double exact = 1 << 24;  // up to which float32 counts
    require(steps == std::floor(steps) && 1 <= steps && (steps >= exact || std::fmod(steps, static_cast<double>(saved.epoch)) == 0),
            "{}: steps is {}, not a multiple of its {} epochs", file, steps, saved.epoch);
  }
}

/// `state` is what the learner has now: last.npz must hold the same names and shapes, besides the epoch, one of 1 to `epochs`.
template <class S>
std::optional<Saved<S>> load_last(const fs::path& folder, const LearnerState<S>& state, Index epochs) {
  const fs::path path = folder / "last.npz";
  if (!fs::exists(path)) return {};
  return with_remedy(train_anew, [&] {
    const std::string file = path.string();
    std::map<std::string, Shape> wanted;
    wanted["epoch"] = Shape{1};
    for (const auto& [name, tensor] : state) wanted[name] = tensor.shape();
    for (const auto& [name, info] : data::npz_infos(path)) {  // before any numbers are read
      const auto found = wanted.find(name);
      require(found != wanted.end(), "{}: {} is not part of this training", file, name);
      require(found->second == info.shape, "{}: {} has shape {}, this training takes {}", file, name, info.shape, found->second);
      wanted.erase(found);
    }
    require(wanted.empty(), "{}: {} is missing", file, wanted.empty() ? "" : wanted.begin()->first);
    Saved<S> saved;
    for (auto& [name, tensor] : data::load_npz<S>(path)) {
      require_usable(file, name, tensor);
      if (name != "epoch") {
        saved.state.emplace_back(name, std::move(tensor));
        continue;
      }
      const auto epoch = static_cast<double>(tensor[0]);
      require(epoch == std::floor(epoch) && 1 <= epoch && epoch <= static_cast<double>(epochs), "{}: epoch is {}, not one of 1 to {}", file,
              epoch, epochs);
      saved.epoch = static_cast<Index>(epoch);
    }
    require_moments(file, saved);
    return std::optional(std::move(saved));
  });
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
    const auto epoch = static_cast<Index>(history.size()) + 1;
    const std::string what = fmt::format("{}, epoch {}:", path.string(), epoch);
    const auto number = [&](std::size_t i, double low, double high) {
      return parse_number<double>(what + " " + history_columns[i], row[i], low, high);
    };
    require(parse_number<Index>(what + " epoch", row[0]) == epoch, "{} has number {}; epochs count from 1", what, row[0]);
    require(row[4].empty() == row[5].empty() && row[4].empty() == csv.rows()[0][4].empty(),
            "{} test columns are full in some rows and empty in others", what);
    const bool tested = !row[4].empty();
    constexpr double most = std::numeric_limits<double>::max(), none = std::numeric_limits<double>::quiet_NaN();
    history.push_back({epoch, number(1, 0, most), number(2, 0, most), number(3, 0, 1), tested ? number(4, 0, most) : none,
                       tested ? number(5, 0, 1) : none, number(6, 0, most)});
  }
  return history;
}

double balance(const Target& target) {
  if (!target.classes) return data::class_balance(target.labels);
  std::map<int, Index> images;
  Index most = 0;
  for (int c : target.labels) most = std::max(most, ++images[c]);
  return static_cast<double>(most) / static_cast<double>(target.labels.size());
}

template <class S>
Tensor<S> label_tensor(const std::vector<Target>& targets, const Loss& loss, Index outputs) {
  const bool squared = dynamic_cast<const SquaredError*>(loss.operator->()) != nullptr;
  const auto n = static_cast<Index>(targets[0].labels.size()), tasks = static_cast<Index>(targets.size());
  const Index size = loss->target_size(outputs);
  Tensor<S> labels({n, size * tasks});
  for (Index t = 0; t < tasks; ++t)
    for (Index i = 0; i < n; ++i) {
      const int y = targets[static_cast<std::size_t>(t)].labels[static_cast<std::size_t>(i)];
      for (Index e = 0; e < size; ++e)
        labels[(i * size + e) * tasks + t] = static_cast<S>(!squared ? y : outputs == 1 ? 2 * y - 1 : e == y);
    }
  return labels;
}
template Tensor<float> label_tensor(const std::vector<Target>&, const Loss&, Index);
template Tensor<double> label_tensor(const std::vector<Target>&, const Loss&, Index);

namespace {

/// The history that goes with a last.npz.
History history_beside_last(const fs::path& folder, const fs::path& last) {
  return with_remedy(fmt::format("delete {} to train anew", last.string()), [&] { return load_history(folder / "history.csv"); });
}

}  // namespace

bool finished(const fs::path& folder) { return is_whole_npz(folder / "final.npz") && is_whole_npy(folder / "labels.npy"); }

History finished_history(const fs::path& folder, Index epochs) {
  const std::string remedy = fmt::format("delete {} to train this target anew", (folder / "final.npz").string());
  auto history = with_remedy(remedy, [&] { return load_history(folder / "history.csv"); });
  require(static_cast<Index>(history.size()) == epochs, "{}: has {} epochs, the training {}; {}", (folder / "history.csv").string(),
          history.size(), epochs, remedy);
  return history;
}

double fraction_left(const fs::path& folder, const Recipe& recipe) {
  if (finished(folder)) return 0;
  if (recipe.epochs == 0 || !fs::exists(folder / "last.npz")) return 1;
  const double done = static_cast<double>(history_beside_last(folder, folder / "last.npz").size());
  return std::max(0., 1 - done / static_cast<double>(recipe.epochs));
}

template <class S>
std::vector<History> train_targets(Learner<S>& learner, const std::vector<Target>& targets, const std::vector<fs::path>& folders,
                                   Index num_train, const Recipe& recipe, const std::function<void(std::size_t)>& finish,
                                   const std::function<void(Index epoch)>& epoch_done, cpu::Ranks& ranks) {
  const std::size_t count = targets.size();
  std::vector<History> before(count);
  if (ranks.by_first([&] { return std::all_of(folders.begin(), folders.end(), finished); })) {
    for (std::size_t t = 0; t < count; ++t) before[t] = finished_history(folders[t], recipe.epochs);
    if (ranks.first() && fs::exists(folders[0] / "last.npz")) data::remove_file(folders[0] / "last.npz");  // all that was left to do
    return before;
  }
  data::write_many(ranks.first() ? count : 0, [&](std::size_t t) {
    data::create_folders(folders[t]);
    data::save_npy(folders[t] / "labels.npy", targets[t].labels);
  });
  ranks.barrier();
  const auto labels = label_tensor<S>(targets, recipe.loss, learner.outputs());
  learner.use(recipe.optimizer);  // which the state belongs to
  // Tasks trained side by side share one state, kept in the first one's folder.
  if (const auto saved = load_last<S>(folders[0], learner.state(), recipe.epochs)) {
    learner.restore(saved->state);
    for (std::size_t t = 0; t < count; ++t) {
      const fs::path last = folders[0] / "last.npz";
      before[t] = history_beside_last(folders[t], last);
      require(static_cast<Index>(before[t].size()) >= saved->epoch,
              "{}: has {} epochs, fewer than the {} of last.npz; delete {} to train anew", (folders[t] / "history.csv").string(),
              before[t].size(), saved->epoch, last.string());
      before[t].resize(static_cast<std::size_t>(saved->epoch));
    }
    if (epoch_done && saved->epoch > 0) epoch_done(saved->epoch);  // may be what was interrupted
  }
  const Index steps = num_train / recipe.batch, left = (recipe.epochs - static_cast<Index>(before[0].size())) * steps;
  Progress progress(count == 1 ? "target " + targets[0].name : fmt::format("{} targets", count), static_cast<double>(left), "steps");
  const auto save = [&](const Saved<S>& last, const std::vector<History>& histories) {
    if (!ranks.first()) return;
    data::write_many(count, [&](std::size_t t) { save_history(folders[t] / "history.csv", histories[t]); });
    save_last(folders[0], last);
  };
  using Clock = std::chrono::steady_clock;
  auto saved_at = Clock::now();
  Clock::duration between = std::chrono::seconds(5);  // saves, of which those of many targets on a slow disk must not take over
  // A copy of the latest finished epoch, for Ctrl-C in the middle of the next one.
  Saved<S> last;
  std::vector<History> so_far;
  bool unsaved = false;
  const OnLeaving leaving([&] {
    if (std::exchange(unsaved, false)) save(last, so_far);
  });
  const auto save_if_unsaved = [&] {
    const auto held = leaving.hold();
    if (std::exchange(unsaved, false)) save(last, so_far);
  };
  TrainHooks hooks;
  hooks.step_done = [&] {
    progress.advance();
    if (interrupted()) save_if_unsaved();
    check_interrupt();
  };
  hooks.epoch_done = [&](Index epoch, const std::vector<History>& histories) {
    {
      const auto held = leaving.hold();
      last = {learner.state(), epoch};
      for (auto& [name, tensor] : last.state) tensor = tensor.clone();
      so_far.resize(count);
      for (std::size_t t = 0; t < count; ++t)  // what is new of them
        so_far[t].insert(so_far[t].end(), histories[t].begin() + static_cast<std::ptrdiff_t>(so_far[t].size()), histories[t].end());
      unsaved = true;
    }
    try {
      if (epoch_done) epoch_done(epoch);
    } catch (...) {
      save_if_unsaved();
      throw;
    }
    if (epoch == recipe.epochs) return;
    if (const auto now = Clock::now(); now - saved_at > between) {
      save_if_unsaved();
      saved_at = Clock::now();
      between = std::max<Clock::duration>(between, 20 * (saved_at - now));
    }
  };
  const auto histories = train(learner, labels, num_train, recipe, hooks, std::move(before));
  progress.finish();
  save({learner.state(), recipe.epochs}, histories);  // finish may take long, and be interrupted
  {
    const auto held = leaving.hold();
    unsaved = false;
  }
  for (std::size_t t = 0; t < count; ++t) {
    check_interrupt();
    finish(t);
  }
  ranks.barrier();
  if (ranks.first()) data::remove_file(folders[0] / "last.npz");
  return histories;
}

template std::vector<History> train_targets(Learner<float>&, const std::vector<Target>&, const std::vector<fs::path>&, Index, const Recipe&,
                                            const std::function<void(std::size_t)>&, const std::function<void(Index)>&, cpu::Ranks&);
template std::vector<History> train_targets(Learner<double>&, const std::vector<Target>&, const std::vector<fs::path>&, Index,
                                            const Recipe&, const std::function<void(std::size_t)>&, const std::function<void(Index)>&,
                                            cpu::Ranks&);

}  // namespace tangentplane::experiments
