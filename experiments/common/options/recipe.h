// The training recipe's options, for every experiment that trains.
#pragma once

#include "experiments/common/options/options.h"
#include "nn/train.h"

namespace tangentplane::experiments {

/// Adds --epochs, --batch, --learning-rate, --momentum and --no-shuffle; the values in `recipe` are the defaults, its optimizer
/// Sgd.
void add_recipe_options(CommandLine& line, Recipe& recipe);

/// Throws std::invalid_argument naming --batch unless a batch fits into the training set.
void check_recipe(const Recipe& recipe, Index num_train);

}  // namespace tangentplane::experiments
