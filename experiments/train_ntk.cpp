// Trains a network, or its linearization, on eigenfunctions of its own neural tangent kernel (or on any binary labels): target j is 1 where
// eigenvector j is positive. After training a network on a kernel's eigenfunctions, the alignment of its new kernel with all of them.
//
//   train_ntk --ntk results/compute_ntk-lenet-cifar10 --index 0,10,100,500
//   train_ntk --ntk results/compute_ntk-lenet-cifar10 --index 0:64 --linearize --space function
//
// LeNet on 10,000 images: about a minute a target on two cores. Expect close to: test accuracy falls with the index, from above 0.95 to
// that of the majority class; the linearization falls in the same order.
#include "data/npy.h"
#include "experiments/common/figures.h"
#include "experiments/common/interrupt.h"
#include "experiments/common/plan.h"
#include "experiments/common/progress.h"
#include "experiments/common/recipe.h"
#include "experiments/common/run_main.h"
#include "experiments/common/run_record.h"
#include "experiments/common/subject.h"
#include "experiments/common/target.h"
#include "kernels/alignment.h"
#include "linearize/function_space.h"
#include "linearize/linearized_learner.h"
#include "nn/network_learner.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
namespace fs = std::filesystem;

namespace {

struct Options : CommonOptions {
  std::string ntk, index, space = "parameters";
  bool linearize = false, without_f0 = false, force = false;
  Recipe recipe;

  fs::path in_ntk(const char* file) const { return fs::path(ntk) / file; }
  bool function_space() const { return space == "function"; }
};

/// The targets: one for each index, or the one of --labels.
std::vector<Target> targets_of(const Options& o, Index n) {
  if (!o.labels.empty()) {
    const auto labels = data::load_binary_labels_npy(o.labels);
    require(static_cast<Index>(labels.size()) == n, "{}: has {} labels, there are {} images", o.labels, labels.size(), n);
    return {{"labels", labels}};
  }
  const fs::path path = o.in_ntk("eigvecs.npy");
  const Shape shape = data::npy_info(path).shape;
  require(shape.rank() == 2 && shape[1] == n, "{}: has shape {}, expected [k,{}] for these images", path.string(), shape, n);
  std::vector<Target> targets;
  for (Index j : parse_indices("--index", o.index)) {
    require(0 <= j && j < shape[0], "--index {}: {} holds eigenvectors 0 to {}", j, path.string(), shape[0] - 1);
    const auto vector = data::load_npy_rows<double>(path, j, j + 1);
    Target target{std::to_string(j), {}};
    for (double v : vector.span()) target.labels.push_back(v > 0 ? 1 : 0);
    targets.push_back(std::move(target));
  }
  return targets;
}

/// J^T a needs the kernel: the one that was saved, or computed here.
template <class S>
Tensor<S> kernel_of(const Options& o, const Subject<S>& subject, RunRecord& record) {
  if (!o.ntk.empty() && o.init.empty() && fs::exists(o.in_ntk("ntk.npy"))) return data::load_npy<S>(o.in_ntk("ntk.npy"));
  auto stage = record.stage("kernel");
  Progress progress("kernel", 100, "per cent");
  NtkOptions options;
  const double n = static_cast<double>(subject.images());
  options.memory = static_cast<double>(o.memory) - n * n * sizeof(S);
  options.progress = [&, done = 0.0](double fraction) mutable {
    check_interrupt();
    progress.advance(100 * fraction - done);
    done = 100 * fraction;
  };
  auto k = ntk(subject.network, subject.init, subject.data.images, options);
  progress.finish();
  const NtkPlan plan = plan_ntk(subject.network, subject.init, subject.data.images, options);
  stage.add_flops(plan.feature_flops + plan.pair_flops);
  return k;
}

template <class S>
void save_test_logits(const fs::path& folder, const Tensor<S>& logits, Index column) {
  const Index tasks = logits.shape()[1];
  Tensor<S> z({logits.rows()});
  for (Index i = 0; i < z.size(); ++i) z[i] = logits[i * tasks + column];
  data::save_npy(folder / "test_logits.npy", z);
}

template <class S>
class Run {
 public:
  Run(const Options& o, const Subject<S>& subject, RunRecord& record, const std::vector<Target>& targets, std::vector<fs::path> folders)
      : o_(o), subject_(subject), record_(record), targets_(targets), folders_(std::move(folders)) {}

  std::vector<History> histories() {
    if (o_.function_space()) return in_function_space();
    std::vector<History> all;
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      auto stage = record_.stage("target " + targets_[t].name);
      all.push_back(o_.linearize ? linearized(t) : network(t));
    }
    return all;
  }

