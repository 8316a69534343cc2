// Trains a network, or its linearization, on eigenfunctions of its own neural tangent kernel (or on any binary labels): target j is 1 where
// eigenvector j is positive. Of a network on a kernel's eigenfunctions the alignment of its kernel with all of them, before and after
// training.
//
//   train_ntk --ntk results/compute_ntk-lenet-cifar10 --index 0,10,100,500
//   train_ntk --ntk results/compute_ntk-lenet-cifar10 --index 0:64 --linearize --space function --out linearized
//
// LeNet on 10,000 images: about a minute a target on two cores. Expect close to: test accuracy falls with the index, from above 0.95 to
// that of the majority class; the linearization falls in the same order.
#include "data/hash.h"
#include "data/images.h"
#include "data/npy.h"
#include "experiments/common/cluster/ranks_of_run.h"
#include "experiments/common/figures/figures.h"
#include "experiments/common/process/run_main.h"
#include "experiments/common/subject/eigenfunctions.h"
#include "experiments/common/subject/logits.h"
#include "experiments/common/text/say.h"
#include "experiments/common/training/learners.h"
#include "experiments/common/training/more_targets.h"
#include "experiments/programs.h"
#include "kernels/alignment.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;

namespace {

constexpr const char* alignment_file = "alignment.npy";
constexpr Index most_pieces = 50;  ///< of the test images, whose shares in an alignment tell its error

/// Where the shares [G, k] of the test images' pieces in an alignment are: alignment_parts.npy beside alignment.npy.
fs::path parts_of(const fs::path& path) { return path.parent_path() / (path.stem().string() + "_parts.npy"); }

struct Options : CommonOptions {
  EigenfunctionOptions from;
  LearnerOptions learner;
  Recipe recipe;
  LossOptions loss;
  LogitsOptions logits;
  SaveOnnx save;
  std::optional<Index> alignment_every;

  bool aligns() const { return !learner.linearize && from.given(); }
  bool has_kernel() const { return learner.function_space() && from.has_kernel(); }
};

/// What the run will do, with a kernel to compute where function space has none from --ntk.
template <class S>
TrainingWork work_of(const Options& o, std::size_t targets) {
  const bool together = o.learner.function_space();
  TrainingWork work{.tasks = {{.name = "training",
                               .num_train = *o.num_train,
                               .num_test = *o.num_test,
                               .recipe = o.recipe,
                               .learner = o.learner,
                               .targets = targets,
                               .once = "features",
                               .outputs = o.from.task.trained(o.from.logits)}}};
  if (together) work.ranks = cpu::Ranks::world().count();
  if (together && !o.has_kernel()) work.kernels = 1;
  if (o.aligns()) {
    // That after the last epoch is the trained network's own.
    const Index more = o.alignment_every ? (o.recipe.epochs - 1) / *o.alignment_every : 0;
    work.aligned = o.from.kernel;
    work.alignments = static_cast<double>(targets) * static_cast<double>(1 + more);
    work.in_alignments = {{"the eigenvectors",
                           2 * static_cast<double>(o.from.pairs * (*o.num_train + *o.num_test) * o.from.side()) * sizeof(S),
                           "a compute_ntk of fewer --eigen"}};
  }
  return work;
}

Index pieces_of(Index test_images) { return std::clamp<Index>(test_images, 1, most_pieces); }

/// The alignment [3, k] of the kernel at these weights with all eigenvectors, as a stage of the run, and the shares of the test images.
struct Aligned {
  Tensor<double> alignment = {}, shares = {};

