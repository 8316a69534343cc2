// Trains a network, or its linearization, to tell apart two classes that a single neural anisotropy direction separates: the more of a
// direction's index, the harder the task should be for the network, though for a linear classifier all are the same.
//
//   train_nads --nads results/compute_nads-lenet --index 0,100,1023 --epochs 20
//   train_nads --nads results/compute_nads-lenet --index 0,100,1023 --epochs 20 --linearize --out linearized
//   train_nads --nads results/compute_nads-lenet --index 0,100,1023 --epochs 20 --linearize --space function --out function-space
//
// LeNet on 10,000 + 10,000 samples: 11 s a direction for the network, 18 s for the linearization, 9 s in function space, of which 6 are the
// kernel of the direction's own samples; it takes 2 GB in place of 0.25 (2-core AVX-512 Xeon, 24 November 2026). The more epochs, the
// more function space saves. Expect close to (seed 0): test accuracy 1.00, 0.87, 0.49 of the network, which fits 0.60 of the last
// direction's training samples by heart; 0.81, 0.68, 0.50 of the linearization.
#include "data/hash.h"
#include "data/linearly_separable.h"
#include "data/npy.h"
#include "experiments/common/cluster/ranks_of_run.h"
#include "experiments/common/process/run_main.h"
#include "experiments/common/run/fingerprints.h"
#include "experiments/common/text/say.h"
#include "experiments/common/training/learners.h"
#include "experiments/programs.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;

namespace {

struct Options : CommonOptions {
  std::string nads, index;
  std::vector<Index> shape{32, 32, 1};
  double epsilon = 1, sigma = 1;
  LearnerOptions learner;
  SaveOnnx save;
  bool force = false;
  bool begun = false;  ///< --nads has no results yet: its options tell enough to plan by
  Recipe recipe;
  LossOptions loss;

