// Trains a network, or its linearization, on two groups of classes of natural or generated images, on training sets of growing size: the
// task on which networks leave their linearizations behind.
//
//   train_cifar --data cifar10 --data-dir DIR --num-train 100,1000,10000
//   train_cifar --data cifar10 --data-dir DIR --num-train 100,1000,10000 --linearize --space function --out linearized
//
// LeNet on 10,000 images: some three minutes on two cores. Expect close to (CIFAR-10, 2000 test images, 40 epochs, seed 0): test accuracy
// of the network 0.57, 0.59, 0.69 at 100, 1000, 10,000 images, of the linearization 0.55, 0.59, 0.64.
#include "autodiff/cpu/memory.h"
#include "data/files.h"
#include "data/npy.h"
#include "experiments/common/cluster/ranks_of_run.h"
#include "experiments/common/process/run_main.h"
#include "experiments/common/subject/labels.h"
#include "experiments/common/text/say.h"
#include "experiments/common/training/learners.h"
#include "experiments/programs.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;

namespace {

const std::vector<Index> first_five{0, 1, 2, 3, 4};

struct Options : CommonOptions {
  std::vector<Index> sizes;  ///< of training sets; empty: all training images
  std::string classes;       ///< all or groups
  TaskOptions task;          ///< whose positive classes are given, or the first five of the data's
  LearnerOptions learner;
  Recipe recipe;
  LossOptions loss;
  SaveOnnx save;
  bool batch_given = false;
  std::optional<std::uint64_t> subset_seed;

  bool all_classes() const { return classes == "all"; }
  /// Of classes as many images of each; of a user's own labels in two groups the share of ones that all have, whatever the size.
  data::SubsetRule rule() const { return {.seed = subset_seed, .same_shares = !labels.empty() && !all_classes()}; }
  /// With fewer images than a batch has, all of them are the batch.
  Recipe recipe_for(Index n) const {
    Recipe r = recipe;
    if (!batch_given) r.batch = std::min(r.batch, n);
    return r;
  }
};

/// Looks at the data: o.num_train and o.num_test become the whole parts, by which images are standardised and of which subsets are taken;
/// `num_test` the test images wanted. Generated images have parts as large as asked for, at least the usual ones.
data::Layout look_at_all(Options& o, Index& num_test) {
  const auto wanted = o.num_test;
  const Index largest = o.sizes.empty() ? 0 : *std::max_element(o.sizes.begin(), o.sizes.end());
  o.num_train.reset();
  o.num_test.reset();
  if (o.data == "dead-leaves") {
    o.num_train = std::max<Index>(2000, largest);
    o.num_test = std::max<Index>(500, wanted.value_or(0));
  } else if (o.is_file_data() && largest > 0) {
    o.num_train = largest;
  }
  const data::Layout layout = look_at_data(o);
  if (o.sizes.empty()) o.sizes = {layout.num_train};
  for (Index n : o.sizes) {
    require(n <= layout.num_train, "--num-train {}: there are {} training images; give at most that", n, layout.num_train);
    check_recipe(o.recipe_for(n), n);
  }
  num_test = wanted.value_or(layout.num_test);
  require(num_test <= layout.num_test, "--num-test {}: there are {} test images; give at most that", num_test, layout.num_test);
  return layout;
}

/// What is said of every image: its group, 0 or 1, or its class. With --labels these are also the classes by which subsets are stratified.
template <class S>
Target labels_of(const Options& o, data::Dataset<S>& data, Index outputs) {
  if (!o.labels.empty()) {
    Target target = labels_of_file(o, o.task, data.images.rows(), outputs);
    data.classes = target.labels;
    data.num_classes = o.all_classes() ? 1 + *std::max_element(data.classes.begin(), data.classes.end()) : 2;
    if (!o.all_classes())
      require(*std::max_element(data.classes.begin(), data.classes.end()) <= 1,
              "--labels {}: of more than two classes; give --classes all, or --positive", o.labels);
    return target;
  }
  require(!data.classes.empty(), "--data {}: has no classes; give --labels", o.data);
  if (o.all_classes()) {
    require(data.num_classes <= outputs, "--classes all: {} has {} classes, {} {} logits; give a network of as many, or --positive", o.data,
            data.num_classes, o.model_name(), outputs);
    return {"", data.classes, true};
  }
  const auto given = o.task.positive.value_or(first_five);
  const std::vector<int> positive(given.begin(), given.end());
  return {"", data::binary_targets(data.classes, data.num_classes, positive), outputs > 1};
}

/// Settles whether all classes are trained on, or two groups; returns how many logits are trained.
Index choose_classes(Options& o, Index logits) {
  check_task(o, o.task, logits);
  const Index outputs = o.task.trained(logits);
  if (o.classes.empty()) o.classes = outputs > 1 && !o.task.positive ? "all" : "groups";
  require(!o.all_classes() || !o.task.positive, "--positive: makes two groups of the classes, --classes all none; give one of them");
  require(!o.all_classes() || outputs > 1, "--classes all: takes a network with a logit for each class, {} has one{}", o.model_name(),
          logits > 1 ? " with --outputs" : "");
  return outputs;
}

/// One training set of the sweep.
struct Subset {
  std::vector<Index> rows;  ///< of the whole data, training images first
  Target target;
  Index num_train;
};

template <class S>
Subset subset(const Options& o, const data::Dataset<S>& data, const Target& all, Index num_train, Index num_test) {
  Subset s{data::stratified_rows(data, num_train, num_test, o.rule()), {std::to_string(num_train), {}, all.classes}, num_train};
  for (Index i : s.rows) s.target.labels.push_back(all.labels[static_cast<std::size_t>(i)]);
  return s;
}

/// The kernel [num_train O, N O] of a subset out of that of the largest one, in which all others are contained.
template <class S>
Tensor<S> kernel_of_subset(const Tensor<S>& kernel, const Subset& largest, const Subset& part, Index outputs) {
  std::vector<Index> place;
  for (std::size_t i = 0, k = 0; i < part.rows.size(); ++i, ++k) {
    while (largest.rows[k] != part.rows[i]) ++k;  // both keep file order, training images first
    for (Index o = 0; o < outputs; ++o) place.push_back(static_cast<Index>(k) * outputs + o);
  }
  const auto n = static_cast<Index>(place.size()), all = kernel.shape()[1];
  Tensor<S> sub({part.num_train * outputs, n});
  cpu::parallel_chunks(part.num_train * outputs, 16, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      for (Index j = 0; j < n; ++j) sub[i * n + j] = kernel[place[static_cast<std::size_t>(i)] * all + place[static_cast<std::size_t>(j)]];
  });
  return sub;
}

