#include "experiments/common/training/learners.h"

#include "autodiff/cpu/ranks.h"
#include "data/files.h"
#include "data/npy.h"
#include "experiments/common/figures/figures.h"
#include "experiments/common/process/progress.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/say.h"
#include "experiments/common/training/accuracies.h"
#include "linearize/function_space.h"
#include "linearize/linearized_learner.h"
#include "nn/network_learner.h"
#include "nn/onnx/load.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

/// [M] of one output, [M, O] of several: the task's part of logits [M, O T].
template <class S>
void save_test_logits(const fs::path& folder, const Tensor<S>& logits, const Learner<S>& learner, Index task) {
  const Index tasks = learner.tasks(), outputs = learner.outputs();
  Tensor<S> z(outputs == 1 ? Shape{logits.rows()} : Shape{logits.rows(), outputs});
  for (Index i = 0; i < z.size(); ++i) z[i] = logits[i * tasks + task];
  data::save_npy(folder / "test_logits.npy", z);
}

/// What a finished target left must be weights of this network and logits of these images.
template <class S>
void require_final(const fs::path& folder, const Subject<S>& subject) {
  if (!finished(folder)) return;
  with_remedy(train_anew, [&] { load_variables(folder / "final.npz", subject.init, subject.keys); });
  if (subject.data.num_test > 0) load_test_logits(folder, subject.data.num_test, subject.outputs);
}

