#include "experiments/common/options/recipe.h"

namespace tangentplane::experiments {

void add_recipe_options(CommandLine& line, Recipe& recipe) {
  add_number<Index>(line, "--epochs", recipe.epochs, "Passes over the training images", 1, most_epochs, "Recipe");
  add_number<Index>(line, "--batch", recipe.batch, "Images a step", 1, most_images, "Recipe");
  add_number<double>(line, "--learning-rate", recipe.learning_rate, "Of the first step; decays linearly to zero", 0, largest_factor,
                     "Recipe");
  add_number<double>(line, "--momentum", std::get<Sgd>(recipe.optimizer).momentum, "Of SGD", 0, 1, "Recipe");
  line.add_flag(
      "--no-shuffle", [&recipe] { recipe.shuffle = false; }, "Batches in file order", "Recipe");
}

void check_recipe(const Recipe& recipe, Index num_train) {
  require(recipe.batch <= num_train, "--batch {}: there are {} training images; give at most that", recipe.batch, num_train);
  if (const auto* sgd = std::get_if<Sgd>(&recipe.optimizer))
    require(sgd->momentum < 1, "--momentum {}: give a number below 1", sgd->momentum);
}

}  // namespace tangentplane::experiments