  /// The alignment last: where it is, all is.
  void save(const fs::path& path) const {
    data::save_npy(parts_of(path), shares);
    data::save_npy(path, alignment);
  }
};
template <class S>
Aligned aligned_kernel(const Options& o, const Subject<S>& subject, const Variables<S>& weights, const TrainingPlan& plan,
                       RunRecord& record, const char* name = alignment_after) {
  auto stage = record.stage(name, plan.of(name));
  const auto vectors = data::load_npy<S>(o.from.file("eigvecs.npy"));
  Progress progress(name, 100, "per cent");
  NtkOptions options;
  options.memory = plan.room, options.outputs = o.from.kernel;
  const NtkPlan kernel = plan_ntk(subject.whole(), weights, subject.data.images, options);  // training may have left layers out
  options.plan = &kernel;
  options.progress = shown(progress);
  Aligned aligned{.shares = Tensor<double>({pieces_of(subject.data.images.rows() - subject.data.num_train), vectors.shape()[0]})};
  aligned.alignment = alignment(subject.whole(), weights, subject.data.images, subject.data.num_train, vectors, options, &aligned.shares);
  progress.finish();
  stage.add_flops(kernel.feature_flops + kernel.pair_flops);
  return aligned;
}

bool is_aligned(const fs::path& path) { return fs::exists(path) && fs::exists(parts_of(path)); }

/// One that this run has written. It holds NaN where an eigenvector is 0 on all training or all test images, or there are none.
Aligned saved_alignment(const Options& o, const fs::path& path, Index training_images) {
  const Index num_train = training_images * o.from.side();  // entries of an eigenvector
  return with_remedy("delete it to compute it anew", [&] {
    const fs::path eigenvectors = o.from.file("eigvecs.npy");
    const Index k = data::npy_info(eigenvectors).shape[0];
    require_matrix(path, 3, k);
    require_matrix(parts_of(path), pieces_of(*o.num_test), k);
    auto aligned = data::load_npy<double>(path), checked = aligned.clone();
    for (Index i = 0; i < 2 * k; ++i) {
      if (!std::isnan(aligned[i])) continue;
      const auto vector = data::load_npy_rows<double>(eigenvectors, i % k, i % k + 1);
      const auto *middle = vector.data() + num_train, *first = i < k ? vector.data() : middle,
                 *last = i < k ? middle : vector.data() + vector.size();
      if (std::all_of(first, last, [](double v) { return v == 0; })) checked[i] = 0;
    }
    data::require_finite(path.string(), checked, "row");
    return Aligned{std::move(aligned), data::load_npy<double>(parts_of(path))};
  });
}

/// The same into a file, unless it is there.
template <class S>
void save_aligned(const fs::path& path, const Options& o, const Subject<S>& subject, const Variables<S>& weights, const TrainingPlan& plan,
                  RunRecord& record, const char* name = alignment_after) {
  if (is_aligned(path))
    saved_alignment(o, path, subject.data.num_train);
  else
    aligned_kernel(o, subject, weights, plan, record, name).save(path);
}

template <class S>
std::vector<History> train_all(const Options& o, const Subject<S>& subject, const std::vector<Target>& targets,
                               const std::vector<fs::path>& folders, const fs::path& init_alignment, const TrainingPlan& plan,
                               RunRecord& record) {
  const TrainingCost& cost = plan.tasks[0];
  if (o.learner.function_space()) {
    const auto kernel = [&] {
      if (!o.has_kernel()) return compute_kernel(subject, plan, record, cpu::Ranks::world());
      return load_kernel<S>(o.from.file("ntk.npy"), subject.data.num_train, o.from.side(), cpu::Ranks::world());
    };
    return train_in_function_space<S>(subject, targets, folders, o.recipe, o.learner.without_f0, kernel, cost, record, cpu::Ranks::world());
  }
  if (o.aligns())  // those of targets that an earlier run finished, before any work
    for (const fs::path& folder : folders)
      if (finished(folder) && is_aligned(folder / alignment_file)) saved_alignment(o, folder / alignment_file, subject.data.num_train);
  if (o.aligns() && cpu::Ranks::world().first()) save_aligned(init_alignment, o, subject, subject.init, plan, record, alignment_before);
  std::shared_ptr<const KeptJacobian<S>> kept;
  if (cost.keeps()) {
    auto stage = record.stage("features", plan.of("features"));
    kept = keep_jacobian(subject, folders);
    if (kept) stage.add_flops(cost.once);
  }
  return dealt_results(targets.size(), [&](std::size_t t) {
    auto stage = record.stage("target " + targets[t].name, cost.planned);
    const fs::path& folder = folders[t];
    const double flops = fraction_left(folder, o.recipe) * cost.epochs;
    const auto done = [&](History history) {
      stage.add_flops(flops);
      return history;
    };
    if (o.learner.linearize) return done(train_linearized(subject, targets[t], folder, o.recipe, o.learner.without_f0, kept));
    if (o.aligns() && finished(folder) && !is_aligned(folder / alignment_file)) {
      const auto weights = with_remedy(train_anew, [&] { return load_variables(folder / "final.npz", subject.init, subject.keys); });
      save_aligned(folder / alignment_file, o, subject, weights, plan, record);
    }
    NetworkHooks<S> hooks;
    const auto at_epoch = [&](Index epoch) { return folder / fmt::format("alignment-epoch{}.npy", epoch); };
    if (o.alignment_every)
      hooks.epoch_done = [&](Index epoch, const Variables<S>& weights) {
        if (epoch % *o.alignment_every == 0) save_aligned(at_epoch(epoch), o, subject, weights, plan, record);
      };
    if (o.aligns())
      hooks.trained = [&](const Variables<S>& weights) {
        const fs::path last = at_epoch(o.recipe.epochs);
        const auto aligned =
            is_aligned(last) ? saved_alignment(o, last, subject.data.num_train) : aligned_kernel(o, subject, weights, plan, record);
        aligned.save(folder / alignment_file);
      };
    return done(train_network(subject, targets[t], folder, o.recipe, hooks));
  });
}

/// accuracy.svg, and alignment.svg beside each alignment.npy.
std::vector<RunFigure> figures_of(const Options& o, const Accuracies& shown, const std::vector<Target>& targets, const fs::path& folder) {
  std::vector<RunFigure> all{figure_of_accuracies(shown, o.learner, targets[0].classes, folder)};
  if (!o.aligns()) return all;
  const std::string title = fmt::format("Kernel of {} after training", o.model_name());
  for (const Target& target : targets) {
    const std::optional<Index> index = o.labels.empty() ? std::optional(parse_number<Index>("--index", target.name)) : std::nullopt;
    all.push_back({target_folder(folder, target.name, targets.size()) / "alignment.svg", [title, index](const fs::path& path) {
                     return draw(path, alignment_figure(title, data::load_npy<double>(path.parent_path() / alignment_file), index));
                   }});
  }
  return all;
}

template <class S>
void run_in(CommandLine& line, Options o, const data::Layout& layout) {
  const Index n = layout.num_train + layout.num_test;
  Config config = configuration(line, o);
  AllTargets all;
  if (!o.from.index.empty()) {
    all = all_targets(o.out, "train_ntk", o.from.index);
    config.set("index", o.from.index = all.index);
  }
  set_loss(config, o.recipe, o.loss, o.from.task.trained(o.from.logits));
  if (o.from.task.outputs) config.set("outputs", o.from.task.outputs->str());
  const auto targets = targets_of(o, o.from, n);
  check_save_onnx(o, o.save, targets.size());
  ResultsFolder folder(o.out, "train_ntk", config);
  if (!o.from.index.empty()) folder.may_grow_by("index", [&] { make_room(o.out, all.there, o.learner.function_space()); });
  folder.check();
  const fs::path start = o.from.start(o);
  auto subject = start_subject<S>(o, layout, start, training_takes(n));
  if (o.from.task.outputs) see_as(subject, *o.from.task.outputs);
  if (o.save.given) subject.graph = o.model, subject.graph_to = o.save.to;
  const auto held = held_by_training(o, subject, work_of<S>(o, targets.size()));
  require_room(training_takes(n), held, o.memory);
  if (o.begin || o.from.begun) return only_begin(plan_training(o, subject, work_of<S>(o, targets.size()), held), o, folder);
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
  TrainingPlan plan = plan_training(o, subject, work_of<S>(o, targets.size()), held);
  if (o.is_file_model()) plan.remarks.push_back(trainable_line(o));
  if (o.plan) return print_plan(plan);
  const Accuracies shown{"target", fmt::format("{} on eigenfunctions: {}", o.model_name(), data_name(o)), "eigenfunction (index + 1)",
                         "target"};
  folder.has_figures(figures_of(o, shown, targets, folder.path()));
  if (!folder.claim()) return;
  if (o.from.given()) {
    say_if_other("train_ntk", o.from.file("eigvecs.npy"), o.from.eigenvectors, o.from.before, "eigenvectors");
    say_if_other_dtype("train_ntk", o.dtype, o.from.ntk);
  }
  if (kernel && !o.from.before.all().empty()) say_if_other("train_ntk", o.from.file("ntk.npy"), kernel, o.from.before, "kernel");
  RunRecord record(folder);
  record.follow(plan);
  record.made_from(made, input_files(o, o.from.files(o, o.has_kernel())));
  record_start(o, subject, o.from.task, folder.path(), record);
  record_balance(targets, record);
  cpu::Ranks::world().barrier();
  const auto folders = target_folders(folder.path(), targets);
  const auto histories = train_all(o, subject, targets, folders, folder.path() / "alignment_init.npy", plan, record);
  record_traffic(record, plan.sent());
  if (!cpu::Ranks::world().first()) return;
  finish_trainings(shown, targets, histories, folder.path(), record);
  folder.draw_figures();
}

void run(int argc, const char* const* argv, const OwnNetworks& own) {
  CommandLine line("Trains a network or its linearization on eigenfunctions of its neural tangent kernel, or on labels", "train_ntk");
  Options o;
  offer(o, own);
  add_common_options(line, o);
  add_eigenfunction_options(line, o.from);
  add_learner_options(line, o.learner);
  add_number<Index>(line, "--alignment-every", o.alignment_every, "Alignment of the kernel after every so many epochs too", 1, most_epochs);
  add_recipe_options(line, o.recipe, o.loss);
  add_logits_options(line, o.logits);
  add_save_onnx(line, o.save);
  parse(line, argc, argv);
  check_learner(o.learner);
  resolve(line, o, o.from, !o.logits.asked());
  require(!o.alignment_every || o.aligns(), "--alignment-every: only a network trained with --ntk has an alignment; leave it out");
  const data::Layout layout = look_at_data(o);
  if (only_logits(line, o.logits, o, layout, o.from.start(o))) return;
  choose_outputs(o, o.from, logits_of(o, layout.image));
  check_recipe(o.recipe, layout.num_train);
  set_loss(line, o.recipe, o.loss, o.from.task.trained(o.from.logits), o.learner.function_space());
  o.recipe.seed = o.seed;
  with_dtype(o, [&]<class S>() { run_in<S>(line, o, layout); });
}

}  // namespace

int train_ntk(int argc, const char* const* argv, const OwnNetworks& own) {
  return run_main(argc, argv, [&](int count, const char* const* words) { run(count, words, own); });
}

}  // namespace tangentplane::experiments
