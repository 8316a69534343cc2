// Test accuracies over seeds, with the error that the finite number of test images gives them.
#pragma once

#include "experiments/claims/statistics/estimate.h"
#include "experiments/claims/study/tasks.h"

namespace tangentplane::experiments {

/// The error of a number that is, under each seed, the mean over the test images of values from -reach to reach. Where the seeds share the
/// images, that of their mean over seeds, image by image; where they do not, that of one seed.
Measurement measurement(TestImages images, const std::vector<std::vector<double>>& of_seeds, double reach);

/// For each test image 1 where the network alone is right, -1 where the linearization alone is, else 0.
std::vector<double> paired(const Task& task);
/// Network minus linearization, which see the same test images: the difference is paired.
Estimate lead(const PairRepeats& pairs, const RepeatedTask& task);
/// How much more the network leads in the second task than in the first, paired as well where both have the same test images.
Estimate growth_of_lead(const PairRepeats& pairs, const RepeatedTask& first, const RepeatedTask& second);

}  // namespace tangentplane::experiments
