#include "experiments/common/training/learners.h"

#include <chrono>
#include <limits>

#include "data/dataset.h"
#include "data/files.h"
#include "data/npy.h"
#include "experiments/common/figures/figures.h"
#include "experiments/common/process/interrupt.h"
#include "experiments/common/process/memory.h"
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

/// One pass of a kernel: the features of its first images.
template <class S>
void one_pass(const Subject<S>& s, const NtkPlan& plan) {
  Features<S>(plan.features, plan.pass).fill(0, FactoredJacobian<S>(s.network, s.init, s.data.images.slice(0, plan.pass)));
}

/// Seconds that one image's features take here, measured on one pass.
template <class S>
double feature_seconds(const Subject<S>& s, const NtkPlan& plan) {
  one_pass(s, plan);  // touches the pages
  const auto start = std::chrono::steady_clock::now();
  one_pass(s, plan);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(plan.pass);
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

void add_learner_options(CommandLine& line, LearnerOptions& learner) {
  line.add_flag("--linearize", learner.linearize, "Train the linearization at the initial weights");
  line.add_flag("--without-f0", learner.without_f0, "Leave f(theta0) out of the linearization");
  add_choice(line, "--space", learner.space, {"parameters", "function"}, "Where the linearization is trained; both give the same");
}

void check_learner(const LearnerOptions& learner) {
  require(learner.linearize || !learner.without_f0, "--without-f0: only the linearization has it; give --linearize");
  require(learner.linearize || !learner.function_space(),
          "--space function: only the linearization can be trained there; give --linearize");
}

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
std::shared_ptr<const KeptJacobian<S>> keep_jacobian(const Subject<S>& subject, const std::vector<fs::path>& folders, double memory) {
  if (std::all_of(folders.begin(), folders.end(), finished)) return nullptr;
  const auto& images = subject.data.images;
  const double bytes = KeptJacobian<S>::cost(subject.network, subject.init, images).bytes;
  if (bytes * static_cast<double>(images.rows()) > memory) return nullptr;
  Progress progress("features", 100, "per cent");
  auto kept = std::make_shared<const KeptJacobian<S>>(subject.network, subject.init, images, 128, shown(progress));
  progress.finish();
  return kept;
}

template <class S>
History train_linearized(const Subject<S>& subject, const Target& target, const fs::path& folder, const Recipe& recipe, bool without_f0,
                         double memory) {
  return train_linearized(subject, target, folder, recipe, without_f0, keep_jacobian(subject, {folder}, memory));
}

template <class S>
std::vector<History> train_in_function_space(const Subject<S>& subject, const std::vector<Target>& targets,
                                             const std::vector<fs::path>& folders, const Recipe& recipe, bool without_f0,
                                             const std::function<Tensor<S>()>& kernel, RunRecord& record) {
  if (std::all_of(folders.begin(), folders.end(), finished)) {
    std::vector<History> all;
    for (const auto& folder : folders) {
      require_final(folder, subject);
      all.push_back(finished_history(folder, recipe.epochs));
    }
    return all;
  }
  const auto& data = subject.data;
  auto k = kernel();
  auto stage = record.stage("training in function space");
  const double flops = flops_left(subject, folders[0], recipe, {.linearize = true, .space = "function"}, targets.size());
  const auto f = evaluate(subject.network, subject.init, data.images);
  const auto f0 = without_f0 ? Tensor<S>::zeros({f.size()}) : f.reshaped({f.size()});
  FunctionSpaceLearner<S> learner(std::move(k), f0, data.num_train, static_cast<Index>(targets.size()));
  Tensor<S> test;
  std::vector<Variables<S>> group;  // as many targets' weights at once as take 256 MB
  const auto group_size = std::max<std::size_t>(1, (std::size_t(1) << 28) / (static_cast<std::size_t>(subject.init.size()) * sizeof(S)));
  auto histories = train_targets<S>(learner, targets, folders, data.num_train, recipe, [&](std::size_t first) {
    if (first % group_size != 0) return;  // was written with its group
    if (test.empty() && data.num_test > 0) test = learner.test_logits();
    const std::size_t end = std::min(targets.size(), first + group_size);
    group.clear();
    group = parameters_of(subject.network, subject.init, data.training_images(), learner.coefficients(), static_cast<Index>(first),
                          static_cast<Index>(end));
    data::write_many(end - first, [&](std::size_t i) {
      if (data.num_test > 0) save_test_logits(folders[first + i], test, static_cast<Index>(first + i));
      save_variables(folders[first + i] / "final.npz", group[i]);
    });
  });
  stage.add_flops(flops);
  return histories;
}

std::function<void(double)> shown(Progress& progress) {
  return [&progress, done = 0.0](double fraction) mutable {
    check_interrupt();
    if (100 * fraction <= done) return;  // what was said before stands
    progress.advance(100 * fraction - done);
    done = 100 * fraction;
  };
}

template <class S>
Tensor<S> compute_kernel(const Subject<S>& subject, NtkOptions options, RunRecord& record) {
  auto stage = record.stage("kernel");
  Progress progress("kernel", 100, "per cent");
  options.progress = shown(progress);
  auto k = ntk_rows(subject.network, subject.init, subject.data.images, subject.data.num_train, options);
  progress.finish();
  const NtkPlan plan = plan_ntk(subject.network, subject.init, subject.data.images, options);
  const double n = static_cast<double>(subject.images()), rows = static_cast<double>(subject.data.num_train);
  stage.add_flops(plan.feature_flops + (rows * n - rows * (rows - 1) / 2) * plan.features.pair_flops);
  return k;
}

template <class S>
std::vector<Held> training_parts(const CommonOptions& o, const Subject<S>& subject, const Recipe& recipe, const LearnerOptions& learner,
                                 std::size_t targets) {
  const double train = static_cast<double>(subject.data.num_train), n = train + static_cast<double>(subject.data.num_test),
               weights = static_cast<double>(subject.init.size()), tasks = static_cast<double>(targets);
  const Index batch = std::max<Index>(recipe.batch, 128);  // tests and features go by 128
  std::vector<Held> parts{
      {"the program", program_bytes},
      {"the images", 1.5 * n * static_cast<double>(subject.data.images.shape().row_size()) * sizeof(S), fewer_images},
      {"the weights", 7 * weights * sizeof(S), smaller_network(o)},
      {fmt::format("passes over {} images", batch), 1.5 * static_cast<double>(batch) * pass_bytes(subject),
       (batch > 128 ? "a smaller --batch, or " : "") + smaller_network(o)},
  };
  if (learner.function_space()) {  // K, and a, p, g, h twice, labels and logits, and the weights of a group of targets
    parts.push_back({"the kernel", n * train * sizeof(S), std::string(fewer_images) + ", or leave out --space function"});
    parts.push_back({"the targets", (10 * n * tasks + std::min(tasks * weights, 64.0 * (1 << 20))) * sizeof(S), "fewer of --index"});
  }
  return parts;
}

std::string training_takes(Index images) { return fmt::format("training on {} images takes", images); }

void require_memory(const CommonOptions& o, Index images, const std::vector<Held>& parts) {
  require_room(training_takes(images), parts, o.memory);
}

template <class S>
TrainingFlops training_flops(const Subject<S>& subject, const Recipe& recipe, const LearnerOptions& learner, std::size_t targets,
                             double memory) {
  const double n = static_cast<double>(subject.data.num_train), m = static_cast<double>(subject.data.num_test),
               rounds = static_cast<double>(recipe.epochs) * static_cast<double>(targets);
  TrainingFlops flops;
  if (learner.function_space()) {
    flops.epochs = rounds * 2 * n * (n + m);
    return flops;
  }
  const Subject<S> at{{}, subject.network, learner.linearize ? subject.init : all_active(subject.init)};
  const auto images = subject.data.images.slice(0, 1);
  const double image = plan_ntk(at.network, at.init, images, {}).features.image_flops;
  const KeptCost kept = learner.linearize ? KeptJacobian<S>::cost(at.network, at.init, images) : KeptCost{};
  if (learner.linearize && kept.bytes * (n + m) <= memory) {
    flops.kept_bytes = kept.bytes * (n + m);
    flops.once = (n + m) * image;
    flops.epochs = rounds * (n * 2 + m) * kept.flops;
  } else {  // a pass is forward and input gradients: the network adds weight gradients, the linearization J v and J^T u
    const double step = image * (learner.linearize ? 2 : 1.5), test = image * (learner.linearize ? 1.5 : 0.5);
    flops.epochs = rounds * (n * step + m * test);
  }
  return flops;
}

template <class S>
double flops_left(const Subject<S>& subject, const fs::path& folder, const Recipe& recipe, const LearnerOptions& learner,
                  std::size_t targets, double memory) {
  const double left = fraction_left(folder, recipe);
  if (left == 0) return 0;
  const auto flops = training_flops(subject, recipe, learner, targets, memory);
  return flops.once + left * flops.epochs;
}

template <class S>
PlanStage training_stage(const Subject<S>& subject, const Recipe& recipe, const LearnerOptions& learner, std::size_t targets,
                         double memory) {
  const auto flops = training_flops(subject, recipe, learner, targets, memory);
  PlanStage stage{.name = "training",
                  .flops = flops.once + flops.epochs,
                  .efficiency = learner.function_space() ? 0.8
                                : flops.once > 0         ? 0.2
                                                         : 0.25,
                  .memory = training_bytes(subject, recipe, learner, targets) + flops.kept_bytes,
                  .disk = static_cast<double>(subject.init.size()) * sizeof(S) * static_cast<double>(targets)};
  if (learner.function_space()) {
    // For each batch its rows of the kernel are gathered, and the products of kernel with coefficients and momentum pass by.
    constexpr double bytes_a_second = 2e10;
    const double n = static_cast<double>(subject.data.num_train), batch = static_cast<double>(recipe.batch);
    stage.seconds = static_cast<double>(recipe.epochs) * n / batch * (n + static_cast<double>(subject.data.num_test)) *
                    (batch + 4 * static_cast<double>(targets)) * sizeof(S) / bytes_a_second;
  }
  return stage;
}

template <class S>
Variables<S> all_active(Variables<S> variables) {
  for (std::size_t p = 0; p < variables.paths.size(); ++p)
    if (auto& scale = variables.parameters[p]; variables.paths[p].ends_with("/scale")) scale = Tensor<S>::full(scale.shape(), S(1));
  return variables;
}

template <class S>
double kernel_pass_bytes(const Subject<S>& subject, const NtkPlan& plan) {
  const double features = static_cast<double>(plan.pass * plan.features.image_numbers) * sizeof(S);
  return bytes_taken([&] { one_pass(subject, plan); }) - features;
}

template <class S>
PlanStage features_stage(const Subject<S>& subject, const NtkPlan& plan, double memory) {
  const double images = static_cast<double>(plan.images) * plan.feature_runs;
  return {"features", plan.feature_flops, std::numeric_limits<double>::infinity(), memory, 0, images * feature_seconds(subject, plan)};
}

template <class S>
PlanStage kernel_stage(const Subject<S>& subject, const NtkPlan& plan, double held) {
  const double seconds = features_stage(subject, plan, 0).seconds;
  return {"kernel", plan.pair_flops, 0.75, held + plan.feature_bytes, 0, seconds};
}

template <class S>
void record_start(const Subject<S>& subject, const fs::path& folder, RunRecord& record) {
  record.set("parameters", static_cast<double>(subject.init.size()));
  save_variables(folder / "init.npz", subject.init);
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
  record.finish();
  print_accuracies(shown.row, targets, histories);
  tell("in {}\n", folder.string());
  try_figure(folder / "accuracy.svg", [&](const fs::path& path) {
    return draw(path, accuracy_figure(shown.title, Csv::read(folder / "accuracy.csv"), learner.linearize ? "linearization" : "network",
                                      shown.axis));
  });
}

#define INSTANTIATE(S)                                                                                                                   \
  template History train_network(const Subject<S>&, const Target&, const fs::path&, const Recipe&, const NetworkHooks<S>&);              \
  template History train_linearized(const Subject<S>&, const Target&, const fs::path&, const Recipe&, bool,                              \
                                    std::shared_ptr<const KeptJacobian<S>>);                                                             \
  template History train_linearized(const Subject<S>&, const Target&, const fs::path&, const Recipe&, bool, double);                     \
  template std::shared_ptr<const KeptJacobian<S>> keep_jacobian(const Subject<S>&, const std::vector<fs::path>&, double);                \
  template std::vector<History> train_in_function_space(const Subject<S>&, const std::vector<Target>&, const std::vector<fs::path>&,     \
                                                        const Recipe&, bool, const std::function<Tensor<S>()>&, RunRecord&);             \
  template Tensor<S> compute_kernel(const Subject<S>&, NtkOptions, RunRecord&);                                                          \
  template double kernel_pass_bytes(const Subject<S>&, const NtkPlan&);                                                                  \
  template PlanStage features_stage(const Subject<S>&, const NtkPlan&, double);                                                          \
  template PlanStage kernel_stage(const Subject<S>&, const NtkPlan&, double);                                                            \
  template void record_start(const Subject<S>&, const fs::path&, RunRecord&);                                                            \
  template std::vector<Held> training_parts(const CommonOptions&, const Subject<S>&, const Recipe&, const LearnerOptions&, std::size_t); \
  template TrainingFlops training_flops(const Subject<S>&, const Recipe&, const LearnerOptions&, std::size_t, double);                   \
  template double flops_left(const Subject<S>&, const fs::path&, const Recipe&, const LearnerOptions&, std::size_t, double);             \
  template PlanStage training_stage(const Subject<S>&, const Recipe&, const LearnerOptions&, std::size_t, double);                       \
  template Variables<S> all_active(Variables<S>);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::experiments
