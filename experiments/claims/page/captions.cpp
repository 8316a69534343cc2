// What to see in the figures of the claims, and what their legends say.
#include <utility>

#include "experiments/claims/page/markup.h"

namespace tangentplane::experiments {
namespace {

using Meaning = std::pair<std::string_view, std::string_view>;

// The longer name first, where one begins with the other.
constexpr Meaning kinds[] = {
    {"rank-", "See whether the two curves rise and fall together. How far apart they are does not matter here."},
    {"auc-", "The same by how well a model's output sorts the test images, which the sizes of the two classes do not change."},
    {"classes-", "See which curve is higher, and whether the gap between them widens to the right."},
    {"nads-", "See whether the curves start high on the left and come down to guessing on the right."},
    {"spikes-",
     "A point is a target. See whether it lies above the dashed line: there the alignment with the task grew more than with its "
     "neighbours, by that factor."},
    {"evolution-",
     "How strongly the kernel supports each eigenfunction, before and after learning one of them. The rings mark that one. See how "
     "far it rose, and whether it stands out from the points to its left and right."},
    {"trained-train-", "See which of the two linear models climbs in fewer epochs, passes over the training images."},
    {"trained-test-", "The same trainings on images that none of them was trained on. See whether the faster one is also the better one."},
    {"own-", "See how far the lines of the test images stay below the points of the training images, and who ends higher."},
};

constexpr Meaning labels[] = {
    {"network on the classes", "dashed: the network after training on as many images with their own classes, for comparison"},
    {"network", "the network, trained"},
    {"linearization", "its linearization at the initial weights, trained in the same way"},
    {"linear at init", "the linearization at the initial weights"},
    {"linear at trained", "the linearization at the weights that the network had after its training"},
    {"guessing", "dashed: what guessing gets"},
    {"before training", "of the kernel at the initial weights"},
    {"after training", "of the kernel at the weights after training"},
    {"training images", "measured on the images that were trained on"},
    {"test images", "measured on images that were not"},
};
constexpr Meaning beginnings[] = {
    {"threshold ", "dashed: where the verdict turns"},
    {"target ", "rings: the eigenfunction that was the task"},
};
constexpr Meaning ends[] = {
    {" (train)", "points: on the images that were trained on"},
    {" (test)", "lines: on images that were not"},
};

}  // namespace

std::string what_to_see(const std::string& name, const Figure& figure) {
  if (!figure.caption.empty()) return figure.caption;
  for (const auto& [kind, words] : kinds)
    if (name.starts_with(kind)) return std::string(words);
  return "";
}

std::string meaning_of(const std::string& label) {
  for (const auto& [whole, meaning] : labels)
    if (label == whole) return std::string(meaning);
  for (const auto& [beginning, meaning] : beginnings)
    if (label.starts_with(beginning)) return std::string(meaning);
  for (const auto& [end, meaning] : ends)
    if (label.ends_with(end)) return std::string(meaning);
  return "";
}

}  // namespace tangentplane::experiments