template <class S>
Subject<S> part(const Subject<S>& all, const Subset& s) {
  Subject<S> one{data::select(all.data, s.rows, s.num_train), all.network, all.init, all.size, all.outputs, all.keys};
  one.all_outputs = all.all_outputs, one.graph = all.graph, one.graph_to = all.graph_to;
  return one;
}

const Subset& largest_of(const std::vector<Subset>& subsets) {
  return *std::max_element(subsets.begin(), subsets.end(), [](const Subset& a, const Subset& b) { return a.num_train < b.num_train; });
}

/// Trains on every subset; `all` holds the whole data.
template <class S>
std::vector<History> train_all(const Options& o, const Subject<S>& all, const std::vector<Subset>& subsets,
                               const std::vector<fs::path>& folders, const TrainingPlan& plan, RunRecord& record) {
  const Subset& largest = largest_of(subsets);
  Tensor<S> kernel;
  return dealt_results(subsets.size(), [&](std::size_t i) {
    const Subset& s = subsets[i];
    const TrainingCost& cost = plan.tasks[i];
    const Recipe recipe = o.recipe_for(s.num_train);
    cpu::trim_memory();  // of the size before
    const Subject<S> subject = part(all, s);
    data::create_folders(folders[i]);
    data::save_npy(folders[i] / "indices.npy", s.rows);
    if (o.learner.function_space()) {
      const std::function<Tensor<S>()> cut = [&] {
        if (kernel.empty()) kernel = compute_kernel(part(all, largest), plan, record);
        return &s == &largest ? kernel : kernel_of_subset(kernel, largest, s, all.outputs);
      };
      return train_in_function_space(subject, {s.target}, {folders[i]}, recipe, o.learner.without_f0, cut, cost, record)[0];
    }
    auto stage = record.stage("training images " + s.target.name, cost.planned);
    const double flops = cost.flops_left(fraction_left(folders[i], recipe));
    auto history = o.learner.linearize ? train_linearized(subject, s.target, folders[i], recipe, o.learner.without_f0, cost.keeps())
                                       : train_network<S>(subject, s.target, folders[i], recipe);
    stage.add_flops(flops);
    return history;
  });
}

/// A training for each size; in function space their kernels are parts of the largest one's.
template <class S>
TrainingWork work_of(const Options& o, const data::Layout& layout, Index num_test, Index outputs) {
  TrainingWork work;
  for (Index n : o.sizes)
    work.tasks.push_back({.name = fmt::format("{} images", n),
                          .num_train = n,
                          .num_test = num_test,
                          .recipe = o.recipe_for(n),
                          .learner = o.learner,
                          .outputs = outputs});
  work.beside = {{"all images of --data", static_cast<double>(layout.held) * static_cast<double>(layout.image.size()) * sizeof(S)}};
  work.kernels = o.learner.function_space() ? 1 : 0;
  return work;
}

