#include "experiments/common/options/recipe.h"

namespace tangentplane::experiments {

void add_recipe_options(CLI::App& app, Recipe& recipe) {
  const auto group = [](CLI::Option* option) { option->group("Recipe"); };
  group(add_number<Index>(app, "--epochs", recipe.epochs, "Passes over the training images", 1, most_epochs));
  group(add_number<Index>(app, "--batch", recipe.batch, "Images a step", 1, most_images));
  group(add_number<double>(app, "--learning-rate", recipe.learning_rate, "Of the first step; decays linearly to zero", 0, largest_factor));
  group(add_number<double>(app, "--momentum", recipe.momentum, "Of SGD", 0, 1));
  group(app.add_flag_callback(
      "--no-shuffle", [&recipe] { recipe.shuffle = false; }, "Batches in file order"));
}

void check_recipe(const Recipe& recipe, Index num_train) {
  require(recipe.batch <= num_train, "--batch {}: there are {} training images; give at most that", recipe.batch, num_train);
  require(recipe.momentum < 1, "--momentum {}: give a number below 1", recipe.momentum);
}

}  // namespace tangentplane::experiments
