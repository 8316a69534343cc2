// The training recipe's options, for every experiment that trains.
#pragma once

#include "experiments/common/options/options.h"
#include "nn/train.h"

namespace tangentplane::experiments {

/// The loss and what makes steps of its gradients, by name.
struct LossOptions {
  std::string loss = "cross-entropy";  ///< or squared
  std::string optimizer = "sgd";       ///< or adam
  double weight_decay = 0;
};
/// Adds --epochs, --batch, --learning-rate, --momentum, --no-shuffle, --loss, --optimizer and --weight-decay; the values in `recipe` are
/// the defaults, its optimizer Sgd.
void add_recipe_options(CommandLine& line, Recipe& recipe, LossOptions& how);
/// After parse: sets the recipe's loss for so many outputs, and its optimizer, whose learning rate is 0.001 for Adam unless one was given.
/// Throws std::invalid_argument for what Adam does not have, and for Adam in function space.
void set_loss(const CommandLine& line, Recipe& recipe, const LossOptions& how, Index outputs, bool function_space);
/// What of it is part of a run's configuration: for one logit only what is not usual.
void set_loss(Config& config, const Recipe& recipe, const LossOptions& how, Index outputs);

/// Throws std::invalid_argument naming --batch unless a batch fits into the training set.
void check_recipe(const Recipe& recipe, Index num_train);

}  // namespace tangentplane::experiments
