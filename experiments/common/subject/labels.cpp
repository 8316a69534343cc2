#include "experiments/common/subject/labels.h"

#include <algorithm>

#include "data/dataset.h"
#include "data/npy.h"

namespace tangentplane::experiments {

std::vector<int> classes_of_file(const CommonOptions& o, Index n) {
  const Shape shape = data::npy_info(o.labels).shape;
  require(shape.rank() != 1 || shape[0] == n, "{}: has {} labels, there are {} images", o.labels, shape[0], n);
  auto classes = data::load_labels_npy(o.labels);
  const auto least = std::min_element(classes.begin(), classes.end());
  require(*least >= 0, "{}: label {} is {}; classes count from 0", o.labels, least - classes.begin(), *least);
  return classes;
}

Target labels_of_file(const CommonOptions& o, const TaskOptions& task, Index n, Index outputs) {
  if (task.positive) {
    const auto classes = classes_of_file(o, n);
    const std::vector<int> positive(task.positive->begin(), task.positive->end());
    auto labels = data::binary_targets(classes, 1 + *std::max_element(classes.begin(), classes.end()), positive);
    return {"labels", std::move(labels), outputs > 1};
  }
  if (outputs == 1) return {"labels", data::load_binary_labels_npy(o.labels, n)};
  auto classes = classes_of_file(o, n);
  const auto most = std::max_element(classes.begin(), classes.end());
  require(*most < outputs, "{}: label {} is {}; the classes of {} with {} logits are 0 to {}", o.labels, most - classes.begin(), *most,
          o.model_name(), outputs, outputs - 1);
  return {"labels", std::move(classes), true};
}

}  // namespace tangentplane::experiments
