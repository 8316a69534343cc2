// Trains a network, or its linearization, on eigenfunctions of its own neural tangent kernel (or on any binary labels): target j is 1 where
// eigenvector j is positive. After training a network on a kernel's eigenfunctions, the alignment of its new kernel with all of them.
//
//   train_ntk --ntk results/compute_ntk-lenet-cifar10 --index 0,10,100,500
//   train_ntk --ntk results/compute_ntk-lenet-cifar10 --index 0:64 --linearize --space function --out linearized
//
// LeNet on 10,000 images: about a minute a target on two cores. Expect close to: test accuracy falls with the index, from above 0.95 to
// that of the majority class; the linearization falls in the same order.
#include "data/hash.h"
#include "data/images.h"
#include "data/npy.h"
#include "experiments/common/figures/figures.h"
#include "experiments/common/process/run_main.h"
#include "experiments/common/subject/eigenfunctions.h"
#include "experiments/common/text/say.h"
#include "experiments/common/training/learners.h"
#include "experiments/common/training/more_targets.h"
#include "kernels/alignment.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
namespace fs = std::filesystem;

namespace {

struct Options : CommonOptions {
  EigenfunctionOptions from;
  LearnerOptions learner;
  Recipe recipe;
  std::optional<Index> alignment_every;

  bool aligns() const { return !learner.linearize && from.given(); }
  bool has_kernel() const { return learner.function_space() && from.has_kernel(); }
};

/// How kernels are computed within --memory. Throws std::invalid_argument if they cannot be.
template <class S>
NtkOptions ntk_options(const Options& o, const Subject<S>& subject, std::size_t targets) {
  auto held = training_parts(o, subject, o.recipe, o.learner, targets);
  if (o.aligns())
    held.push_back({"the eigenvectors", 2 * static_cast<double>(data::npy_info(o.from.file("eigvecs.npy")).shape.size()) * sizeof(S),
                    "a compute_ntk of fewer --eigen"});
  require_memory(o, subject.data.num_train + subject.data.num_test, held);
  NtkOptions options;
  options.memory = static_cast<double>(o.memory) - bytes_of(held);
  return options;
}

/// The alignment [3, k] of the kernel at these weights with all eigenvectors.
template <class S>
Tensor<double> aligned_kernel(const Options& o, const Subject<S>& subject, const Variables<S>& weights, NtkOptions options,
                              RunRecord& record) {
  auto stage = record.stage("alignment");
  const auto vectors = data::load_npy<S>(o.from.file("eigvecs.npy"));
  Progress progress("alignment", 100, "per cent");
  options.progress = shown(progress);
  auto aligned = alignment(subject.network, weights, subject.data.images, subject.data.num_train, vectors, options);
  progress.finish();
  const NtkPlan plan = plan_ntk(subject.network, weights, subject.data.images, options);
  stage.add_flops(plan.feature_flops + plan.pair_flops);
  return aligned;
}

/// One that this run has written.
Tensor<double> saved_alignment(const Options& o, const fs::path& path) {
  return with_remedy("delete it to compute it anew", [&] {
    require_matrix(path, 3, data::npy_info(o.from.file("eigvecs.npy")).shape[0]);
    auto aligned = data::load_npy<double>(path);
    data::require_finite(path.string(), aligned, "row");
    return aligned;
  });
}

template <class S>
std::vector<History> train_all(const Options& o, const Subject<S>& subject, const std::vector<Target>& targets,
                               const std::vector<fs::path>& folders, RunRecord& record) {
  const NtkOptions in_memory = ntk_options(o, subject, targets.size());
  if (o.learner.function_space()) {
    const auto kernel = [&] {
      if (!o.has_kernel()) return compute_kernel(subject, in_memory, record);
      return data::load_npy_rows<S>(o.from.file("ntk.npy"), 0, subject.data.num_train);
    };
    return train_in_function_space<S>(subject, targets, folders, o.recipe, o.learner.without_f0, kernel, record);
  }
  std::vector<History> histories;
  std::shared_ptr<const KeptJacobian<S>> kept;
  const TrainingFlops flops = training_flops(subject, o.recipe, o.learner, 1, in_memory.memory);
  if (o.learner.linearize) {
    auto stage = record.stage("features");
    kept = keep_jacobian(subject, folders, in_memory.memory);
    if (kept) stage.add_flops(flops.once);
  }
  for (std::size_t t = 0; t < targets.size(); ++t) {
    auto stage = record.stage("target " + targets[t].name);
    const fs::path& folder = folders[t];
    const double left = fraction_left(folder, o.recipe);
    if (o.learner.linearize) {
      histories.push_back(train_linearized(subject, targets[t], folder, o.recipe, o.learner.without_f0, kept));
      stage.add_flops(left * flops.epochs);
      continue;
    }
    NetworkHooks<S> hooks;
    const auto at_epoch = [&](Index epoch) { return folder / fmt::format("alignment-epoch{}.npy", epoch); };
    if (o.alignment_every)
      hooks.epoch_done = [&](Index epoch, const Variables<S>& weights) {
        if (epoch % *o.alignment_every == 0 && !fs::exists(at_epoch(epoch)))
          data::save_npy(at_epoch(epoch), aligned_kernel(o, subject, weights, in_memory, record));
      };
    if (o.aligns())
      hooks.trained = [&](const Variables<S>& weights) {
        const fs::path last = at_epoch(o.recipe.epochs);
        const auto aligned = fs::exists(last) ? saved_alignment(o, last) : aligned_kernel(o, subject, weights, in_memory, record);
        data::save_npy(folder / "alignment.npy", aligned);
      };
    histories.push_back(train_network(subject, targets[t], folder, o.recipe, hooks));
    stage.add_flops(left * flops.epochs);
  }
  return histories;
}

/// alignment.svg beside each alignment.npy.
void draw_alignments(const Options& o, const std::vector<Target>& targets, const std::vector<fs::path>& folders) {
  for (std::size_t t = 0; t < targets.size(); ++t)
    try_figure(folders[t] / "alignment.svg", [&](const fs::path& path) {
      const std::optional<Index> index = o.labels.empty() ? std::optional(parse_number<Index>("--index", targets[t].name)) : std::nullopt;
      return draw(path, alignment_figure(fmt::format("Kernel of {} after training", o.model),
                                         data::load_npy<double>(folders[t] / "alignment.npy"), index));
    });
}

template <class S>
void print_plan(const Options& o, const Subject<S>& subject, std::size_t targets) {
  const NtkOptions in_memory = ntk_options(o, subject, targets);
  std::vector<PlanStage> stages{training_stage(subject, o.recipe, o.learner, targets, in_memory.memory)};
  const double held = training_bytes(subject, o.recipe, o.learner, targets);
  if (o.aligns()) {  // of trained networks
    const Subject<S> trained{subject.data, subject.network, all_active(subject.init)};
    stages.push_back(kernel_stage(trained, plan_ntk(trained.network, trained.init, trained.data.images, in_memory), held));
    stages.back().name = "alignment";
    // That after the last epoch is the trained network's own.
    const Index more = o.alignment_every ? (o.recipe.epochs - 1) / *o.alignment_every : 0;
    const double times = static_cast<double>(targets) * static_cast<double>(1 + more);
    stages.back().flops *= times, stages.back().seconds *= times;
  } else if (o.learner.function_space() && !o.has_kernel()) {
    stages.insert(stages.begin(), kernel_stage(subject, plan_ntk(subject.network, subject.init, subject.data.images, in_memory), held));
  }
  tell("{}", format_plan(stages, measure_gemm_rate<S>()));
}

template <class S>
void run_in(CLI::App& app, Options o, const data::Layout& layout) {
  const Index n = layout.num_train + layout.num_test;
  Config config = configuration(app, o);
  AllTargets all;
  if (!o.from.index.empty()) {
    all = all_targets(o.out, "train_ntk", o.from.index);
    config.set("index", o.from.index = all.index);
  }
  const auto targets = targets_of(o, o.from, n);
  ResultsFolder folder(o.out, "train_ntk", config);
  if (!o.from.index.empty()) folder.may_grow_by("index", [&] { make_room(o.out, all.there, o.learner.function_space()); });
  folder.check();
  const fs::path start = o.from.start(o);
  auto subject = start_subject<S>(o, layout, start, training_takes(n));
  const NtkOptions in_memory = ntk_options(o, subject, targets.size());
  load_images(subject, o, start);
  auto made = fingerprints_of(o, subject, start);
  if (!o.labels.empty()) made.set("labels", fingerprint(targets), "--labels " + o.labels);
  compare(o.from, o, made);
  std::uint64_t kernel = 0;
  if (o.has_kernel()) {
    kernel = require_kernel(o.from, n);
    made.set("kernel", data::hexadecimal(kernel), "--ntk " + o.from.ntk);
  }
  require_same_inputs(folder, made);
  require_same_labels(folder.path(), all, targets, "--ntk " + o.from.ntk);
  made.set("labels", fingerprint(targets));
  if (!o.has_kernel() && (o.learner.function_space() || o.aligns()))
    plan_ntk(subject.network, subject.init, subject.data.images, in_memory);  // throws where features do not fit
  if (o.plan) return print_plan(o, subject, targets.size());
  if (!folder.claim()) return;
  if (o.from.given()) say_if_other("train_ntk", o.from.file("eigvecs.npy"), o.from.eigenvectors, o.from.before, "eigenvectors");
  if (kernel && !o.from.before.all().empty()) say_if_other("train_ntk", o.from.file("ntk.npy"), kernel, o.from.before, "kernel");
  RunRecord record(folder);
  record.made_from(made, input_files(o, o.from.files(o)));
  record_start(subject, folder.path(), record);
  record_balance(targets, record);
  const auto folders = target_folders(folder.path(), targets);
  const auto histories = train_all(o, subject, targets, folders, record);
  finish_trainings({"target", fmt::format("{} on eigenfunctions: {}", o.model, data_name(o)), "eigenfunction (index + 1)", "target"},
                   targets, histories, o.learner, folder.path(), record);
  if (o.aligns()) draw_alignments(o, targets, folders);
}

void run(int argc, const char* const* argv) {
  CLI::App app("Trains a network or its linearization on eigenfunctions of its neural tangent kernel, or on binary labels", "train_ntk");
  Options o;
  add_common_options(app, o);
  add_eigenfunction_options(app, o.from);
  add_learner_options(app, o.learner);
  add_number<Index>(app, "--alignment-every", o.alignment_every, "Alignment of the kernel after every so many epochs too", 1, most_epochs);
  add_recipe_options(app, o.recipe);
  parse(app, argc, argv);
  check_learner(o.learner);
  resolve(app, o, o.from);
  require(!o.alignment_every || o.aligns(), "--alignment-every: only a network trained with --ntk has an alignment; leave it out");
  const data::Layout layout = look_at_data(o);
  check_recipe(o.recipe, layout.num_train);
  o.recipe.seed = o.seed;
  with_dtype(o, [&]<class S>() { run_in<S>(app, o, layout); });
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
