#include "experiments/common/plans/training_plan.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "autodiff/cpu/ranks.h"
#include "autodiff/transforms.h"
#include "experiments/common/cluster/shared_plan.h"
#include "experiments/common/plans/kernel_stages.h"
#include "experiments/common/plans/step_cost.h"
#include "experiments/common/text/say.h"
#include "kernels/features.h"
#include "linearize/kept_jacobian.h"

namespace tangentplane::experiments {
namespace {

double images_of(const TrainingTask& t) { return static_cast<double>(t.num_train) + static_cast<double>(t.num_test); }
double kernel_numbers(const TrainingTask& t) {
  const double outputs = static_cast<double>(t.outputs);
  return images_of(t) * static_cast<double>(t.num_train) * outputs * outputs;
}

const TrainingTask& largest(const TrainingWork& work) {
  return *std::max_element(work.tasks.begin(), work.tasks.end(),
                           [](const TrainingTask& a, const TrainingTask& b) { return a.num_train < b.num_train; });
}

/// Whether passes are made for each output by itself, as a linearization in parameter space makes them.
bool takes_each_output(const TrainingWork& work) {
  return std::any_of(work.tasks.begin(), work.tasks.end(), [](const TrainingTask& t) { return t.learner.linearize; });
}

/// While that task is trained; `pass` bytes for one image's.
template <class S>
std::vector<Held> held_by(const CommonOptions& o, const Subject<S>& subject, const TrainingWork& work, const TrainingTask& task,
                          double pass) {
  const double n = images_of(task), weights = static_cast<double>(subject.init.size()), targets = static_cast<double>(task.targets);
  const Index batch = std::max<Index>(task.recipe.batch, 128);                        // tests and features go by 128
  const double copies = std::holds_alternative<Adam>(task.recipe.optimizer) ? 9 : 7;  // with its second moments
  std::vector<Held> parts{
      {"the program", program_bytes},
      {"the images", 1.5 * n * static_cast<double>(subject.data.image().size()) * sizeof(S), fewer_images},
      {"the weights", copies * weights * sizeof(S), smaller_network(o)},
      {fmt::format("passes over {} images", batch), 1.5 * static_cast<double>(batch) * pass,
       (batch > 128 ? "a smaller --batch, or " : "") + smaller_network(o)},
  };
  if (task.learner.function_space()) {  // K, and a, p, g, h twice, labels and logits, and the weights of a group of targets
    const std::string smaller = fmt::format("{}, or leave out --space function", fewer_images);
    parts.push_back({"the kernel", kernel_numbers(task) / static_cast<double>(work.ranks) * sizeof(S), smaller});
    if (&task != &largest(work)) parts.push_back({"the largest kernel", kernel_numbers(largest(work)) * sizeof(S), smaller});
    parts.push_back({"the targets",
                     (10 * n * static_cast<double>(task.outputs) * targets + std::min(targets * weights, 64.0 * (1 << 20))) * sizeof(S),
                     "fewer of --index"});
  }
  parts.insert(parts.end(), work.beside.begin(), work.beside.end());
  return parts;
}

/// Bytes of one image's forward and reverse pass: one for each output, where the Jacobian is taken by example, or one of a loss.
template <class S>
double pass_bytes(const Subject<S>& s, bool each_output) {
  const Tensor<S> one = s.data.images.slice(0, 1);
  return bytes_taken([&] {
    if (each_output && s.computed_weight.empty()) {
      FactoredJacobian<S>(s.network, s.init, one, s.every_output());
      return;
    }
    const Pullback<Tensor<S>> back([&](const auto& p) { return forward(s.network, s.init, p, Var<Tensor<S>>(one)); }, s.init.parameters);
    back.factors(Tensor<S>::full(back.value().shape(), 1));
  });
}

/// Weights at which a task's passes cost what they will.
template <class S>
Variables<S> weights_of(const Subject<S>& subject, const TrainingTask& task) {
  return task.learner.linearize && !task.trained ? subject.init : all_active(subject.init);
}

/// Flops of a task's steps at these weights, and what of them is done once.
template <class S>
TrainingCost flops_of(const Subject<S>& subject, const Variables<S>& weights, const TrainingTask& task, double room, Index ranks) {
  const double n = static_cast<double>(task.num_train), m = static_cast<double>(task.num_test),
               epochs = static_cast<double>(task.recipe.epochs);
  TrainingCost cost;
  if (task.learner.function_space()) {
    cost.epochs = epochs * static_cast<double>(task.targets) * 2 * kernel_numbers(task) / static_cast<double>(ranks);
  } else if (!subject.computed_weight.empty()) {  // no factors tell the flops: each weight meets its image once at least, on either way
    const double pass = 2 * static_cast<double>(subject.init.size());
    cost.epochs = epochs * pass * (task.learner.linearize ? n * 5 + m * 2 : n * 3 + m);
  } else if (task.learner.linearize) {  // each output's cotangents, and J v and J^T u of what they leave
    NtkOptions passes;
    passes.outputs = subject.every_output();
    const double image = plan_ntk_features(subject.network, weights, subject.data.images, passes).image_flops;
    const KeptCost kept = KeptJacobian<S>::cost(subject.network, weights, subject.data.images, subject.every_output());
    const bool keeps = kept.bytes * (n + m) <= room;
    if (keeps) cost.kept_bytes = kept.bytes * (n + m), cost.once = (n + m) * image;
    cost.epochs = epochs * ((n * 2 + m) * kept.flops + (keeps ? 0 : (n + m) * image));
  } else {  // forward, gradients of inputs and of weights
    const FactoredJacobian<S> jacobian(subject.network, weights, subject.data.images.slice(0, 1), Outputs::sum());
    cost.epochs = epochs * (n * 3 + m) * forward_flops(jacobian);
  }
  return cost;
}

/// Measures steps of a hundredth of the whole training, or of a second or two where the plan is all that is asked for.
template <class S>
TrainingCost cost_of(const CommonOptions& o, const Subject<S>& subject, const TrainingTask& task, double room, Index ranks) {
  const auto weights = weights_of(subject, task);
  TrainingCost cost = flops_of(subject, weights, task, room, ranks);
  if (task.learner.function_space()) return cost;
  constexpr double least = 2e10, most = 4e11;
  const double n = static_cast<double>(task.num_train), m = static_cast<double>(task.num_test),
               epochs = static_cast<double>(task.recipe.epochs), image = std::max(cost.once / (n + m), cost.epochs / (epochs * n)),
               measured = (o.plan ? most : std::clamp(cost.epochs / 100, least, most)) / image;
  const double batch = std::clamp(measured, 1., static_cast<double>(task.recipe.batch));
  const StepCost seconds = measure_step(subject, weights, task, cost.keeps(), static_cast<Index>(batch), o.plan ? 0.05 : 0.002);
  cost.once_seconds = (n + m) * seconds.once;
  cost.seconds = epochs * (n * seconds.step + m * seconds.test);
  return cost;
}

/// Of function space, beyond its flops: for each batch its rows of the kernel are gathered, and the products of kernel with coefficients
/// and momentum pass by.
template <class S>
double gathering(const TrainingTask& task) {
  constexpr double bytes_a_second = 2e10;
  const double n = static_cast<double>(task.num_train), batch = static_cast<double>(task.recipe.batch),
               outputs = static_cast<double>(task.outputs);
  return static_cast<double>(task.recipe.epochs) * n / batch * images_of(task) * outputs *
         (batch * outputs + 4 * static_cast<double>(task.targets)) * sizeof(S) / bytes_a_second;
}

const double link_rate = ClusterOptions{}.network_gbits * 1e9 / 8;  // bytes/s of a rank's link

/// Bytes that a rank sends in function space, on average.
struct Sent {
  double step = 0;   ///< the batch's logits, summed over the ranks in double: each number goes out twice
  double epoch = 0;  ///< outputs of its own images to all, for the test images' and for the state that can be gone on with, and distances
  double last = 0;   ///< the state and the test images' outputs that are written in the end
  double all = 0;
};

template <class S>
Sent sent_by(const TrainingTask& task, Index ranks) {
  const double share = static_cast<double>(ranks - 1) / static_cast<double>(ranks), targets = static_cast<double>(task.targets),
               logits = static_cast<double>(task.outputs) * targets, epochs = static_cast<double>(task.recipe.epochs);
  Sent sent;
  sent.step = share * 2 * static_cast<double>(task.recipe.batch) * logits * sizeof(double);
  sent.last = share * (task.num_test > 0 ? 3 : 2) * images_of(task) * logits * sizeof(S);
  sent.epoch = sent.last + share * 2 * targets * sizeof(double);
  sent.all = epochs * (static_cast<double>(task.num_train / task.recipe.batch) * sent.step + sent.epoch) + sent.last;
  return sent;
}

/// What the first of several ranks does, which has the most of what is dealt; and whose numbers its plan has.
struct FirstRank {
  TrainingWork work;
  std::string whose = {};
};

FirstRank first_of(const TrainingWork& work, Index ranks) {
  FirstRank first{work};
  if (ranks == 1) return first;
  if (work.ranks > 1) return {work, fmt::format("on each of {} ranks", ranks)};
  // What is trained at weights that another task has left stays with that task; other tasks are dealt themselves.
  const bool together =
      work.tasks.size() == 1 || std::any_of(work.tasks.begin(), work.tasks.end(), [](const TrainingTask& t) { return t.trained; });
  if (!together)
    return {work, fmt::format("each training on one of {} ranks, which are dealt the {} in turn (the last row adds all up)", ranks,
                              work.tasks.size())};
  const std::size_t all = work.tasks[0].times * work.tasks[0].targets, several = static_cast<std::size_t>(ranks),
                    most = (all + several - 1) / several;
  for (TrainingTask& t : first.work.tasks) (t.times > 1 ? t.times : t.targets) = most;
  const double share = static_cast<double>(most) / static_cast<double>(all);
  first.work.kernels *= share, first.work.alignments *= share;
  first.whose = fmt::format("on the first of {} ranks, which has {} of {} targets", ranks, most, all);
  return first;
}

/// That a training leaves: its weights, and a graph with them.
template <class S>
double left_on_disk(const Subject<S>& subject) {
  const double weights = static_cast<double>(subject.init.size());
  if (!subject.graph) return weights * sizeof(S);
  std::error_code error;
  const auto size = std::filesystem::file_size(*subject.graph, error);
  const double graph = error ? 0 : static_cast<double>(size), in_graph = weights * sizeof(float);
  return weights * sizeof(S) + graph + (graph < in_graph ? in_graph : 0);  // the copy holds what lies beside the file
}

template <class S>
void add_task(TrainingPlan& plan, const TrainingTask& task, const TrainingCost& cost, double held, double disk, Index ranks) {
  const double times = static_cast<double>(task.times), targets = static_cast<double>(task.targets), memory = held + cost.kept_bytes;
  if (task.learner.function_space()) {
    const double several = static_cast<double>(ranks);
    const Sent sent = sent_by<S>(task, ranks);
    if (ranks > 1) {
      plan.sent_by.emplace_back(task.name, sent.all);
      plan.remarks.push_back(fmt::format("a step sends {}, the logits of its batch; an epoch and its state besides {}",
                                         format_size(sent.step), format_size(sent.epoch)));
    }
    plan.stages.push_back({.name = task.name,
                           .flops = cost.epochs,
                           .efficiency = 0.8,
                           .memory = memory,
                           .disk = disk * std::ceil(targets / several),
                           .seconds = gathering<S>(task) / several + sent.all / link_rate,
                           .times = times,
                           .split = 1});
    return;
  }
  constexpr double measured = std::numeric_limits<double>::infinity();
  if (cost.keeps())
    plan.stages.push_back({.name = task.name,
                           .stage = task.once,
                           .flops = cost.once,
                           .efficiency = measured,
                           .memory = memory,
                           .seconds = cost.once_seconds,
                           .times = times});
  plan.stages.push_back({.name = task.name,
                         .flops = cost.epochs,
                         .efficiency = measured,
                         .memory = memory,
                         .disk = disk,
                         .seconds = cost.seconds,
                         .times = times * targets});
}

}  // namespace

std::string training_takes(Index images) { return fmt::format("training on {} images takes", images); }

template <class S>
std::vector<Held> held_by_training(const CommonOptions& o, const Subject<S>& subject, const TrainingWork& work) {
  if (work.kernels > 0 || work.alignments > 0) require_by_example(subject);
  auto parts = held_by(o, subject, work, largest(work), pass_bytes(subject, takes_each_output(work)));
  // The kernels of smaller tasks are cut out of the largest one's.
  if (const TrainingTask& task = largest(work); task.learner.function_space() && work.tasks.size() > 1) {
    double second = 0;
    for (const TrainingTask& t : work.tasks)
      if (&t != &task) second = std::max(second, kernel_numbers(t));
    parts.push_back({"a kernel cut out of it", second * sizeof(S), "smaller --num-train and --num-test, or leave out --space function"});
  }
  if (work.alignments > 0) parts.insert(parts.end(), work.in_alignments.begin(), work.in_alignments.end());
  return parts;
}

template <class S>
TrainingPlan plan_training(const CommonOptions& o, const Subject<S>& subject, const TrainingWork& whole_work,
                           const std::vector<Held>& held) {
  TrainingPlan plan;
  plan.ranks = cpu::Ranks::world().count();
  const FirstRank first_rank = first_of(whole_work, plan.ranks);
  const TrainingWork& work = first_rank.work;
  plan.whose = first_rank.whose;
  const TrainingTask& whole = largest(work);
  const Index n = whole.num_train + whole.num_test;
  const double pass = pass_bytes(subject, takes_each_output(work));
  plan.room = static_cast<double>(o.memory) - bytes_of(held);
  const auto add_kernel = [&](const char* name, const Network<S>& network, const std::optional<Outputs>& outputs, const Variables<S>& at,
                              Index rows, double times) {
    NtkOptions options;
    options.memory = plan.room, options.outputs = outputs;
    auto features = plan_ntk_features(network, at, subject.data.images, options);
    const auto [first, end] = cpu::dealt(n, work.ranks, cpu::Ranks::world().rank() % static_cast<int>(work.ranks));
    const NtkPlan ntk = work.ranks > 1 ? fit_ntk_between<S>(std::move(features), rows, std::max<Index>(1, end - first), options)
                                       : fit_ntk<S>(std::move(features), n, rows, options);
    const double memory = bytes_of(held) + ntk.feature_bytes;
    for (PlanStage& s : kernel_stages(ntk, measure_pass(network, at, subject.data.image(), ntk, outputs),
                                      {.name = work.ranks > 1 ? "features" : name, .stage = name, .memory = memory, .times = times},
                                      {.name = name, .memory = memory, .times = times}))
      plan.stages.push_back(std::move(s));
    return ntk;
  };
  if (work.kernels > 0)
    plan.kernel = add_kernel("kernel", subject.network, subject.every_output(), subject.init, whole.num_train, work.kernels);
  if (work.alignments > 0) add_kernel(alignment_before, subject.whole(), work.aligned, subject.init, n, 1);
  for (const TrainingTask& task : work.tasks) {
    plan.tasks.push_back(cost_of(o, subject, task, plan.room, work.ranks));
    add_task<S>(plan, task, plan.tasks.back(), bytes_of(held_by(o, subject, work, task, pass)), left_on_disk(subject), work.ranks);
  }
  if (work.alignments > 0) add_kernel(alignment_after, subject.whole(), work.aligned, all_active(subject.init), n, work.alignments);
  measure_rate<S>(plan, o);
  for (std::size_t t = 0; t < work.tasks.size(); ++t) plan.tasks[t].planned = plan.of(work.tasks[t].name);
  plan.choices = {{"kernel", plan.kernel                              ? "computed"
                             : work.tasks[0].learner.function_space() ? "read from --ntk"
                                                                      : "none"},
                  {"Jacobian", plan.tasks[0].keeps() ? "kept" : "not kept"}};
  if (plan.ranks > 1) plan.choices.emplace_back("ranks", std::to_string(plan.ranks));
  if (work.ranks > 1)
    plan.remarks.push_back(
        plan.kernel ? fmt::format("each rank computes the features of all training images and of its own, {:.1f} times over in all: none "
                                  "are passed on",
                                  plan.kernel->feature_images * static_cast<double>(plan.ranks) / static_cast<double>(n))
                    : "each rank reads the columns of its images from --ntk");
  return plan;
}

std::string format_plan(const TrainingPlan& plan) {
  if (plan.ranks == 1) return format_plan(static_cast<const Plan&>(plan));
  std::vector<SharedStage> stages;
  for (const auto& [name, costs] : plan.rows()) {
    stages.push_back({name, costs.flops, costs.seconds, 0, costs.memory, costs.disk});
    for (const auto& [row, bytes] : plan.sent_by)
      if (row == name) stages.back().sent += bytes;
  }
  std::string text = format_stages(stages, [](const SharedStage& s) { return s.seconds; });
  text += fmt::format("{}, at {}/s of matrix products", plan.whose, format_flops(plan.gemm_rate));
  if (plan.split_rate > 0) text += fmt::format(", {}/s of split ones", format_flops(plan.split_rate));
  text += plan.sent() > 0 ? fmt::format(" and {}/s of network\n", format_size(link_rate)) : "; nothing is sent\n";
  for (const std::string& line : plan.remarks) text += line + "\n";
  return text;
}

void print_plan(const TrainingPlan& plan) { tell("{}", format_plan(plan)); }

#define INSTANTIATE(S)                                                                                       \
  template std::vector<Held> held_by_training(const CommonOptions&, const Subject<S>&, const TrainingWork&); \
  template TrainingPlan plan_training(const CommonOptions&, const Subject<S>&, const TrainingWork&, const std::vector<Held>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::experiments