  fs::path file(const char* name) const { return fs::path(nads) / name; }
  Shape image() const { return shape_of_extents(shape); }
};

constexpr std::string_view inherited_from_nads[] = {"model", "train", "freeze", "features", "filters", "blocks", "activation", "shape"};

constexpr const char* repeat_nads = "repeat the compute_nads that made it, into another --out";

/// The directions asked for, by index.
std::vector<std::pair<Index, Tensor<double>>> directions_of(const Options& o) {
  const fs::path path = o.file("nads.npy");
  const Index d = o.image().size();
  const Shape shape = o.begun ? Shape{d, d} : data::npy_info(path).shape;
  require(shape.rank() == 2 && shape[1] == d, "{}: has shape {}, expected [D,{}] for images {}", path.string(), shape, d, o.image());
  std::vector<std::pair<Index, Tensor<double>>> directions;
  for (Index j : parse_indices("--index", o.index)) {
    require(j < shape[0], "--index {}: {} holds directions 0 to {}; give one of these", j, path.string(), shape[0] - 1);
    if (o.begun) {
      directions.emplace_back(j, Tensor<double>());
      continue;
    }
    const auto row = data::load_npy_rows<double>(path, j, j + 1);
    require(std::any_of(row.data(), row.data() + d, [](double v) { return v != 0; }), "{}: direction {} is zero; {}", path.string(), j,
            repeat_nads);
    directions.emplace_back(j, row.reshaped(o.image()));
  }
  return directions;
}

/// The first `count` samples of one direction; training samples come first.
template <class S>
data::Samples<S> samples_of(const Options& o, Index index, const Tensor<double>& direction, Index count) {
  const auto picture = direction.shape().rank() == 3 ? direction : direction.reshaped({1, 1, direction.size()});
  auto samples = data::linearly_separable<S>({picture, o.epsilon, o.sigma, o.seed, static_cast<std::uint64_t>(index)}, 0, count);
  samples.images = samples.images.reshaped(data::batch_shape(count, o.image()));
  return samples;
}

/// Of the first sample of each direction, in which shows all that the others are drawn from, and of the weights. Refuses samples and
/// weights that cannot be computed with: the samples of one direction are as large as those of any other.
template <class S>
Fingerprints fingerprints_of(const Options& o, const Subject<S>& subject, const std::vector<std::pair<Index, Tensor<double>>>& directions,
                             const fs::path& start) {
  data::NumbersFingerprint<S> images;
  for (const auto& [index, direction] : directions) {
    const auto sample = samples_of<S>(o, index, direction, 1).images;
    if (index == directions[0].first)
      require_sound(subject, sample, fmt::format("--sigma {} --epsilon {}", o.sigma, o.epsilon), weights_option(o, start));
    images.add(sample);
  }
  Fingerprints made;
  made.set("images", images.text(), "--nads " + o.nads);
  made.set("weights", fingerprint(subject.init), weights_option(o, start));
  add_graph(made, o);
  return made;
}

/// The weights of --nads must be those of its directions, and so must the graph of a network from a file.
void require_same_start(const Options& o, const Fingerprints& made, const Fingerprints& before) {
  if (!o.init.empty() || o.force) return;
  Fingerprints start;
  for (const Fingerprint& f : made.all())
    if (f.name == "weights" || f.name == "graph") start.set(f.name, f.text, f.source);
  require_same(start, before, fmt::format("of the directions in --nads {}", o.nads), "repeat compute_nads, or give --force");
}

/// One direction's training; the subject holds its samples. In function space directions share no kernel, for each has images of its own.
template <class S>
History train(const Options& o, const Subject<S>& subject, const Target& target, const fs::path& folder, const TrainingPlan& plan,
              RunRecord& record) {
  const TrainingCost& cost = plan.tasks[0];
  if (o.learner.function_space()) {
    const std::function<Tensor<S>()> kernel = [&] { return compute_kernel(subject, plan, record); };
    return train_in_function_space(subject, {target}, {folder}, o.recipe, o.learner.without_f0, kernel, cost, record)[0];
  }
  auto stage = record.stage("direction " + target.name, cost.planned);
  const double flops = cost.flops_left(fraction_left(folder, o.recipe));
  auto history = o.learner.linearize ? train_linearized(subject, target, folder, o.recipe, o.learner.without_f0, cost.keeps())
                                     : train_network<S>(subject, target, folder, o.recipe);
  stage.add_flops(flops);
  return history;
}

template <class S>
void run_in(CommandLine& line, const Options& o) {
  const auto before = Fingerprints::read(o.nads);
  const auto directions = directions_of(o);
  const auto hash = o.begun ? 0 : read_through(o.file("nads.npy"), "direction", repeat_nads);
  Config config = configuration(line, o);
  set_loss(config, o.recipe, o.loss, 1);
  ResultsFolder folder(o.out, "train_nads", config);
  folder.check();
  const Index n = *o.num_train + *o.num_test;
  const fs::path start = o.init.empty() && !o.begun ? o.file("init.npz") : fs::path(o.init);
  auto subject = start_subject<S>(o, {o.image(), *o.num_train, *o.num_test, 0, n}, start, training_takes(n));
  if (o.save.given) subject.graph = o.model, subject.graph_to = o.save.to;
  const TrainingWork work{
      .tasks = {{.num_train = *o.num_train, .num_test = *o.num_test, .recipe = o.recipe, .learner = o.learner, .times = directions.size()}},
      // While a direction's samples are drawn, those of the one before are still held.
      .beside = {{"the samples of two directions", static_cast<double>(n * o.image().size()) * sizeof(S), fewer_images}},
      .kernels = o.learner.function_space() ? static_cast<double>(directions.size()) : 0};
  const auto held = held_by_training(o, subject, work);
  require_room(training_takes(n), held, o.memory);
  if (o.begin || o.begun) return only_begin(plan_training(o, subject, work, held), o, folder);
  const auto made = fingerprints_of(o, subject, directions, start);
  require_same_start(o, made, before);
  require_same_inputs(folder, made);
  TrainingPlan plan = plan_training(o, subject, work, held);
  if (o.is_file_model()) plan.remarks.push_back(trainable_line(o));
  if (o.plan) return print_plan(plan);
  const Accuracies shown{"target", fmt::format("{} along anisotropy directions", o.model_name()), "direction (index + 1)", "direction"};
  folder.has_figures({figure_of_accuracies(shown, o.learner, false, folder.path())});
  if (!folder.claim()) return;
  say_if_other("train_nads", o.file("nads.npy"), hash, before, "directions");
  say_if_other_dtype("train_nads", o.dtype, o.nads);
  RunRecord record(folder);
  record.follow(plan);
  record.made_from(made, input_files(o, {o.file("nads.npy"), start}));
  record_start(o, subject, {}, folder.path(), record);
  std::vector<Target> targets(directions.size());
  const auto histories = dealt_results(directions.size(), [&](std::size_t d) {
    const auto& [index, direction] = directions[d];
    auto samples = samples_of<S>(o, index, direction, n);
    subject.data.images = std::move(samples.images);
    targets[d] = {std::to_string(index), std::move(samples.labels)};
    return train(o, subject, targets[d], target_folder(folder.path(), targets[d].name, directions.size()), plan, record);
  });
  if (!cpu::Ranks::world().first()) return;
  record_balance(targets, record);
  finish_trainings(shown, targets, histories, folder.path(), record);
  folder.draw_figures();
}

void run(int argc, const char* const* argv, const OwnNetworks& own) {
  CommandLine line("Trains a network or its linearization on classes that one neural anisotropy direction separates", "train_nads");
  Options o;
  offer(o, own);
  o.activation = "gelu";
  o.num_train = o.num_test = 10000;
  add_common_options(line, o, DataOptions::counts);
  line.describe("--num-train", "Training samples (default 10000)");
  line.describe("--num-test", "Test samples (default 10000)");
  add_path(line, "--nads", o.nads, "/", "Results of compute_nads: directions, and the weights to start from");
  add_text(line, "--index", o.index, "Directions to train on: 0,10,100 or 0:1024:128", "LIST");
  add_shape(line, "--shape", o.shape, "Shape of an image", true);
  add_number<double>(line, "--epsilon", o.epsilon, "Distance of the classes along the direction", 0, largest_factor);
  add_number<double>(line, "--sigma", o.sigma, "Deviation of the noise across it", 0, largest_factor);
  add_learner_options(line, o.learner);
  line.add_flag("--force", o.force, "Take options that differ from those of --nads");
  add_recipe_options(line, o.recipe, o.loss);
  add_save_onnx(line, o.save);
  parse(line, argc, argv);
  check_learner(o.learner);
  require(!o.nads.empty() && !o.index.empty(),
          "train_nads needs --nads DIR, the results of compute_nads, and --index, e.g. --index 0,10,100");
  require_finished("--nads", o.nads, "compute_nads", o.stops());
  o.begun = !is_finished(o.nads);
  resolve_after(line, o, o.nads, inherited_from_nads, o.force);
  require_fits(o, o.image());
  require_one_logit(o, o.image(), "anisotropy directions are");
  check_save_onnx(o, o.save, parse_indices("--index", o.index).size());
  check_recipe(o.recipe, *o.num_train);
  set_loss(line, o.recipe, o.loss, 1, o.learner.function_space());
  o.recipe.seed = o.seed;
  with_dtype(o, [&]<class S>() { run_in<S>(line, o); });
}

}  // namespace

int train_nads(int argc, const char* const* argv, const OwnNetworks& own) {
  return run_main(argc, argv, [&](int count, const char* const* words) { run(count, words, own); });
}

}  // namespace tangentplane::experiments
