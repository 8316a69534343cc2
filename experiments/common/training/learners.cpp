#include "experiments/common/training/learners.h"

#include "autodiff/cpu/ranks.h"
#include "data/files.h"
#include "data/npy.h"
#include "experiments/common/figures/figures.h"
#include "experiments/common/process/progress.h"
#include "experiments/common/text/say.h"
#include "experiments/common/training/accuracies.h"
#include "linearize/function_space.h"
#include "linearize/linearized_learner.h"
#include "nn/network_learner.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

template <class S>
void save_test_logits(const fs::path& folder, const Tensor<S>& logits, Index column) {
  const Index tasks = logits.shape()[1];
  Tensor<S> z({logits.rows()});
  for (Index i = 0; i < z.size(); ++i) z[i] = logits[i * tasks + column];
  data::save_npy(folder / "test_logits.npy", z);
}

/// What a finished target left must be weights of this network and logits of these images.
template <class S>
void require_final(const fs::path& folder, const Subject<S>& subject) {
  if (!finished(folder)) return;
  with_remedy(train_anew, [&] { load_variables(folder / "final.npz", subject.init); });
  if (subject.data.num_test > 0) load_test_logits(folder, subject.data.num_test);
}

/// A learner of one task, which has `variables()`.
template <class S, class OneLearner>
History train_one(OneLearner& learner, const Subject<S>& subject, const Target& target, const fs::path& folder, const Recipe& recipe,
                  const NetworkHooks<S>& hooks) {
  require_final(folder, subject);
  const auto epoch_done = [&](Index epoch) {
    if (hooks.epoch_done) hooks.epoch_done(epoch, learner.variables());
  };
  const auto finish = [&](std::size_t) {
    if (subject.data.num_test > 0) save_test_logits(folder, learner.test_logits(), 0);
    if (hooks.trained) hooks.trained(learner.variables());
    save_variables(folder / "final.npz", learner.variables());
  };
  return train_targets<S>(learner, {target}, {folder}, subject.data.num_train, recipe, finish, epoch_done)[0];
}

}  // namespace

template <class S>
History train_network(const Subject<S>& subject, const Target& target, const fs::path& folder, const Recipe& recipe,
                      const NetworkHooks<S>& hooks) {
  NetworkLearner<S> learner(subject.network, subject.init, subject.data.images, subject.data.num_train);
  return train_one<S>(learner, subject, target, folder, recipe, hooks);
}

template <class S>
History train_linearized(const Subject<S>& subject, const Target& target, const fs::path& folder, const Recipe& recipe, bool without_f0,
                         std::shared_ptr<const KeptJacobian<S>> kept) {
  LinearizedLearner<S> learner(subject.network, subject.init, subject.data.images, subject.data.num_train, without_f0, std::move(kept));
  return train_one<S>(learner, subject, target, folder, recipe, {});
}

template <class S>
std::shared_ptr<const KeptJacobian<S>> keep_jacobian(const Subject<S>& subject, const std::vector<fs::path>& folders) {
  if (std::all_of(folders.begin(), folders.end(), finished)) return nullptr;
  Progress progress("features", 100, "per cent");
  auto kept = std::make_shared<const KeptJacobian<S>>(subject.network, subject.init, subject.data.images, 128, shown(progress));
  progress.finish();
  return kept;
}

template <class S>
History train_linearized(const Subject<S>& subject, const Target& target, const fs::path& folder, const Recipe& recipe, bool without_f0,
                         bool keep) {
  return train_linearized(subject, target, folder, recipe, without_f0, keep ? keep_jacobian(subject, {folder}) : nullptr);
}

template <class S>
std::vector<History> train_in_function_space(const Subject<S>& subject, const std::vector<Target>& targets,
                                             const std::vector<fs::path>& folders, const Recipe& recipe, bool without_f0,
                                             const std::function<Tensor<S>()>& kernel, const TrainingCost& cost, RunRecord& record,
                                             cpu::Ranks& ranks) {
  if (ranks.by_first([&] { return std::all_of(folders.begin(), folders.end(), finished); })) {
    std::vector<History> all;
    for (const auto& folder : folders) {
      require_final(folder, subject);
      all.push_back(finished_history(folder, recipe.epochs));
    }
    return all;
  }
  const auto& data = subject.data;
  auto k = kernel();
  auto stage = record.stage("training in function space", cost.planned);
  const double flops = cost.flops_left(fraction_left(folders[0], recipe));
  const auto f = evaluate(subject.network, subject.init, data.images);
  const auto f0 = without_f0 ? Tensor<S>::zeros({f.size()}) : f.reshaped({f.size()});
  FunctionSpaceLearner<S> learner(std::move(k), f0, data.num_train, static_cast<Index>(targets.size()), ranks);
  Tensor<S> test;
  std::vector<Variables<S>> group;  // as many targets' weights at once as take 256 MB
  const auto several = static_cast<std::size_t>(ranks.count());
  const auto group_size =
      std::max<std::size_t>(1, std::min((targets.size() + several - 1) / several,
                                        (std::size_t(1) << 28) / (static_cast<std::size_t>(subject.init.size()) * sizeof(S))));
  const auto finish = [&](std::size_t first) {
    if (first % group_size != 0) return;  // was written with its group
    if (test.empty() && data.num_test > 0) test = learner.test_logits();
    if (first / group_size % several != static_cast<std::size_t>(ranks.rank())) return;  // another rank's
    const std::size_t end = std::min(targets.size(), first + group_size);
    group.clear();
    group = parameters_of(subject.network, subject.init, data.training_images(), learner.coefficients(), static_cast<Index>(first),
                          static_cast<Index>(end));
    data::write_many(end - first, [&](std::size_t i) {
      if (data.num_test > 0) save_test_logits(folders[first + i], test, static_cast<Index>(first + i));
      save_variables(folders[first + i] / "final.npz", group[i]);
    });
  };
  auto histories = train_targets<S>(learner, targets, folders, data.num_train, recipe, finish, {}, ranks);
  stage.add_flops(flops);
  return histories;
}

