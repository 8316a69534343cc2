// What is trained on a target: the network, or its linearization at the point where it starts, in parameter or in function space. Each
// leaves history.csv, test_logits.npy and, last of all, final.npz in the target's folder.
#pragma once

#include "experiments/common/options/recipe.h"
#include "experiments/common/plans/plan.h"
#include "experiments/common/process/memory.h"
#include "experiments/common/process/progress.h"
#include "experiments/common/run/run_record.h"
#include "experiments/common/subject/subject.h"
#include "experiments/common/training/target.h"
#include "kernels/eigen.h"
#include "kernels/ntk.h"
#include "linearize/kept_jacobian.h"

namespace tangentplane::experiments {

struct LearnerOptions {
  bool linearize = false, without_f0 = false;
  std::string space = "parameters";

  bool function_space() const { return space == "function"; }
};

/// Adds --linearize, --without-f0 and --space.
void add_learner_options(CommandLine& line, LearnerOptions& learner);
/// Throws std::invalid_argument for options that only the linearization has.
void check_learner(const LearnerOptions& learner);

/// Called with the weights as they are then.
template <class S>
struct NetworkHooks {
  std::function<void(Index epoch, const Variables<S>&)> epoch_done;
  std::function<void(const Variables<S>&)> trained;
};
template <class S>
History train_network(const Subject<S>& subject, const Target& target, const std::filesystem::path& folder, const Recipe& recipe,
                      const NetworkHooks<S>& hooks = {});

/// With the Jacobian of the subject's images, if it is `kept`.
template <class S>
History train_linearized(const Subject<S>& subject, const Target& target, const std::filesystem::path& folder, const Recipe& recipe,
                         bool without_f0, std::shared_ptr<const KeptJacobian<S>> kept);
/// For one target alone: keeps the Jacobian where it fits within `memory` bytes.
template <class S>
History train_linearized(const Subject<S>& subject, const Target& target, const std::filesystem::path& folder, const Recipe& recipe,
                         bool without_f0, double memory);

/// The Jacobian of the subject's images for the trainings into `folders`, with its progress shown; none where all of these are finished, or
/// where it does not fit within `memory` bytes.
template <class S>
std::shared_ptr<const KeptJacobian<S>> keep_jacobian(const Subject<S>& subject, const std::vector<std::filesystem::path>& folders,
                                                     double memory);

/// All targets at once: they share `kernel` [num_train, N], which is asked for only if there is something left to train, before the
/// training's own stage of the run.
template <class S>
std::vector<History> train_in_function_space(const Subject<S>& subject, const std::vector<Target>& targets,
                                             const std::vector<std::filesystem::path>& folders, const Recipe& recipe, bool without_f0,
                                             const std::function<Tensor<S>()>& kernel, RunRecord& record);

/// The kernel between the subject's training images and all its images [num_train, N] at its weights, with its progress shown, as a stage
/// of the run.
template <class S>
Tensor<S> compute_kernel(const Subject<S>& subject, NtkOptions options, RunRecord& record);

/// Shows a fraction done that is told from time to time, and lets Ctrl-C stop what is being done.
std::function<void(double)> shown(Progress& progress);

/// solve(options) as the run's stage "eigenpairs", with its progress shown.
template <class Solve>
auto eigenpair_stage(RunRecord& record, kernels::EigenOptions options, const Solve& solve) {
  auto stage = record.stage("eigenpairs");
  Progress progress("eigenpairs", 100, "per cent");
  options.progress = [report = shown(progress)](double fraction, std::string_view) { report(fraction); };
  auto pairs = solve(options);
  progress.finish();
  stage.add_flops(pairs.flops);
  return pairs;
}

/// What is held while training, besides features: the program, its passes, images, weights (the start, the learner's with momentum and
/// gradient, a copy to go on from) and in function space the kernel and the coefficients of all targets. The subject's counts tell the
/// images; it need not hold more than one yet.
template <class S>
std::vector<Held> training_parts(const CommonOptions& o, const Subject<S>& subject, const Recipe& recipe, const LearnerOptions& learner,
                                 std::size_t targets);
/// Its bytes.
template <class S>
double training_bytes(const Subject<S>& subject, const Recipe& recipe, const LearnerOptions& learner, std::size_t targets) {
  return bytes_of(training_parts({}, subject, recipe, learner, targets));
}
/// For messages of memory: "training on 8 images takes".
std::string training_takes(Index images);
/// Throws std::invalid_argument naming --memory unless the parts, of training on so many images, are allowed.
void require_memory(const CommonOptions& o, Index images, const std::vector<Held>& parts);

/// Multiply-adds, twice, of training on the subject's training images, tested on its test images (its counts tell how many; one image will
/// do), with `memory` bytes left for a kept Jacobian. In function space the targets are trained side by side, else one after the other.
struct TrainingFlops {
  double once = 0;        ///< to keep the Jacobian, for all targets
  double epochs = 0;      ///< of all targets
  double kept_bytes = 0;  ///< of the Jacobian, if it is kept
};
template <class S>
TrainingFlops training_flops(const Subject<S>& subject, const Recipe& recipe, const LearnerOptions& learner, std::size_t targets,
                             double memory = 0);

/// Those that a training into `folder` has still to do.
template <class S>
double flops_left(const Subject<S>& subject, const std::filesystem::path& folder, const Recipe& recipe, const LearnerOptions& learner,
                  std::size_t targets = 1, double memory = 0);

/// The same as the stage of a plan.
template <class S>
PlanStage training_stage(const Subject<S>& subject, const Recipe& recipe, const LearnerOptions& learner, std::size_t targets,
                         double memory = 0);

/// Weights at which all layers take part, as in training: BatchNorm's scales that start at 0 would cut branches off.
template <class S>
Variables<S> all_active(Variables<S> variables);

/// Bytes that one pass of a kernel takes beside its features, measured.
template <class S>
double kernel_pass_bytes(const Subject<S>& subject, const NtkPlan& plan);
/// The stage of a plan in which the features of a kernel are computed, its time measured on one pass.
template <class S>
PlanStage features_stage(const Subject<S>& subject, const NtkPlan& plan, double memory);
/// The kernel's and its features' stage, beside `held` bytes of the training.
template <class S>
PlanStage kernel_stage(const Subject<S>& subject, const NtkPlan& plan, double held);

/// init.npz, and the number of parameters in run.json.
template <class S>
void record_start(const Subject<S>& subject, const std::filesystem::path& folder, RunRecord& record);
/// The class balance of each target in run.json.
void record_balance(const std::vector<Target>& targets, RunRecord& record);

/// A line for each target on standard output.
void print_accuracies(const std::string& first, const std::vector<Target>& targets, const std::vector<History>& histories);

/// How the accuracies of a run over its targets are shown.
struct Accuracies {
  std::string column;  ///< of the targets in accuracy.csv
  std::string title;   ///< of accuracy.svg
  std::string axis;    ///< its horizontal one
  std::string row;     ///< what standard output calls a target
};
/// The end of a run: accuracy.csv, the record, a line for each target on standard output, and accuracy.svg if it can be drawn.
void finish_trainings(const Accuracies& shown, const std::vector<Target>& targets, const std::vector<History>& histories,
                      const LearnerOptions& learner, const std::filesystem::path& folder, RunRecord& record);

}  // namespace tangentplane::experiments