/// final.npz, before it what else is asked for.
template <class S>
void save_final(const fs::path& folder, const Subject<S>& subject, const Variables<S>& weights) {
  if (subject.graph) onnx::save_onnx(*subject.graph, subject.graph_to.empty() ? folder / "final.onnx" : subject.graph_to, weights);
  save_variables(folder / "final.npz", weights, subject.keys);
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
    if (subject.data.num_test > 0) save_test_logits(folder, learner.test_logits(), learner, 0);
    if (hooks.trained) hooks.trained(learner.variables());
    save_final(folder, subject, learner.variables());
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
  auto kept = std::make_shared<const KeptJacobian<S>>(subject.network, subject.init, subject.data.images, 128, shown(progress),
                                                      subject.every_output());
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
  const auto f0 = without_f0 ? Tensor<S>::zeros(f.shape()) : f;
  std::optional<StartingPoint<S>> start;
  if (weight_decay(recipe.optimizer) > 0) start = starting_point(subject.network, subject.init, data.images);
  FunctionSpaceLearner<S> learner(std::move(k), f0, data.num_train, static_cast<Index>(targets.size()), std::move(start), ranks);
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
                          static_cast<Index>(end), 128, learner.start_share());
    data::write_many(end - first, [&](std::size_t i) {
      if (data.num_test > 0) save_test_logits<S>(folders[first + i], test, learner, static_cast<Index>(first + i));
      save_final(folders[first + i], subject, group[i]);
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
  options.outputs = subject.every_output();
  options.progress = shown(progress);
  const auto& images = subject.data.images;
  const auto [first, end] = cpu::dealt(images.rows(), ranks.count(), ranks.rank());
  auto k = !ranks.several() ? ntk_rows(subject.network, subject.init, images, subject.data.num_train, options)
           : first < end    ? ntk(subject.network, subject.init, subject.data.training_images(), images.slice(first, end), options)
                            : Tensor<S>({subject.data.num_train * subject.outputs, 0});
  progress.finish();
  stage.add_flops(plan.kernel->feature_flops + plan.kernel->pair_flops);
  return k;
}

template <class S>
Tensor<S> load_kernel(const fs::path& file, Index num_train, Index outputs, cpu::Ranks& ranks) {
  const Index trained = num_train * outputs;
  if (!ranks.several()) return data::load_npy_rows<S>(file, 0, trained);
  const auto [first_image, end_image] = cpu::dealt(data::npy_info(file).shape[0] / outputs, ranks.count(), ranks.rank());
  const Index first = first_image * outputs, end = end_image * outputs, width = end - first;
  Tensor<S> k({trained, width});
  for (Index i = first; i < end; i += 64) {  // rows, which are columns as well
    const auto rows = data::load_npy_rows<S>(file, i, std::min(end, i + 64));
    for (Index r = 0; r < rows.rows(); ++r)
      for (Index t = 0; t < trained; ++t) k[t * width + i - first + r] = rows[r * rows.shape()[1] + t];
  }
  return k;
}

template <class S>
void record_start(const CommonOptions& o, const Subject<S>& subject, const TaskOptions& task, const fs::path& folder, RunRecord& record) {
  const Index logits =
      subject.all_outputs ? evaluate(*subject.all_outputs, subject.init, subject.data.images.slice(0, 1)).shape()[1] : subject.outputs;
  record_network(o, static_cast<double>(subject.init.size()), logits, task.outputs ? task.outputs->str() : "all", record);
  if (cpu::Ranks::world().first()) save_variables(folder / "init.npz", subject.init, subject.keys);
}

void add_save_onnx(CommandLine& line, SaveOnnx& save) {
  line.add_with_or_without(
      "--save-onnx",
      [&save](const std::string& text) {
        save = {true, text};
        require(text.empty() || text.ends_with(".onnx"), "--save-onnx {}: give a .onnx file, or none", text);
        if (!text.empty()) save.to = fs::absolute(text).lexically_normal().string();
      },
      {"Put trained weights back into the graph of FILE.onnx: final.onnx beside final.npz, or this file", "FILE.onnx"});
}

void check_save_onnx(const CommonOptions& o, const SaveOnnx& save, std::size_t trainings) {
  if (!save.given) return;
  require(o.is_file_model(), "--save-onnx: {} is from no ONNX file; leave it out", o.model);
  require(save.to.empty() || trainings == 1,
          "--save-onnx {}: there are {} trainings; give --save-onnx alone, which leaves final.onnx in the folder of each", save.to,
          trainings);
  require(save.to != o.model, "--save-onnx {}: is the file of --model; give another", save.to);
  require_folder_for("--save-onnx", save.to);
}

void record_balance(const std::vector<Target>& targets, RunRecord& record) {
  for (const Target& t : targets) record.set("class_balance" + (targets.size() == 1 ? "" : " of " + t.name), balance(t));
}

void print_accuracies(const std::string& first, const std::vector<Target>& targets, const std::vector<History>& histories) {
  tell("{:>16} {:>8} {:>9} {:>9}\n", first, "balance", "train", "test");
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const EpochRecord& last = histories[t].back();
    tell("{:>16} {:>8.3f} {:>9.4f} {:>9}\n", targets[t].name, balance(targets[t]), last.train_accuracy,
         std::isnan(last.test_accuracy) ? "-" : fmt::format("{:.4f}", last.test_accuracy));
  }
}

void finish_trainings(const Accuracies& shown, const std::vector<Target>& targets, const std::vector<History>& histories,
                      const fs::path& folder, RunRecord& record) {
  save_accuracies(folder / "accuracy.csv", shown.column, targets, histories, target_folders(folder, targets));
  for (std::size_t t = 0; t < targets.size(); ++t) record.add_training(targets[t].name, histories[t]);
  record.finish();
  print_accuracies(shown.row, targets, histories);
  tell("in {}\n", folder.string());
}

RunFigure figure_of_accuracies(const Accuracies& shown, const LearnerOptions& learner, bool classes, const fs::path& folder) {
  return {folder / "accuracy.svg", [=, linearize = learner.linearize](const fs::path& path) {
            return draw(path, accuracy_figure(shown.title, Csv::read(folder / "accuracy.csv"), linearize ? "linearization" : "network",
                                              shown.axis, classes));
          }};
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
  template Tensor<S> load_kernel(const fs::path&, Index, Index, cpu::Ranks&);                                                        \
  template void record_start(const CommonOptions&, const Subject<S>&, const TaskOptions&, const fs::path&, RunRecord&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::experiments
