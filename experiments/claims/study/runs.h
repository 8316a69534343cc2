// The results folders of a study, as the report reads them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "experiments/claims/study/reproduced.h"
#include "experiments/common/run/config.h"

namespace tangentplane::experiments {

/// Words of a run's name for one of its options, in which other runs of its program have something else.
struct Told {
  enum class Of { network, images, rest } of;
  std::string text;
  bool in_same_network;  ///< runs of the same network among them
};
/// What a page calls a run by; names.h makes sentences and titles of it.
struct RunNames {
  std::string model = {}, data = {}, labels = {}, init = {};  ///< of a file, as much of its path as tells it from others; empty for none
  std::vector<Told> told = {};
};

/// A finished run.
struct Run {
  std::filesystem::path folder;
  std::string experiment;
  Config config;
  std::map<std::string, std::string, std::less<>> fingerprints = {};  ///< of run.json; none from an older version
  RunNames names = {};
  std::string more_seeds = {};  ///< how to get results under other seeds
  std::string start_seed = {};  ///< seed() of the run that its weights are from: its kernel or directions, if they are found, else its own

  std::string name() const { return folder.filename().string(); }
  std::string get(std::string_view key) const;  ///< empty if it has none
  bool linearized() const { return get("linearize") == "true"; }
  bool own_labels() const { return !get("labels").empty(); }
  std::string model() const;  ///< "lenet", "resnet18 of 8 filters", "network.onnx"
  bool is_file_model() const { return get("model").ends_with(".onnx"); }
  bool is_own() const;              ///< the network is neither a file's nor built in, but of a user's own program
  std::string data() const;         ///< "dead-leaves", or a file's name
  std::string labels_file() const;  ///< of --labels, its name alone
  double test_images() const;       ///< 0 if there are none
  double images() const;            ///< of a run that takes one number of training images
  std::string seed() const;         ///< "0"; "0_data_1" where the images come from another
};

/// Whether both have fingerprints of that name and they can be of the same content; and whether they cannot.
bool same(const Run& a, const Run& b, std::string_view fingerprint);
bool differ(const Run& a, const Run& b, std::string_view fingerprint);

struct Study {
  std::filesystem::path root;
  std::vector<Run> runs;                  ///< by name
  std::vector<std::string> unfinished;    ///< folders of runs that have begun and not ended
  std::vector<std::string> changed = {};  ///< finished runs whose files are not as they left them, with the first such file and what it is
  Reproduced reproduced = {};             ///< by experiments/reproduce, if it was
  std::vector<Run> elsewhere = {};        ///< runs that some of `runs` build on, where these lie outside of `root`

  std::vector<const Run*> of(std::string_view experiment) const;
  /// The run that `run` builds on (option: ntk, nads). It lies where the option says or, after a move, is the one whose fingerprints of
  /// images and weights are the same; without fingerprints the one whose folder has that name. Null where there is none: a folder that
  /// holds another kernel by now does not count.
  const Run* source(const Run& run, std::string_view option) const;
  /// How to get the runs of reproduce's steps of this pattern: by reproduce, where it has made the folder and has such steps, else
  /// `otherwise`.
  std::string how_to_run(const std::string& pattern, const std::string& otherwise) const;
};

/// Every folder in `root` that an experiment left. Of a finished run the files that are read here are held against the hashes in its
/// run.json; one that has changed is not among `runs`, nor among `elsewhere`. Throws std::invalid_argument naming the folder if there is
/// none, and the file where a config.toml or run.json is damaged.
Study read_study(const std::filesystem::path& root);

/// The targets of --index; nothing for a run on given labels.
std::vector<Index> targets(const Run& run);

/// The folder of one of a run's targets: the run's own if it has only one.
std::filesystem::path target_folder(const Run& run, const std::string& target);
std::filesystem::path target_folder(const Run& run, Index target);

}  // namespace tangentplane::experiments