 private:
  std::vector<History> train_one(Learner<S>& learner, std::size_t t, const std::function<void()>& finish) {
    return train_targets<S>(learner, {targets_[t]}, {folders_[t]}, subject_.data.num_train, o_.recipe, [&](std::size_t) {
      if (subject_.data.num_test > 0) save_test_logits(folders_[t], learner.test_logits(), 0);
      finish();
    });
  }

  History network(std::size_t t) {
    NetworkLearner<S> learner(subject_.network, subject_.init, subject_.data.images, subject_.data.num_train);
    return train_one(learner, t, [&] {
      if (!o_.ntk.empty()) align(learner.variables(), t);
      save_variables(folders_[t] / "final.npz", learner.variables());
    })[0];
  }

  History linearized(std::size_t t) {
    LinearizedLearner<S> learner(subject_.network, subject_.init, subject_.data.images, subject_.data.num_train, o_.without_f0);
    return train_one(learner, t, [&] { save_variables(folders_[t] / "final.npz", learner.variables()); })[0];
  }

  /// All targets at once: they share the kernel's rows.
  std::vector<History> in_function_space() {
    const auto& data = subject_.data;
    if (std::all_of(folders_.begin(), folders_.end(), finished)) {
      std::vector<History> all;
      for (const auto& folder : folders_) all.push_back(load_history(folder / "history.csv"));
      return all;
    }
    const auto kernel = kernel_of(o_, subject_, record_);
    const auto f = evaluate(subject_.network, subject_.init, data.images);
    const auto f0 = o_.without_f0 ? Tensor<S>::zeros({f.size()}) : f.reshaped({f.size()});
    FunctionSpaceLearner<S> learner(kernel, f0, data.num_train, static_cast<Index>(targets_.size()));
    auto stage = record_.stage("training in function space");
    Tensor<S> test;
    return train_targets<S>(learner, targets_, folders_, data.num_train, o_.recipe, [&](std::size_t t) {
      if (test.empty() && data.num_test > 0) test = learner.test_logits();
      if (data.num_test > 0) save_test_logits(folders_[t], test, static_cast<Index>(t));
      save_variables(folders_[t] / "final.npz",
                     parameters_of(subject_.network, subject_.init, data.training_images(), learner.coefficients(), static_cast<Index>(t)));
    });
  }

  void align(const Variables<S>& trained, std::size_t t) {
    auto stage = record_.stage("alignment");
    const auto vectors = data::load_npy<S>(o_.in_ntk("eigvecs.npy"));
    Progress progress("alignment", 100, "per cent");
    NtkOptions options;
    options.memory = static_cast<double>(o_.memory) - 2 * static_cast<double>(vectors.size()) * sizeof(S);
    options.progress = [&, done = 0.0](double fraction) mutable {
      check_interrupt();
      progress.advance(100 * fraction - done);
      done = 100 * fraction;
    };
    const auto aligned = alignment(subject_.network, trained, subject_.data.images, subject_.data.num_train, vectors, options);
    data::save_npy(folders_[t] / "alignment.npy", aligned);
    progress.finish();
    const std::optional<Index> target = o_.labels.empty() ? std::optional(parse_number<Index>("--index", targets_[t].name)) : std::nullopt;
    save_figure(folders_[t] / "alignment.svg",
                alignment_figure(fmt::format("Kernel of {} after training", o_.model), cast<double>(aligned), target));
  }

  const Options& o_;
  const Subject<S>& subject_;
  RunRecord& record_;
  const std::vector<Target>& targets_;
  std::vector<fs::path> folders_;
};

template <class S>
void print_plan(const Options& o, const Subject<S>& subject, std::size_t targets) {
  const NtkPlan plan = plan_ntk(subject.network, subject.init, subject.data.images, {});
  const double n = static_cast<double>(subject.data.num_train), m = static_cast<double>(subject.data.num_test), all = n + m,
               epochs = static_cast<double>(o.recipe.epochs), tasks = static_cast<double>(targets), pass = plan.features.image_flops,
               images = static_cast<double>(subject.data.images.size()) * sizeof(S),
               disk = static_cast<double>(subject.init.size()) * sizeof(S) * tasks;
  std::vector<PlanStage> stages;
  if (o.function_space()) {
    stages.push_back({"kernel", plan.feature_flops + plan.pair_flops, 0.5, images + all * all * sizeof(S) + plan.feature_bytes, 0, 0});
    stages.push_back({"training", epochs * tasks * 2 * n * (2 * n + m), 0.1, images + all * all * sizeof(S), disk, 0});
  } else {  // a pass is forward and input gradients: the network adds weight gradients, the linearization J v and J^T u
    const double step = pass * (o.linearize ? 2 : 1.5), test = pass * (o.linearize ? 1.5 : 0.5);
    stages.push_back({"training", epochs * tasks * (n * step + m * test), 0.25, images * 1.5, disk, 0});
    if (!o.linearize && !o.ntk.empty())
      stages.push_back({"alignment", tasks * (plan.feature_flops + plan.pair_flops), 0.5, images + plan.feature_bytes, 0, 0});
  }
  fmt::print("{}", format_plan(stages, measure_gemm_rate<S>()));
}

