// What more than one section says.
#pragma once

#include "experiments/claims/claim.h"
#include "experiments/claims/numbers/trained.h"

namespace tangentplane::experiments {

/// A comparison of the two points of linearization: its finding, figures, table and runs.
void write(Section& section, const TrainedNumbers& n);

}  // namespace tangentplane::experiments
