// Claim 1.
#include "experiments/claims/claim.h"
#include "experiments/common/figures.h"
#include "experiments/common/statistics.h"

namespace tangentplane::experiments {
namespace {

constexpr double least_correlation = 0.7;
constexpr std::size_t least_tasks = 8;

// The network's accuracy on the data's own classes after training on as many images, if it was measured.
std::optional<double> on_classes(const Study& study, const Run& network) {
  for (const Run* run : study.of("train_cifar")) {
    if (run->linearized() || run->model() != network.model() || run->get("data") != network.get("data")) continue;
    const auto all = accuracies(*run);
    const auto found = all.find(parse_number<Index>(network.name() + ": num-train", network.get("num-train")));
    if (found != all.end()) return found->second.test;
  }
  return {};
}

Figure figure_of(const Study& study, const Pair& pair, const std::vector<Task>& learnable) {
  Figure f{.title = fmt::format("Eigenfunctions: {}, {}", pair.network->model(), pair.network->data()),
           .x_label = "eigenfunction (index + 1)",
           .y_label = "test accuracy (%)",
           .log_x = true};
  const double n = pair.network->test_images();
  Series network{.label = "network"}, linear{.label = "linearization"};
  for (const Task& t : learnable) {
    const double x = static_cast<double>(t.name) + 1;
    network.x.push_back(x), network.y.push_back(100 * t.network), network.error.push_back(100 * accuracy_error(t.network, n));
    linear.x.push_back(x), linear.y.push_back(100 * t.linear), linear.error.push_back(100 * accuracy_error(t.linear, n));
  }
  f.series = {network, linear};
  if (const auto classes = on_classes(study, *pair.network)) f.lines.push_back({"network on the classes", 100 * *classes});
  return f;
}

}  // namespace

Section claim_rank(const Study& study) {
  Section s{.id = "rank",
            .title = "The linear model ranks the difficulty of tasks",
            .claim =
                "A task that the linearized network learns better is also easier for the network, even where their accuracies differ "
                "much: over eigenfunctions of the kernel, the two test accuracies rise and fall together.",
            .threshold = fmt::format("Spearman's rank correlation of at least {} over at least {} tasks", least_correlation, least_tasks)};
  for (const Pair& pair : pairs(study, "train_ntk")) {
    std::vector<double> network, linear;
    std::vector<Task> learnable;
    Table table{pair.network->setting(), {"eigenfunction", "class balance", "network", "linearization", "difference"}, {}};
    Index skipped = 0;
    for (const Task& t : tasks(pair)) {
      table.rows.push_back({fmt::format("{}", t.name), fmt::format("{:.3f}", t.balance), percent(t.network), percent(t.linear),
                            points(t.network - t.linear)});
      if (t.one_class()) {
        ++skipped;
        continue;
      }
      learnable.push_back(t);
      network.push_back(t.network), linear.push_back(t.linear);
    }
    if (learnable.empty()) continue;
    const auto correlation = rank_correlation(network, linear);
    const std::size_t n = learnable.size();
    s.findings.push_back({fmt::format("{}: rank correlation {} over {} task{}", pair.network->setting(),
                                      correlation ? fmt::format("{:.2f}", *correlation) : "undefined (no variation)", n, n == 1 ? "" : "s"),
                          correlation && *correlation >= least_correlation && n >= least_tasks});
    if (skipped > 0)
      s.remarks.push_back(fmt::format("{}: {} eigenfunction{} of one sign left out: a task of one class has nothing to learn.",
                                      pair.network->model(), skipped, skipped == 1 ? "" : "s"));
    s.figures.emplace_back("rank-" + file_name(pair.network->name()), figure_of(study, pair, learnable));
    s.tables.push_back(std::move(table));
    s.runs.insert(s.runs.end(), {pair.network, pair.linear});
  }
  s.missing = "no network and linearization trained on the same eigenfunctions: reproduce --only 'eigenfunctions-*'";
  return s;
}

}  // namespace tangentplane::experiments
