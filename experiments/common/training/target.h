// One training of one target, in a folder of its own: history.csv as it goes, last.npz to go on from, and what is left at the end. An
// interrupted training goes on at its last finished epoch; a finished one is not run again.
#pragma once

#include <filesystem>

#include "experiments/common/text/csv.h"
#include "nn/network.h"
#include "nn/train.h"

namespace tangentplane::experiments {

/// A task over all images: two groups for one logit, or a class for each of several.
struct Target {
  std::string name;         ///< as in accuracy.csv: an eigenfunction's index, or a size
  std::vector<int> labels;  ///< [N] in {0, 1}, or a class below the number of logits, training images first
  bool classes = false;     ///< the labels are classes, each with its logit
};

/// What of the labels counts: the share of ones, or of classes that of the most frequent one, which tells how easy a task is.
double balance(const Target& target);

/// Labels as the loss takes them for so many outputs: [N, size T], task t's number e of an image in column e T + t. Squared error: -1 and 1
/// of one output, one-hot of several.
template <class S>
Tensor<S> label_tensor(const std::vector<Target>& targets, const Loss& loss, Index outputs);

/// Where the results of one target of `count` go: `folder` itself if there is only one.
std::filesystem::path target_folder(const std::filesystem::path& folder, const std::string& target, std::size_t count);
std::vector<std::filesystem::path> target_folders(const std::filesystem::path& folder, const std::vector<Target>& targets);

/// history.csv, numbers as they were; test columns empty without test images.
void save_history(const std::filesystem::path& path, const History& history);
/// Throws std::invalid_argument for a file that is no history: epochs from 1 on, rows of numbers, test columns all empty or none.
History load_history(const std::filesystem::path& path);

/// What ends the line of a target's file that is damaged.
inline constexpr const char* train_anew = "delete it to train this target anew";

/// Trains the targets of `learner` (its columns), each in its folder, and returns their histories. If all folders hold final.npz they are
/// only read. Throws std::invalid_argument naming the file and what to do about it where last.npz, history.csv or final.npz, if there, is
/// damaged or of another training. Ctrl-C loses no finished epoch. `finish(t)` is called for each target after the last epoch, to write its
/// files; final.npz last. `epoch_done` is called after each epoch.
template <class S>
std::vector<History> train_targets(Learner<S>& learner, const std::vector<Target>& targets,
                                   const std::vector<std::filesystem::path>& folders, Index num_train, const Recipe& recipe,
                                   const std::function<void(std::size_t)>& finish, const std::function<void(Index epoch)>& epoch_done = {});

/// True once the target in this folder was trained to its end: final.npz is there and an archive. (An empty one, as a power cut can leave
/// it, is trained anew.)
bool finished(const std::filesystem::path& folder);
/// The history of a finished target. Throws std::invalid_argument naming file and remedy unless it has that many epochs.
History finished_history(const std::filesystem::path& folder, Index epochs);
/// The part of the recipe's epochs that a training into this folder has still to run.
double fraction_left(const std::filesystem::path& folder, const Recipe& recipe);

}  // namespace tangentplane::experiments
