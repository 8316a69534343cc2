// Runs gnuplot and makes its SVG fit into a page: the one place that knows the program.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tangentplane::experiments {

/// The colour in which scripts draw text and axes; it becomes the page's text colour (currentColor).
inline constexpr std::string_view ink = "#010203";

/// A text as gnuplot's 'string': quotes doubled, line ends as spaces. Nothing in it is expanded.
std::string gnuplot_string(std::string_view text);

/// What gnuplot draws on the SVG terminal, with `title` as the image's title for screen readers and `plots` as those of what is plotted, in
/// order: a pointer that rests on a line is told its name. Nothing, and one line on standard error
/// that begins with `name`, if gnuplot is missing or fails. Throws Interrupted if Ctrl-C ended it.
std::optional<std::string> gnuplot_svg(std::string_view script, int width, int height, std::string_view title,
                                       const std::vector<std::string>& plots, std::string_view name);

}  // namespace tangentplane::experiments
