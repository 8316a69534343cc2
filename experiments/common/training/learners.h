// What is trained on a target: the network, or its linearization at the point where it starts, in parameter or in function space. Each
// leaves history.csv, test_logits.npy and, last of all, final.npz in the target's folder.
#pragma once

#include "autodiff/cpu/ranks.h"
#include "experiments/common/options/recipe.h"
#include "experiments/common/plans/training_plan.h"
#include "experiments/common/process/progress.h"
#include "experiments/common/run/network_record.h"
#include "experiments/common/subject/subject.h"
#include "experiments/common/training/target.h"
#include "linearize/kept_jacobian.h"

namespace tangentplane::experiments {

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
/// For one target alone, whose Jacobian is computed and kept if `keep`.
template <class S>
History train_linearized(const Subject<S>& subject, const Target& target, const std::filesystem::path& folder, const Recipe& recipe,
                         bool without_f0, bool keep);

/// The Jacobian of the subject's images for the trainings into `folders`, with its progress shown; none where all of these are finished.
template <class S>
std::shared_ptr<const KeptJacobian<S>> keep_jacobian(const Subject<S>& subject, const std::vector<std::filesystem::path>& folders);

/// All targets at once: they share `kernel` [num_train O, N O], which is asked for only if there is something left to train, before the
/// training's own stage of the run, which costs what is planned. Ranks that train together each give the kernel's columns of their own
/// images [num_train O, width O]; the first writes what all share, each the weights of some targets.
template <class S>
std::vector<History> train_in_function_space(const Subject<S>& subject, const std::vector<Target>& targets,
                                             const std::vector<std::filesystem::path>& folders, const Recipe& recipe, bool without_f0,
                                             const std::function<Tensor<S>()>& kernel, const TrainingCost& cost, RunRecord& record,
                                             cpu::Ranks& ranks = cpu::Ranks::alone());

/// The kernel between the subject's training images and all its images [num_train, N] at its weights, as planned, with its progress
/// shown, as a stage of the run; of several ranks the columns of this one's images.
template <class S>
Tensor<S> compute_kernel(const Subject<S>& subject, const TrainingPlan& plan, RunRecord& record, cpu::Ranks& ranks = cpu::Ranks::alone());
/// The same from a file [N, N], or [N O, N O] of so many outputs.
template <class S>
Tensor<S> load_kernel(const std::filesystem::path& file, Index num_train, Index outputs, cpu::Ranks& ranks);

/// init.npz, and in run.json what record_network says; `task` is what of several logits is trained.
template <class S>
void record_start(const CommonOptions& o, const Subject<S>& subject, const TaskOptions& task, const std::filesystem::path& folder,
                  RunRecord& record);
/// Adds --save-onnx, alone or with a file.
struct SaveOnnx {
  bool given = false;
  std::string to;  ///< empty: final.onnx in the folder of each training
};
void add_save_onnx(CommandLine& line, SaveOnnx& save);
/// Throws std::invalid_argument naming it for a network that is from no file, and for one file where there are several trainings.
void check_save_onnx(const CommonOptions& o, const SaveOnnx& save, std::size_t trainings);
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
/// The end of a run but for its figures: accuracy.csv, the record, and a line for each target on standard output.
void finish_trainings(const Accuracies& shown, const std::vector<Target>& targets, const std::vector<History>& histories,
                      const std::filesystem::path& folder, RunRecord& record);
/// accuracy.svg, of accuracy.csv; `classes` as in Target.
RunFigure figure_of_accuracies(const Accuracies& shown, const LearnerOptions& learner, bool classes, const std::filesystem::path& folder);

}  // namespace tangentplane::experiments
