// Does linearizing at trained weights help? Trains a network on an eigenfunction of its neural tangent kernel, then two linearizations of
// it on the same labels by the same batches: at the initial weights and at the trained ones, both without f(theta0).
//
//   pretrained_ntk_comparison --ntk results/compute_ntk-lenet-cifar10 --index 100 --epochs 20
//
// LeNet on 10,000 + 2000 images of CIFAR-10: 39 s (2-core AVX-512 Xeon, 24 November 2026). Expect close to (seed 0): the linearization at
// the trained weights fits 0.99 of the training set after three epochs and ends at the network's own test accuracy, 0.70 and 0.69; the one
// at the initial weights fits more slowly, 0.98 after 20, and reaches 0.96, for the target is an eigenfunction of its kernel.
#include "experiments/common/cluster/ranks_of_run.h"
#include "experiments/common/figures/figures.h"
#include "experiments/common/process/run_main.h"
#include "experiments/common/subject/eigenfunctions.h"
#include "experiments/common/text/say.h"
#include "experiments/common/training/accuracies.h"
#include "experiments/common/training/learners.h"
#include "experiments/programs.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;

namespace {

struct Options : CommonOptions {
  EigenfunctionOptions from;
  Recipe recipe;
  LossOptions loss;
  SaveOnnx save;
  bool keep_statistics = false;
};

constexpr const char* models[] = {"network", "linear_init", "linear_trained"};

/// The three trainings of one target, in the order of `models`, which is that of the plan's tasks.
template <class S>
std::vector<History> compare(const Options& o, const Subject<S>& subject, const Target& target, const fs::path& folder,
                             const TrainingPlan& plan, RunRecord& record) {
  std::vector<History> histories;
  /// One of the three as a stage of the run, by what trains it into its folder.
  const auto timed = [&](std::size_t model, const auto& train) {
    const TrainingCost& cost = plan.tasks[model];
    auto stage = record.stage(fmt::format("target {}, {}", target.name, models[model]), cost.planned);
    const double flops = cost.flops_left(fraction_left(folder / models[model], o.recipe));
    histories.push_back(train(folder / models[model], cost.keeps()));
    stage.add_flops(flops);
  };
  timed(0, [&](const fs::path& to, bool) { return train_network<S>(subject, target, to, o.recipe); });
  timed(1, [&](const fs::path& to, bool keep) { return train_linearized(subject, target, to, o.recipe, true, keep); });
  Subject<S> trained = subject;
  trained.init = load_variables(folder / "network" / "final.npz", subject.init, subject.keys);
  if (!o.keep_statistics) {
    trained.init.statistics = subject.init.statistics;
    trained.init.single_statistics = subject.init.single_statistics;
  }
  timed(2, [&](const fs::path& to, bool keep) { return train_linearized(trained, target, to, o.recipe, true, keep); });
  return histories;
}

TrainingWork work_of(const Options& o, std::size_t targets) {
  TrainingWork work;
  for (const std::string model : models)
    work.tasks.push_back({.name = model,
                          .num_train = *o.num_train,
                          .num_test = *o.num_test,
                          .recipe = o.recipe,
                          .learner = {.linearize = model != "network"},
                          .times = targets,
                          .trained = model == "linear_trained",
                          .outputs = o.from.task.trained(o.from.logits)});
  return work;
}

/// curves.svg of each target, of the three histories.
std::vector<RunFigure> figures_of(const Options& o, const std::vector<Target>& targets, const fs::path& folder) {
  std::vector<RunFigure> all;
  for (const Target& target : targets) {
    const fs::path own = target_folder(folder, target.name, targets.size());
    const std::string title = fmt::format("{}, linearized at init and trained: target {}", o.model_name(), target.name);
    all.push_back({own / "curves.svg", [own, title](const fs::path& path) {
                     const auto history = [&](const char* model) { return load_history(own / model / "history.csv"); };
                     return save_figure(path, curves_figure(title, {{"network", history("network")},
                                                                    {"init", history("linear_init")},
                                                                    {"trained", history("linear_trained")}}));
                   }});
  }
  return all;
}

template <class S>
void run_in(CommandLine& line, Options o, const data::Layout& layout) {
  const auto targets = targets_of(o, o.from, layout.num_train + layout.num_test);
  check_save_onnx(o, o.save, std::size(models) * targets.size());
  Config config = configuration(line, o);
  set_loss(config, o.recipe, o.loss, o.from.task.trained(o.from.logits));
  if (o.from.task.outputs) config.set("outputs", o.from.task.outputs->str());
  ResultsFolder folder(o.out, "pretrained_ntk_comparison", config);
  folder.check();
  const fs::path start = o.from.start(o);
  auto subject = start_subject<S>(o, layout, start, training_takes(layout.num_train + layout.num_test));
  if (o.from.task.outputs) see_as(subject, *o.from.task.outputs);
  if (o.save.given) subject.graph = o.model, subject.graph_to = o.save.to;
  const TrainingWork work = work_of(o, targets.size());
  const auto held = held_by_training(o, subject, work);
  require_room(training_takes(layout.num_train + layout.num_test), held, o.memory);
  if (o.begin || o.from.begun) return only_begin(plan_training(o, subject, work, held), o, folder);
  load_images(subject, o, start);
  auto made = fingerprints_of(o, subject, start);
  made.set("labels", fingerprint(targets), o.labels.empty() ? "--ntk " + o.from.ntk : "--labels " + o.labels);
  compare(o.from, o, made);
  require_same_inputs(folder, made);
  TrainingPlan plan = plan_training(o, subject, work, held);
  if (o.is_file_model()) plan.remarks.push_back(trainable_line(o));
  if (o.plan) return print_plan(plan);
  folder.has_figures(figures_of(o, targets, folder.path()));
  if (!folder.claim()) return;
  if (o.from.given()) {
    say_if_other("pretrained_ntk_comparison", o.from.file("eigvecs.npy"), o.from.eigenvectors, o.from.before, "eigenvectors");
    say_if_other_dtype("pretrained_ntk_comparison", o.dtype, o.from.ntk);
  }
  RunRecord record(folder);
  record.follow(plan);
  record.made_from(made, input_files(o, o.from.files(o, false)));
  record_start(o, subject, o.from.task, folder.path(), record);
  record_balance(targets, record);

  const auto folders = target_folders(folder.path(), targets);
  Csv accuracies(accuracy_columns({"target", "model"}));
  const auto all = dealt_results(targets.size(), [&](std::size_t t) { return compare(o, subject, targets[t], folders[t], plan, record); });
  if (!cpu::Ranks::world().first()) return;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const auto& histories = all[t];
    std::vector<Target> rows;
    for (std::size_t m = 0; m < histories.size(); ++m) {
      accuracies.add_row(accuracy_row({targets[t].name, models[m]}, targets[t], histories[m], folders[t] / models[m]));
      record.add_training(targets[t].name + ", " + models[m], histories[m]);
      rows.push_back({models[m], targets[t].labels, targets[t].classes});
    }
    print_accuracies("target " + targets[t].name, rows, histories);
  }
  accuracies.save(folder.path() / "accuracy.csv");
  record.finish();
  tell("in {}\n", folder.path().string());
  folder.draw_figures();
}

