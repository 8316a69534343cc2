// The parts of the page around its sections.
#pragma once

#include <string>
#include <vector>

#include "experiments/claims/page/context.h"

namespace tangentplane::experiments {

/// The words that the page uses, a paragraph each, each explained before it is used, around a drawing of the tangent plane. With a link to
/// the gallery if the page has one.
std::string introduction(bool with_gallery);
/// The drawing: weights on the left, functions on the right, where a plane touches the network's curved surface.
std::string tangent_plane();

/// Links to all sections, claims with their verdicts.
std::string navigation(const std::vector<Section>& sections, const std::vector<Context>& contexts);

/// From run.json: when, with what, on which machine, as one paragraph. What an older version left out is left out. Then the runs
/// that are not looked at because a file of theirs has changed.
std::string provenance(const Study& study);
/// All runs, folded; unfinished ones by name.
std::string runs_section(const Study& study);

/// What the paper shows and where it is here, or why it is not.
std::string paper_section(const Study& study, const std::vector<Section>& sections, const std::vector<Context>& contexts);

}  // namespace tangentplane::experiments
