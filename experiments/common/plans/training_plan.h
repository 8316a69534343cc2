// The plan of a run that trains: what it holds, the kernels that it needs, and each training.
#pragma once

#include <optional>

#include "experiments/common/options/learner_options.h"
#include "experiments/common/plans/plan.h"
#include "experiments/common/process/memory.h"
#include "experiments/common/subject/subject.h"
#include "kernels/ntk.h"
#include "nn/train.h"

namespace tangentplane::experiments {

/// A training of a run, or several alike.
struct TrainingTask {
  std::string name = "training";  ///< its row, and the stage by which its costs are asked for
  Index num_train = 0, num_test = 0;
  Recipe recipe = {};
  LearnerOptions learner = {};
  std::size_t targets = 1;  ///< side by side in function space; else one after the other, with one kept Jacobian
  std::size_t times = 1;    ///< how often all that is done
  std::string once = {};    ///< the stage in which a Jacobian is kept; empty: the training's own
  bool trained = false;     ///< at weights that another training has left
  Index outputs = 1;        ///< logits that are trained
};

/// All that a run which trains will do.
struct TrainingWork {
  std::vector<TrainingTask> tasks;
  std::vector<Held> beside = {};         ///< held besides, all the time
  std::vector<Held> in_alignments = {};  ///< besides that while a kernel is aligned
  Index ranks = 1;                       ///< that share the kernel of function space, each with the columns of its own images
  double kernels = 0;  ///< kernels of function space that are computed, of the largest task's images; smaller tasks cut theirs out
  std::optional<Outputs> aligned = {};  ///< of which outputs kernels are aligned
  double alignments = 0;  ///< kernels of trained networks that are aligned, of the largest task's images; if any, one before training too
};

/// What a run holds while its largest task is trained: the program, its passes, images, weights (the start, the learner's with momentum and
/// gradient, a copy to go on from), in function space the kernel and the coefficients of all targets, and what is beside. Of the subject
/// nothing but weights and the shape of an image is looked at, here and below.
template <class S>
std::vector<Held> held_by_training(const CommonOptions& o, const Subject<S>& subject, const TrainingWork& work);
/// For messages of memory: "training on 8 images takes".
std::string training_takes(Index images);

/// What a task costs: multiply-adds, twice.
struct TrainingCost {
  double once = 0;                       ///< to keep the Jacobian
  double epochs = 0;                     ///< of all epochs, of one target; in function space of all of them
  double kept_bytes = 0;                 ///< of the Jacobian; 0: it does not fit and is not kept
  double once_seconds = 0, seconds = 0;  ///< of the same two, measured; not in function space, where flops tell them
  Costs planned;                         ///< of the stage that is asked for by the task's name

  bool keeps() const { return kept_bytes > 0; }
  /// What there is to do where that share of the epochs is left.
  double flops_left(double share) const { return share == 0 ? 0 : once + share * epochs; }
};

/// The stages of kernels that are aligned.
inline constexpr const char *alignment_before = "alignment before training", *alignment_after = "alignment";

/// Where mpirun started several ranks the stages are one's: of a kernel that they share each one's, of trainings that are dealt the first
/// one's, which has the most.
struct TrainingPlan : Plan {
  double room = 0;                  ///< bytes of --memory that are left for a kept Jacobian, or for a kernel's features
  std::vector<TrainingCost> tasks;  ///< as in the work
  std::optional<NtkPlan> kernel;    ///< of function space, if it is computed: the rows of the training images
  Index ranks = 1;                  ///< of the run
  std::string whose = {};           ///< of several ranks: whose numbers the stages are
  std::vector<std::pair<std::string, double>> sent_by = {};  ///< rows, and the bytes that the rank sends, and as many received, in them

  /// In all of them.
  double sent() const {
    double bytes = 0;
    for (const auto& [row, sent] : sent_by) bytes += sent;
    return bytes;
  }
};

/// As format_plan of any plan; of several ranks with the bytes that one sends and receives, and whose numbers all are.
std::string format_plan(const TrainingPlan& plan);
/// Says it.
void print_plan(const TrainingPlan& plan);

/// `held` is what held_by_training gave. Measures steps, passes where there are kernels, and the rate of matrix products. Throws
/// std::invalid_argument naming --memory where the features of a kernel do not fit.
template <class S>
TrainingPlan plan_training(const CommonOptions& o, const Subject<S>& subject, const TrainingWork& work, const std::vector<Held>& held);

}  // namespace tangentplane::experiments