template <class S>
Tensor<S> compute_kernel(const Subject<S>& subject, const TrainingPlan& plan, RunRecord& record, cpu::Ranks& ranks) {
  auto stage = record.stage("kernel", plan.of("kernel"));
  Progress progress("kernel", 100, "per cent");
  NtkOptions options;
  options.plan = &plan.kernel.value();
  options.progress = shown(progress);
  const auto& images = subject.data.images;
  const auto [first, end] = cpu::dealt(images.rows(), ranks.count(), ranks.rank());
  auto k = !ranks.several() ? ntk_rows(subject.network, subject.init, images, subject.data.num_train, options)
           : first < end    ? ntk(subject.network, subject.init, subject.data.training_images(), images.slice(first, end), options)
                            : Tensor<S>({subject.data.num_train, 0});
  progress.finish();
  stage.add_flops(plan.kernel->feature_flops + plan.kernel->pair_flops);
  return k;
}

template <class S>
Tensor<S> load_kernel(const fs::path& file, Index num_train, cpu::Ranks& ranks) {
  if (!ranks.several()) return data::load_npy_rows<S>(file, 0, num_train);
  const auto [first, end] = cpu::dealt(data::npy_info(file).shape[0], ranks.count(), ranks.rank());
  const Index width = end - first;
  Tensor<S> k({num_train, width});
  for (Index i = first; i < end; i += 64) {  // rows, which are columns as well
    const auto rows = data::load_npy_rows<S>(file, i, std::min(end, i + 64));
    for (Index r = 0; r < rows.rows(); ++r)
      for (Index t = 0; t < num_train; ++t) k[t * width + i - first + r] = rows[r * rows.shape()[1] + t];
  }
  return k;
}

template <class S>
void record_start(const Subject<S>& subject, const fs::path& folder, RunRecord& record) {
  record.set("parameters", static_cast<double>(subject.init.size()));
  if (cpu::Ranks::world().first()) save_variables(folder / "init.npz", subject.init);
}

void record_balance(const std::vector<Target>& targets, RunRecord& record) {
  for (const Target& t : targets) record.set("class_balance" + (targets.size() == 1 ? "" : " of " + t.name), data::class_balance(t.labels));
}

void print_accuracies(const std::string& first, const std::vector<Target>& targets, const std::vector<History>& histories) {
  tell("{:>16} {:>8} {:>9} {:>9}\n", first, "balance", "train", "test");
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const EpochRecord& last = histories[t].back();
    tell("{:>16} {:>8.3f} {:>9.4f} {:>9}\n", targets[t].name, data::class_balance(targets[t].labels), last.train_accuracy,
         std::isnan(last.test_accuracy) ? "-" : fmt::format("{:.4f}", last.test_accuracy));
  }
}

void finish_trainings(const Accuracies& shown, const std::vector<Target>& targets, const std::vector<History>& histories,
                      const LearnerOptions& learner, const fs::path& folder, RunRecord& record) {
  save_accuracies(folder / "accuracy.csv", shown.column, targets, histories, target_folders(folder, targets));
  for (std::size_t t = 0; t < targets.size(); ++t) record.add_training(targets[t].name, histories[t]);
  record.finish();
  print_accuracies(shown.row, targets, histories);
  tell("in {}\n", folder.string());
  try_figure(folder / "accuracy.svg", [&](const fs::path& path) {
    return draw(path, accuracy_figure(shown.title, Csv::read(folder / "accuracy.csv"), learner.linearize ? "linearization" : "network",
                                      shown.axis));
  });
}

#define INSTANTIATE(S)                                                                                                               \
  template History train_network(const Subject<S>&, const Target&, const fs::path&, const Recipe&, const NetworkHooks<S>&);          \
  template History train_linearized(const Subject<S>&, const Target&, const fs::path&, const Recipe&, bool,                          \
                                    std::shared_ptr<const KeptJacobian<S>>);                                                         \
  template History train_linearized(const Subject<S>&, const Target&, const fs::path&, const Recipe&, bool, bool);                   \
  template std::shared_ptr<const KeptJacobian<S>> keep_jacobian(const Subject<S>&, const std::vector<fs::path>&);                    \
  template std::vector<History> train_in_function_space(const Subject<S>&, const std::vector<Target>&, const std::vector<fs::path>&, \
                                                        const Recipe&, bool, const std::function<Tensor<S>()>&, const TrainingCost&, \
                                                        RunRecord&, cpu::Ranks&);                                                    \
  template Tensor<S> compute_kernel(const Subject<S>&, const TrainingPlan&, RunRecord&, cpu::Ranks&);                                \
  template Tensor<S> load_kernel(const fs::path&, Index, cpu::Ranks&);                                                               \
  template void record_start(const Subject<S>&, const fs::path&, RunRecord&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::experiments