void run(int argc, const char* const* argv, const OwnNetworks& own) {
  CommandLine line("Trains a network on an eigenfunction, and its linearizations at the initial and at the trained weights on the same",
                   "pretrained_ntk_comparison");
  Options o;
  offer(o, own);
  add_common_options(line, o);
  add_eigenfunction_options(line, o.from);
  line.add_flag(
      "--keep-statistics", o.keep_statistics,
      "Linearize at the trained weights with BatchNorm's trained statistics (default: with those of the start, as the study does)");
  add_recipe_options(line, o.recipe, o.loss);
  add_save_onnx(line, o.save);
  parse(line, argc, argv);
  resolve(line, o, o.from);
  const data::Layout layout = look_at_data(o);
  choose_outputs(o, o.from, logits_of(o, layout.image));
  check_recipe(o.recipe, layout.num_train);
  set_loss(line, o.recipe, o.loss, o.from.task.trained(o.from.logits), false);
  o.recipe.seed = o.seed;
  with_dtype(o, [&]<class S>() { run_in<S>(line, o, layout); });
}

}  // namespace

int pretrained_ntk_comparison(int argc, const char* const* argv, const OwnNetworks& own) {
  return run_main(argc, argv, [&](int count, const char* const* words) { run(count, words, own); });
}

}  // namespace tangentplane::experiments
