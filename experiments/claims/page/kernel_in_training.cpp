// How the alignment of the kernel changes in the course of training: what train_ntk --alignment-every leaves.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "data/npy.h"
#include "experiments/claims/page/context.h"
#include "experiments/claims/statistics/statistics.h"
#include "experiments/claims/study/names.h"
#include "experiments/common/figures/figures.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

/// Alignments [3, k] (train, test, all) by epoch; epoch 0 is the initial kernel's.
using Course = std::map<Index, Tensor<double>>;

constexpr std::size_t most_targets = 6, most_epochs_shown = 4;  // as many as a legend holds

std::optional<Index> epoch_of(const std::string& name) {
  constexpr std::string_view begin = "alignment-epoch", end = ".npy";
  if (!name.starts_with(begin) || !name.ends_with(end)) return {};
  const std::string_view digits = std::string_view(name).substr(begin.size(), name.size() - begin.size() - end.size());
  Index epoch = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), epoch);
  return error == std::errc{} && stop == digits.data() + digits.size() ? std::optional(epoch) : std::nullopt;
}

/// Empty unless alignments were taken in the course of the training.
Course course_of(const Run& run, Index target) {
  const fs::path folder = target_folder(run, target);
  Course course;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (const auto epoch = epoch_of(entry->path().filename().string())) course[*epoch] = data::load_npy<double>(entry->path());
  if (course.empty()) return course;
  const fs::path before = run.folder / "alignment_init.npy", after = folder / "alignment.npy";
  if (fs::is_regular_file(before)) course[0] = data::load_npy<double>(before);
  if (const std::string epochs = run.get("epochs"); !epochs.empty() && fs::is_regular_file(after))
    course[parse_number<Index>(run.name() + ": epochs", epochs)] = data::load_npy<double>(after);
  const Shape shape = course.begin()->second.shape();
  for (const auto& [epoch, alignment] : course)
    require(alignment.shape() == shape && shape.rank() == 2 && shape[0] == 3 && target < shape[1],
            "{}: the alignment after epoch {} has shape {}, expected [3,k] like the others, of more than {} eigenfunctions",
            folder.string(), epoch, alignment.shape(), target);
  return course;
}

/// By target.
using Courses = std::vector<std::pair<Index, Course>>;
Courses courses_of(const Run& run) {
  Courses courses;
  for (const Index target : targets(run))
    if (Course course = course_of(run, target); course.size() > 1) courses.emplace_back(target, std::move(course));
  std::sort(courses.begin(), courses.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return courses;
}

/// That of test images, where there are some.
Index row_of(const Course& course) {
  const auto& last = course.rbegin()->second;
  return std::isfinite(last[last.shape()[1]]) ? 1 : 0;
}

/// Alignment with the target over the median of that with all others.
double lead(const Tensor<double>& alignment, Index row, Index target) {
  const Index k = alignment.shape()[1];
  std::vector<double> others;
  for (Index j = 0; j < k; ++j)
    if (j != target && std::isfinite(alignment[row * k + j])) others.push_back(alignment[row * k + j]);
  return others.empty() ? NAN : alignment[row * k + target] / median(others);
}

Figure leads_figure(const std::string& of, const Courses& courses) {
  Figure f{.title = fmt::format("Alignment in the course of training: {}", of),
           .x_label = "epoch",
           .y_label = "alignment / median of others",
           .log_y = true,
           .caption =
               fmt::format("A line for {}, named by its target. See when the kernel turns towards its target, early or late, and "
                           "whether it keeps turning.",
                           courses.size() > most_targets ? fmt::format("each of the first {} of {} trainings", most_targets, courses.size())
                                                         : std::string("each training"))};
  for (const auto& [target, course] : courses) {
    if (f.series.size() == most_targets) break;
    Series s{.label = fmt::format("index {}", target)};
    for (const auto& [epoch, alignment] : course) {
      s.x.push_back(static_cast<double>(epoch));
      s.y.push_back(lead(alignment, row_of(course), target));
    }
    f.series.push_back(std::move(s));
  }
  return f;
}

Figure epochs_figure(const std::string& of, Index target, const Course& course) {
  const Index row = row_of(course), k = course.begin()->second.shape()[1];
  Figure f{.title = fmt::format("{} {}, target {}", row == 1 ? "Test images:" : "Training images:", of, target),
           .x_label = "eigenfunction (index + 1)",
           .y_label = "alignment",
           .log_x = true,
           .log_y = true,
           .caption =
               "Alignment with all eigenfunctions after some of the epochs; epoch 0 is before training. See how the whole kernel "
               "grows, and how the target, ringed, comes to stand out of it or does not."};
  std::vector<Index> epochs;
  for (const auto& [epoch, alignment] : course) epochs.push_back(epoch);
  const std::size_t shown = std::min(epochs.size(), most_epochs_shown);
  Series ring{.label = fmt::format("target {}", target), .mark = Mark::highlight};
  for (std::size_t i = 0; i < shown; ++i) {
    const Index epoch = epochs[shown == 1 ? 0 : i * (epochs.size() - 1) / (shown - 1)];
    const auto& alignment = course.at(epoch);
    Series s{.label = fmt::format("epoch {}", epoch), .x = one_based(static_cast<std::size_t>(k)), .mark = Mark::points};
    for (Index j = 0; j < k; ++j) s.y.push_back(alignment[row * k + j]);
    ring.x.push_back(static_cast<double>(target) + 1), ring.y.push_back(alignment[row * k + target]);
    f.series.push_back(std::move(s));
  }
  f.series.push_back(std::move(ring));
  return f;
}

}  // namespace

Context kernel_in_training(const Study& study) {
  Context c{.id = "in-training",
            .title = "The kernel in the course of training",
            .paragraphs = {"Training moves the weights, and with them the network's kernel. Here the kernel was computed again after some "
                           "of the epochs (passes over the training images), and its alignment measured on test images, where there are "
                           "some."},
            .missing = "alignments in the course of training: train_ntk --alignment-every 5"};
  std::vector<const Run*> networks;
  std::map<const Run*, Courses> of_run;
  for (const Run* run : study.of("train_ntk")) {
    if (run->linearized()) continue;
    if (Courses found = courses_of(*run); !found.empty()) networks.push_back(run), of_run.emplace(run, std::move(found));
  }
  bool without_start = false;
  for (const Repeats& runs : matched_runs(study, networks).groups) {
    const Run& run = *runs.front();
    const Courses& courses = of_run.at(&run);
    without_start = without_start || !courses.front().second.contains(0);
    const std::string of = title_of(run) + (runs.size() > 1 ? ", seed " + run.seed() : "");
    const auto& [target, course] = courses[courses.size() / 2];
    c.figures.emplace_back(fmt::format("in-training-{}", c.figures.size()), leads_figure(of, courses));
    c.figures.emplace_back(fmt::format("in-training-{}", c.figures.size()), epochs_figure(of, target, course));
    c.runs.push_back(&run);
  }
  if (without_start)
    c.paragraphs.push_back("Epoch 0 is left out where a run of an older version has not measured the initial kernel (alignment_init.npy).");
  return c;
}

}  // namespace tangentplane::experiments
