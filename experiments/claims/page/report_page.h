// The page that shows the claims and what the results at hand say to each.
#pragma once

#include "experiments/claims/claim.h"

namespace tangentplane::experiments {

/// Judges the claims by the runs in `root`, draws the figures (root/figures/*.svg, numbers beside) and writes root/index.html, which needs
/// no other file. A claim without results says so. What a report that was killed has left half written goes. Returns the sections; throws
/// std::invalid_argument as read_study and the claims do, and where another process is writing root/figures.
std::vector<Section> write_report(const std::filesystem::path& root);

}  // namespace tangentplane::experiments