template <class S>
void run_in(CLI::App& app, const Options& o, const data::Layout& layout) {
  const Index n = layout.num_train + layout.num_test;
  const auto targets = targets_of(o, n);
  ResultsFolder folder(o.out, "train_ntk", configuration(app, o));
  folder.check();
  const auto subject = load_subject<S>(o, layout, o.init.empty() && !o.ntk.empty() ? o.in_ntk("init.npz") : fs::path(o.init));
  if (o.function_space()) {
    const double bytes = static_cast<double>(n) * static_cast<double>(n) * sizeof(S);
    require(bytes < static_cast<double>(o.memory),
            "--space function: the kernel of {} images takes {}, {} are allowed; give --space parameters", n, format_size(bytes),
            format_size(static_cast<double>(o.memory)));
    if (!o.ntk.empty() && fs::exists(o.in_ntk("ntk.npy"))) {
      const Shape shape = data::npy_info(o.in_ntk("ntk.npy")).shape;
      require(shape == (Shape{n, n}), "{}: has shape {}, expected [{},{}]", o.in_ntk("ntk.npy").string(), shape, n, n);
    }
  }
  if (o.plan) return print_plan(o, subject, targets.size());
  if (!folder.claim()) return;
  RunRecord record(folder);
  record.set("parameters", static_cast<double>(subject.init.size()));
  save_variables(folder.path() / "init.npz", subject.init);
  std::vector<fs::path> folders;
  for (const Target& t : targets) {
    folders.push_back(targets.size() == 1 ? folder.path() : folder.path() / t.name);
    record.set("class_balance" + (targets.size() == 1 ? "" : " of " + t.name), data::class_balance(t.labels));
  }
  const auto histories = Run<S>(o, subject, record, targets, folders).histories();
  save_accuracies(folder.path() / "accuracy.csv", "target", targets, histories);
  draw(folder.path() / "accuracy.svg",
       accuracy_figure(fmt::format("{} on eigenfunctions: {}", o.model, data_name(o)), Csv::read(folder.path() / "accuracy.csv"),
                       o.linearize ? "linearization" : "network", "eigenfunction (index + 1)"));
  record.finish();

  fmt::print("{:>8} {:>8} {:>9} {:>9}\n", "target", "balance", "train", "test");
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const EpochRecord& last = histories[t].back();
    fmt::print("{:>8} {:>8.3f} {:>9.4f} {:>9.4f}\n", targets[t].name, data::class_balance(targets[t].labels), last.train_accuracy,
               last.test_accuracy);
  }
  fmt::print("in {}\n", folder.path().string());
}

void run(int argc, const char* const* argv) {
  CLI::App app("Trains a network or its linearization on eigenfunctions of its neural tangent kernel, or on binary labels", "train_ntk");
  Options o;
  add_common_options(app, o);
  add_path(app, "--ntk", o.ntk, "/", "Results of compute_ntk: eigenfunctions, and the weights to start from");
  app.add_option("--index", o.index, "Eigenfunctions to train on: 0,10,100 or 0:1000:50")->type_name("LIST");
  app.add_flag("--linearize", o.linearize, "Train the linearization at the initial weights");
  app.add_flag("--without-f0", o.without_f0, "Leave f(theta0) out of the linearization");
  add_choice(app, "--space", o.space, {"parameters", "function"}, "Where the linearization is trained; both give the same");
  app.add_flag("--force", o.force, "Take options that differ from those of --ntk")->configurable(false);
  add_recipe_options(app, o.recipe);
  parse(app, argc, argv);
  require(!o.ntk.empty() || !o.labels.empty(), "train_ntk needs --ntk DIR with --index, or --labels FILE.npy");
  require(o.ntk.empty() || !o.index.empty() || !o.labels.empty(), "--ntk needs --index, e.g. --index 0,10,100");
  require(o.index.empty() || o.labels.empty(), "--labels: give --index or --labels, not both");
  require(o.index.empty() || !o.ntk.empty(), "--index needs --ntk, the results of compute_ntk");
  require(o.linearize || !o.without_f0, "--without-f0: only the linearization has it; give --linearize");
  require(o.linearize || !o.function_space(), "--space function: only the linearization can be trained there; give --linearize");
  if (o.ntk.empty())
    resolve(app, o);
  else
    resolve_after(app, o, o.ntk, inherited_keys, o.force);
  const data::Layout layout = look_at_data(o);
  check_recipe(o.recipe, layout.num_train);
  o.recipe.seed = o.seed;
  with_dtype(o, [&]<class S>() { run_in<S>(app, o, layout); });
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
