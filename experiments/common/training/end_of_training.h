// Whether a training has come to its end, or only to the end of its epochs.
#pragma once

#include <optional>

#include "nn/train.h"

namespace tangentplane::experiments {

/// What the last epochs of a training tell.
struct EndOfTraining {
  double train_accuracy = 0;  ///< of the last epoch
  /// 1 - train_loss of the last epoch / that of the epoch in which half of the training was done, by the sum of learning rates. None where
  /// these are one epoch, or the loss was 0 then.
  std::optional<double> late_fall;
  bool finished = false;  ///< train_accuracy is at least `finished_at`
};

/// The share of its training images from which on a training counts as finished. One rule for networks and linearizations: that the loss
/// no longer falls is none, for as the learning rate decays to zero every loss stops falling (experiments/README.md).
inline constexpr double finished_at = 0.99;

/// Throws std::invalid_argument for a history without epochs.
EndOfTraining end_of_training(const History& history);
/// The training fits at least `finished_at` of its training images in its last epoch.
bool trained_to_the_end(const History& history);

}  // namespace tangentplane::experiments
