#include "experiments/common/options/recipe.h"

namespace tangentplane::experiments {

void add_recipe_options(CommandLine& line, Recipe& recipe, LossOptions& how) {
  add_number<Index>(line, "--epochs", recipe.epochs, "Passes over the training images", 1, most_epochs, "Recipe");
  add_number<Index>(line, "--batch", recipe.batch, "Images a step", 1, most_images, "Recipe");
  add_number<double>(line, "--learning-rate", recipe.learning_rate, "Of the first step; decays linearly to zero", 0, largest_factor,
                     "Recipe");
  add_number<double>(line, "--momentum", std::get<Sgd>(recipe.optimizer).momentum, "Of SGD", 0, 1, "Recipe");
  line.add_flag(
      "--no-shuffle", [&recipe] { recipe.shuffle = false; }, "Batches in file order", "Recipe");
  add_choice(line, "--loss", how.loss, {"cross-entropy", "squared"},
             "Of one logit or of classes (softmax); squared error against -1 and 1, or one-hot", "Recipe");
  add_choice(line, "--optimizer", how.optimizer, {"sgd", "adam"}, "What makes steps of gradients (adam: --learning-rate 0.001 by default)",
             "Recipe");
  add_number<double>(line, "--weight-decay", how.weight_decay, "Pulls all weights to zero: SGD's as a penalty, Adam's apart", 0,
                     largest_factor, "Recipe");
}

void set_loss(const CommandLine& line, Recipe& recipe, const LossOptions& how, Index outputs, bool function_space) {
  if (how.loss == "squared")
    recipe.loss = SquaredError{};
  else if (outputs > 1)
    recipe.loss = SoftmaxCrossEntropy{};
  else
    recipe.loss = BinaryCrossEntropy{};
  if (how.optimizer == "sgd") {
    std::get<Sgd>(recipe.optimizer).weight_decay = how.weight_decay;
    return;
  }
  require(!line.given("--momentum"), "--momentum: Adam has none; leave it out");
  require(!function_space,
          "--optimizer adam: its steps are no linear function of the gradients, so that function space does not hold them; give sgd, or "
          "--space parameters");
  recipe.optimizer = Adam{.weight_decay = how.weight_decay};
  if (!line.given("--learning-rate")) recipe.learning_rate = 0.001;
}

void set_loss(Config& config, const Recipe& recipe, const LossOptions& how, Index outputs) {
  const LossOptions usual;
  if (how.optimizer == "adam") {
    config.set("learning-rate", recipe.learning_rate);
    config.erase("momentum");
  }
  if (outputs > 1) return;
  if (how.loss == usual.loss) config.erase("loss");
  if (how.optimizer == usual.optimizer) config.erase("optimizer");
  if (how.weight_decay == usual.weight_decay) config.erase("weight-decay");
}

void check_recipe(const Recipe& recipe, Index num_train) {
  require(recipe.batch <= num_train, "--batch {}{}: there are {} training images; give --batch {} or less", recipe.batch,
          recipe.batch == Recipe{}.batch ? " (the default)" : "", num_train, num_train);
  if (const auto* sgd = std::get_if<Sgd>(&recipe.optimizer))
    require(sgd->momentum < 1, "--momentum {}: give a number below 1", sgd->momentum);
}

}  // namespace tangentplane::experiments
