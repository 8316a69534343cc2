// Results folders as the experiments leave them, with accuracies of one's choice.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "experiments/claims/claim.h"
#include "experiments/common/text/csv.h"
#include "experiments/common/training/target.h"
#include "tests/temporary_folder.h"

namespace tangentplane::experiments::test {

using Row = std::tuple<Index, double, double>;  // task, class balance, test accuracy

inline void write_run(const TemporaryFolder& study, const std::string& name, const std::string& experiment, const std::string& options,
                      const std::vector<Row>& rows = {}) {
  study.write(name + "/config.toml", "# " + experiment + ": repeat this run with " + experiment +
                                         " --config <this file>\nmodel = \"lenet\"\ndata = \"dead-leaves\"\nnum-test = 400\n" + options);
  if (rows.empty()) return;
  Csv csv({experiment == "train_cifar" ? "num_train" : "target", "class_balance", "train_accuracy", "test_accuracy"});
  for (const auto& [task, balance, accuracy] : rows) csv.add(task, balance, 1.0, accuracy);
  csv.save(study / (name + "/accuracy.csv"));
}

inline const std::string eigen_options = "num-train = 1000\nntk = \"/elsewhere/kernel\"\nindex = \"0:9\"\n";

/// Network and linearization on eigenfunctions; the first has one class.
inline void write_eigenfunctions(const TemporaryFolder& study, const std::vector<double>& network, const std::vector<double>& linear,
                                 int seed = 0) {
  std::vector<Row> a{{0, 1.0, 1.0}}, b{{0, 1.0, 1.0}};
  for (std::size_t i = 0; i < network.size(); ++i) {
    a.emplace_back(static_cast<Index>(i + 1), 0.5, network[i]);
    b.emplace_back(static_cast<Index>(i + 1), 0.5, linear[i]);
  }
  const std::string options = eigen_options + fmt::format("seed = {}\n", seed), suffix = seed > 0 ? fmt::format("-seed{}", seed) : "";
  write_run(study, "net" + suffix, "train_ntk", options + "linearize = false\nspace = \"parameters\"\n", a);
  write_run(study, "lin" + suffix, "train_ntk", options + "linearize = true\nspace = \"function\"\n", b);
}

inline std::string all_findings(const Section& s) {
  std::string text;
  for (const Finding& f : s.findings) text += f.text + "\n";
  return text;
}
inline bool mentions(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

inline History history(const std::vector<double>& train, double test) {
  History h;
  for (std::size_t e = 0; e < train.size(); ++e) h.push_back({static_cast<Index>(e + 1), 0.05, 1, train[e], 1, test, 1});
  return h;
}

inline void write_comparison(const TemporaryFolder& study, const std::string& name, const std::string& index, const std::string& folder,
                             const History& init, const History& trained, int seed = 0) {
  write_run(study, name, "pretrained_ntk_comparison", fmt::format("num-train = 1000\nseed = {}\nindex = \"{}\"\n", seed, index));
  for (const auto& [part, h] : {std::pair{"network", init}, std::pair{"linear_init", init}, std::pair{"linear_trained", trained}}) {
    std::filesystem::create_directories(study / (name + folder + "/" + part));
    save_history(study / (name + folder + "/" + part + "/history.csv"), h);
  }
}

}  // namespace tangentplane::experiments::test
