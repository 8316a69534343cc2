// Valid inputs, made once: images, labels, weights, data sets, and results folders of runs that are finished, that were interrupted, and
// that report reads. Every case copies what it needs and breaks it.
#pragma once

#include <map>
#include <vector>

#include "tests/temporary_folder.h"

namespace tangentplane::experiments::hostile {

class Inputs {
 public:
  /// Throws std::runtime_error where a valid command fails.
  Inputs();

  /// Copies files and folders of these names into `work`, with the paths in every config.toml those of `work`.
  void copy(const std::vector<std::string>& names, const std::filesystem::path& work) const;
  /// The files below a folder of these, by their names from there on, sorted.
  std::vector<std::string> files_of(const std::string& folder) const;

 private:
  void good(const std::string& command) const;
  void arrays() const;
  void data_sets() const;
  void runs() const;
  void study() const;
  /// Turns a finished run back into one that must still write what `removed` names.
  void unfinish(const std::string& folder, const std::vector<std::string>& removed) const;
  /// A training that ended, and then failed to write its test_logits.npy: the command once more, until it fails.
  void unwritten(const std::string& command, const std::string& folder) const;
  /// That training, as if it had ended after `epoch` epochs; its weights are not those of then, which is no matter.
  void rewind(const std::string& folder, int epoch) const;

  TemporaryFolder box_;  // base: the inputs; stdout and stderr beside it
  std::filesystem::path base_;
};

/// Words of a command that has no blanks in its words.
std::vector<std::string> words_of(const std::string& command);
std::string bytes_at(const std::filesystem::path& path);
void write_bytes(const std::filesystem::path& path, const std::string& bytes);

/// The small network of nearly every case, and of the deep ones.
inline const std::string mlp = " --model mlp --features 3,1";
inline const std::string resnet = " --model resnet18 --filters 1 --blocks 1,1,1,1";
/// What makes the interrupted runs; a case repeats them.
inline const std::string training = "train_ntk --ntk K --index 2 --epochs 5 --batch 4";
inline const std::string on_disk = "compute_ntk" + mlp + " --data big.npy --num-train 800 --eigen 4 --memory 52M";
inline const std::string several = "train_ntk --ntk K --index 0,1,3 --epochs 2 --batch 4";
inline const std::string sizes = "train_cifar" + mlp + " --data im.npy --labels y.npy --num-train 6,8 --num-test 4 --epochs 2 --batch 4";
inline const std::string three_models = "pretrained_ntk_comparison --ntk K --index 2,4 --epochs 2 --batch 4";
inline const std::string directions = "train_nads --nads N --index 0,3,9 --num-train 8 --num-test 4 --epochs 2 --batch 4";
inline const std::string saved_kernel = "compute_ntk" + mlp + " --data im.npy --num-train 8 --save-ntk";

}  // namespace tangentplane::experiments::hostile
