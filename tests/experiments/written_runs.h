// Results folders as the experiments leave them, with numbers of one's choice.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "data/npy.h"
#include "experiments/claims/claim.h"
#include "experiments/common/text/csv.h"
#include "experiments/common/training/target.h"
#include "tests/temporary_folder.h"

namespace tangentplane::experiments::test {

inline constexpr Index made_test_images = 400;

/// A task as it was learnt.
struct Row {
  Index task = 0;  ///< index or size
  double balance = 0.5;
  double accuracy = 0;   ///< on the test images, in whole ones; where `shift` is 0
  double train = 1;      ///< training accuracy of every epoch
  bool finished = true;  ///< else the training loss still falls
  Index epochs = 20;
  int order = 0;     ///< which test images are wrong: the first of this order; those of two rows of one order are nested
  double shift = 0;  ///< of all logits, which are 1 or -1: changes the accuracy and not the area under the ROC curve
  int labels = 0;    ///< other labels of the same balance
};

inline History history(const std::vector<double>& train, double test) {
  History h;
  for (std::size_t e = 0; e < train.size(); ++e) h.push_back({static_cast<Index>(e + 1), 0.05, 1, train[e], 1, test, 1});
  return h;
}

/// Labels [num_train + made_test_images], ones and zeros spread evenly.
inline std::vector<int> labels_of(const Row& row, Index num_train) {
  std::vector<int> labels;
  const auto step = [&](Index i) { return std::floor(static_cast<double>(i) * row.balance + 1e-9); };
  for (Index part : {num_train, made_test_images})
    for (Index i = 0; i < part; ++i) labels.push_back(step(i + row.labels + 1) > step(i + row.labels) ? 1 : 0);
  return labels;
}
/// Logits of the test images of which all but the share `accuracy` are wrong, as many of either class where classes alternate.
inline std::vector<double> logits_of(const Row& row, const std::vector<int>& labels) {
  const auto wrong = static_cast<Index>(std::lround((1 - row.accuracy) * made_test_images));
  std::vector<double> logits;
  for (auto label = labels.end() - made_test_images; label != labels.end(); ++label) logits.push_back(*label == 1 ? 1 : -1);
  const Index steps[] = {1, 133, 201, 57, 349};  // odd, and prime to their number
  for (Index i = 0; i < wrong; ++i) logits[static_cast<std::size_t>(i * steps[row.order % 5] % made_test_images)] *= -1;
  for (double& z : logits) z += row.shift;
  return logits;
}

/// One training's folder; returns its test accuracy.
inline double write_training(const TemporaryFolder& study, const std::string& folder, const Row& row, Index num_train,
                             const History* given = nullptr) {
  std::filesystem::create_directories(study / folder);
  const auto labels = labels_of(row, num_train);
  const auto logits = logits_of(row, labels);
  double right = 0;
  for (std::size_t i = 0; i < logits.size(); ++i)
    right += (logits[i] > 0) == (labels[static_cast<std::size_t>(num_train) + i] == 1) ? 1 : 0;
  const double accuracy = right / made_test_images;
  data::save_npy(study / (folder + "/labels.npy"), labels);
  data::save_npy(study / (folder + "/test_logits.npy"), Tensor<double>::from({made_test_images}, logits));
  save_history(study / (folder + "/history.csv"),
               given ? *given : history(std::vector<double>(static_cast<std::size_t>(row.epochs), row.train), accuracy));
  return accuracy;
}

/// `rows`: what a training of targets leaves, in `name` itself if there is one.
inline void write_run(const TemporaryFolder& study, const std::string& name, const std::string& experiment, const std::string& options,
                      const std::vector<Row>& rows = {}) {
  const bool sizes = experiment == "train_cifar";
  const std::string toml = "model = \"lenet\"\ndata = \"dead-leaves\"\nnum-test = 400\n" +
                           std::string(sizes && options.find("labels") == std::string::npos && options.find("positive") == std::string::npos
                                           ? "positive = \"0,1,2,3,4\"\n"
                                           : "") +
                           options;
  study.write(name + "/config.toml", "# " + experiment + ": repeat this run with " + experiment + " --config <this file>\n" + toml);
  if (rows.empty()) return;
  Csv csv({sizes ? "num_train" : "target", "class_balance", "train_accuracy", "test_accuracy"});
  for (const Row& row : rows) {
    const std::string folder = rows.size() == 1 ? name : name + "/" + std::to_string(row.task);
    csv.add(row.task, row.balance, row.train, write_training(study, folder, row, sizes ? row.task : 1000));
  }
  csv.save(study / (name + "/accuracy.csv"));
}

/// The fingerprints in run.json: 16 digits of each text's first letter, which has to be one of 0 to 9 and a to f.
inline void write_fingerprints(const TemporaryFolder& study, const std::string& name, const std::map<std::string, std::string>& texts) {
  std::string json;
  for (const auto& [key, text] : texts) json += (json.empty() ? "" : ", ") + fmt::format("\"{}\": \"{}\"", key, std::string(16, text[0]));
  study.write(name + "/run.json", "{\"stages\": [], \"fingerprints\": {" + json + "}}\n");
}

inline const std::string eigen_options = "num-train = 1000\nntk = \"/elsewhere/kernel\"\nindex = \"0:9\"\n";

inline std::string suffix_of(int seed) { return seed > 0 ? fmt::format("-seed{}", seed) : ""; }

/// Network and linearization on eigenfunctions.
inline void write_pair(const TemporaryFolder& study, const std::vector<Row>& network, const std::vector<Row>& linear, int seed = 0) {
  const std::string options = eigen_options + fmt::format("seed = {}\n", seed), suffix = suffix_of(seed);
  write_run(study, "net" + suffix, "train_ntk", options + "linearize = false\nspace = \"parameters\"\n", network);
  write_run(study, "lin" + suffix, "train_ntk", options + "linearize = true\nspace = \"function\"\n", linear);
}
/// The same by test accuracies of balanced tasks from 1 on, after a task of one class.
inline void write_eigenfunctions(const TemporaryFolder& study, const std::vector<double>& network, const std::vector<double>& linear,
                                 int seed = 0) {
  std::vector<Row> a{{.task = 0, .balance = 1, .accuracy = 1}}, b = a;
  for (std::size_t i = 0; i < network.size(); ++i) {
    a.push_back({.task = static_cast<Index>(i + 1), .accuracy = network[i], .order = static_cast<int>(i)});
    b.push_back({.task = static_cast<Index>(i + 1), .accuracy = linear[i], .order = static_cast<int>(i)});
  }
  write_pair(study, a, b, seed);
}

inline std::string all_findings(const Section& s) {
  std::string text;
  for (const Finding& f : s.findings) text += f.text + "\n";
  return text;
}
inline bool mentions(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

/// pretrained_ntk_comparison on the targets of `index`, one in each of `folders` ("" or "/3").
inline void write_comparison(const TemporaryFolder& study, const std::string& name, const std::string& index, const std::string& folder,
                             const History& init, const History& trained, int seed = 0) {
  write_run(study, name, "pretrained_ntk_comparison", fmt::format("num-train = 1000\nseed = {}\nindex = \"{}\"\n", seed, index));
  for (const auto& [part, h] : {std::pair{"network", &init}, std::pair{"linear_init", &init}, std::pair{"linear_trained", &trained}})
    write_training(study, name + folder + "/" + part, {.accuracy = h->back().test_accuracy}, 1000, h);
}

}  // namespace tangentplane::experiments::test
