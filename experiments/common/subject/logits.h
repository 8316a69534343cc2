// A network's logits at its initial weights, without training or a kernel: into a file, or compared with those that another framework has
// computed from the same weights. A wrong order of numbers within a right shape shows nowhere else.
#pragma once

#include "experiments/common/subject/subject.h"

namespace tangentplane::experiments {

struct LogitsOptions {
  std::string save;   ///< .npy file to write
  std::string check;  ///< .npy file to compare with
  bool asked() const { return !save.empty() || !check.empty(); }
};

/// Adds --save-logits and --check-logits. A run that is given one does that and nothing else.
void add_logits_options(CommandLine& line, LogitsOptions& options);

/// How two lists of logits differ.
struct LogitsDifference {
  double largest = 0, size = 0;     ///< of |ours - theirs|, and of |theirs|
  Index at = 0;                     ///< where: image * outputs + output
  double correlation = 0;           ///< 0 where one of the two is constant
  double factor = 1, constant = 0;  ///< theirs is nearest to factor ours + constant, in the sense of least squares
  double relative() const { return size > 0 ? largest / size : largest; }
};
/// Of tensors of one shape.
LogitsDifference compare_logits(const Tensor<double>& ours, const Tensor<double>& theirs);

/// Where --save-logits or --check-logits is given, does what they ask for, on standard output, and returns true: there is nothing else to
/// do. The weights are those of `init`, an .npz file; empty: drawn, or those of --model FILE.onnx. Throws std::invalid_argument where the
/// file has another shape than the logits of these images, holds a number that is not finite or no floats, or is an input of the run that
/// would be overwritten; and std::runtime_error where the logits differ by more than rounding: the text before it says what the difference
/// looks like, and whether one of the usual mistakes explains it. One process, without --plan.
bool only_logits(const CommandLine& line, const LogitsOptions& logits, const CommonOptions& options, const data::Layout& layout,
                 const std::filesystem::path& init);

}  // namespace tangentplane::experiments