template <class S>
void run_in(CommandLine& line, const Options& o, const data::Layout& layout, Index num_test, Index outputs) {
  Config config = configuration(line, o);
  set_loss(config, o.recipe, o.loss, outputs);
  if (o.task.outputs) config.set("outputs", o.task.outputs->str());
  config.erase("classes");
  if (outputs > 1) config.set("classes", o.classes);
  config.set("num-train", join(o.sizes));
  config.set("num-test", num_test);
  if (!o.batch_given) config.erase("batch");
  if (o.all_classes() || (!o.labels.empty() && !o.task.positive)) config.erase("positive");
  ResultsFolder folder(o.out, "train_cifar", config);
  folder.check();
  auto all = start_subject<S>(o, layout, o.init, training_takes(layout.held));
  const Index largest = *std::max_element(o.sizes.begin(), o.sizes.end());
  if (o.task.outputs) see_as(all, *o.task.outputs);
  if (o.save.given) all.graph = o.model, all.graph_to = o.save.to;
  const TrainingWork work = work_of<S>(o, layout, num_test, outputs);
  const auto held = held_by_training(o, all, work);
  require_room(training_takes(largest + num_test), held, o.memory);
  load_images(all, o, o.init);
  const Target labels = labels_of(o, all.data, outputs);
  std::vector<Subset> subsets;
  std::vector<Target> targets;
  for (Index n : o.sizes) {
    subsets.push_back(subset(o, all.data, labels, n, num_test));
    targets.push_back(subsets.back().target);
  }
  auto made = fingerprints_of(o, all, o.init);
  made.set("labels", fingerprint(targets), o.labels.empty() ? "--data " + o.data : "--labels " + o.labels);
  if (!o.labels.empty()) made.set("given labels", fingerprint({labels}), "--labels " + o.labels);  // before sizes and subset choose
  require_same_inputs(folder, made);
  TrainingPlan plan = plan_training(o, all, work, held);
  if (o.is_file_model()) plan.remarks.push_back(trainable_line(o));
  if (o.plan) return print_plan(plan);
  const Accuracies shown{"num_train", fmt::format("{} on the classes of {}", o.model_name(), data_name(o)), "training images", "num_train"};
  folder.has_figures({figure_of_accuracies(shown, o.learner, labels.classes, folder.path())});
  if (!folder.claim()) return;
  RunRecord record(folder);
  record.follow(plan);
  record.made_from(made, input_files(o));
  record_start(o, all, o.task, folder.path(), record);
  record_balance(targets, record);
  const auto histories = train_all(o, all, subsets, target_folders(folder.path(), targets), plan, record);
  if (!cpu::Ranks::world().first()) return;
  finish_trainings(shown, targets, histories, folder.path(), record);
  folder.draw_figures();
}

void run(int argc, const char* const* argv, const OwnNetworks& own) {
  CommandLine line("Trains a network or its linearization on two groups of classes, on training sets of growing size", "train_cifar");
  Options o;
  offer(o, own);
  add_common_options(line, o);
  line.remove("--num-train");
  add_widths(line, "--num-train", o.sizes, "Training images, one training for each size: 100,1000,10000 (default: all)", most_images, 1000,
             "Data");
  line.add("--positive", [&o](const std::string& text) { o.task.positive = parse_list<Index>("--positive", text, 0, 1000); },
           {"Classes that are labelled 1; the others are 0", "N,N,...", join(first_five)});
  add_choice(line, "--classes", o.classes, {"groups", "all"},
             "Train on two groups of classes, or on all of them (default: all where the network has several logits)");
  add_task_options(line, o.task, false);
  add_number<std::uint64_t>(line, "--subset-seed", o.subset_seed, "Draws the images of each subset (default: the first in file order)");
  add_learner_options(line, o.learner);
  add_recipe_options(line, o.recipe, o.loss);
  add_save_onnx(line, o.save);
  parse(line, argc, argv);
  check_learner(o.learner);
  o.batch_given = line.given("--batch");
  resolve(line, o);
  Index num_test = 0;
  const data::Layout layout = look_at_all(o, num_test);
  const Index outputs = choose_classes(o, logits_of(o, layout.image));
  set_loss(line, o.recipe, o.loss, outputs, o.learner.function_space());
  check_save_onnx(o, o.save, o.sizes.size());
  o.recipe.seed = o.seed;
  with_dtype(o, [&]<class S>() { run_in<S>(line, o, layout, num_test, outputs); });
}

}  // namespace

int train_cifar(int argc, const char* const* argv, const OwnNetworks& own) {
  return run_main(argc, argv, [&](int count, const char* const* words) { run(count, words, own); });
}

}  // namespace tangentplane::experiments
