// What a run was made from: fingerprints of its images, labels, weights and kernel, kept in run.json and compared by whoever goes on in a
// results folder or builds on one.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/common/run/results.h"
#include "experiments/common/subject/subject.h"
#include "experiments/common/training/target.h"

namespace tangentplane::experiments {

struct Fingerprint {
  std::string name;    ///< images, labels, given labels, weights, graph, kernel, eigenvectors, directions
  std::string text;    ///< hexadecimal digits (data/hash.h)
  std::string source;  ///< the option that gave it and its value, for messages: "--data images.npy"
};

class Fingerprints {
 public:
  /// Sets or replaces.
  void set(std::string name, std::string text, std::string source = {});
  /// Null if there is none of that name.
  const Fingerprint* find(std::string_view name) const;
  const std::vector<Fingerprint>& all() const { return all_; }

  /// Those in a folder's run.json; none where there is no such file or an older version wrote it. Throws std::invalid_argument naming the
  /// file where it is damaged.
  static Fingerprints read(const std::filesystem::path& folder);

 private:
  std::vector<Fingerprint> all_;
};

/// Images and weights, and of a network from a file its graph.
template <class S>
Fingerprints fingerprints_of(const CommonOptions& o, const Subject<S>& subject, const std::filesystem::path& init);
/// The files that a run reads: those of --model, --data, --labels and --init, then `more`.
std::vector<std::filesystem::path> input_files(const CommonOptions& o, const std::vector<std::filesystem::path>& more = {});
/// Adds the graph of a network from a file: the hash of the file.
void add_graph(Fingerprints& made, const CommonOptions& o);
/// Names and labels of all targets.
std::string fingerprint(const std::vector<Target>& targets);

/// Throws std::invalid_argument where `now` and `before` both know a fingerprint and disagree: "--data FILE: its images are not those
/// <whose>; <remedy>".
void require_same(const Fingerprints& now, const Fingerprints& before, const std::string& whose, const std::string& remedy);
/// The same for a run that goes on in a folder, or has ended in it: whose run.json, if there is one, must tell of the same inputs.
void require_same_inputs(const ResultsFolder& folder, const Fingerprints& now);

/// What the rows of a matrix are known to have.
enum class RowNorms { any, one };
/// Reads a matrix of float32 or float64 through, some rows at a time, and returns what data::hash_as_npy gives for it. Throws
/// std::invalid_argument naming the file and the first row (`what` calls it) that is not finite, or whose norm is off by more than a
/// hundredth; `remedy` ends the line.
std::uint64_t read_through(const std::filesystem::path& file, const char* what, const std::string& remedy, RowNorms norms = RowNorms::any);

/// For a run that builds on the results in `folder`, whose fingerprints are `before`, and has read a file of it with that hash: a line on
/// standard error where the file is not the one that the run wrote (it is taken as it is), or where an older version left no fingerprints.
void say_if_other(const std::string& experiment, const std::filesystem::path& file, std::uint64_t hash, const Fingerprints& before,
                  std::string_view name);
/// The same where that run was of another precision: nothing takes --dtype over from it.
void say_if_other_dtype(const std::string& experiment, const std::string& dtype, const std::filesystem::path& folder);

}  // namespace tangentplane::experiments
