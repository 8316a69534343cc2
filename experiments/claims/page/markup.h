// Sections as markup: badges, figures with what to see in them, folded tables, commands.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/claims/claim.h"
#include "experiments/claims/page/context.h"

namespace tangentplane::experiments {

/// "shown" on the verdict's ground.
std::string badge(Section::Verdict verdict, const std::string& text);
std::string badge(const Section& section);

/// A section's beginning, with the way back to the contents.
std::string head(const std::string& id, const std::string& title);

/// The section of a claim. Draws its figures into figures/, numbers beside them.
std::string section_markup(const Study& study, const Section& section, std::size_t number);
/// A section that shows and does not judge.
std::string context_markup(const Study& study, const Context& context);

/// What to see in a claim's figure, by the kind that begins its file's name ("rank-"); the figure's own caption if it has one; empty for
/// a figure of another kind.
std::string what_to_see(const std::string& name, const Figure& figure);
/// What a label of a legend means; empty for one that says it itself.
std::string meaning_of(const std::string& label);

/// The commands that repeat these runs from the results folder, wherever it lies by now: relative paths, quoted for a shell. What a run
/// builds on, or reads from the folder, is named anew; results go to again/. A network of the user's own is run by the program that its
/// run.json names. What cannot run, because its program is not known or a file of it is gone, is a comment.
std::vector<std::string> commands(const Study& study, const std::vector<const Run*>& runs);

/// A path in the results folder as a link: what a URL gives a meaning is encoded.
std::string link_to(const std::filesystem::path& relative);

}  // namespace tangentplane::experiments
