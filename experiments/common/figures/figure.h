// Every figure of the study: curves, points with error bars, bars, reference lines and small pictures, drawn as SVG by gnuplot. The same
// data gives the same bytes. Colours tell series apart for the colour-blind too (Okabe and Ito's palette) and read on light and on dark
// ground; text and axes take the colour of the page or, in a file of its own, a grey that reads on both. The background is transparent.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "experiments/common/text/csv.h"

namespace tangentplane::experiments {

enum class Mark { line, points, line_points, bars, highlight };

/// Numbers under one name in the legend. Points that are not finite, or not positive on a logarithmic axis, are not drawn.
struct Series {
  std::string label = {};
  std::vector<double> x = {}, y = {};  ///< of one length
  std::vector<double> error = {};      ///< half the height of each point's error bar; empty: no bars
  Mark mark = Mark::line_points;
  /// What each y is the mean of: one vector as long as y for each of the figure's samples; empty: nothing. NaN where one is missing.
  std::vector<std::vector<double>> samples = {};
  std::optional<std::size_t> like = {};  ///< takes the colour of the series of this number
};

/// A dashed line across the whole figure.
struct ReferenceLine {
  std::string label = {};
  double y = 0;
};

/// Ends the label of an axis that shows index + 1, so that index 0 has a place on a logarithmic one. numbers() gives the index.
inline constexpr std::string_view index_axis = "(index + 1)";

struct Figure {
  std::string title = {};
  std::string x_label = {}, y_label = {};  ///< with their units: "test accuracy (%)"
  bool log_x = false, log_y = false;
  std::vector<std::string> samples = {};     ///< columns of numbers() for the series' samples: "seed_0", "seed_1"
  std::vector<std::string> categories = {};  ///< if any: the names of x = 0, 1, ...
  std::vector<Series> series = {};
  std::vector<ReferenceLine> lines = {};
  std::string caption = {};                               ///< what to see in it, for a page
  std::string error_bars = {};                            ///< what they show: "standard deviation over seeds"
  std::optional<std::pair<double, double>> y_range = {};  ///< what the axis covers at least
};

/// Signed images side by side, zero in the middle grey of a diverging palette, each scaled by its largest magnitude.
struct Pictures {
  std::string title = {};
  Index height = 0, width = 0;
  std::vector<std::vector<double>> pixels = {};  ///< one [height * width] for each picture, row-major
  Index columns = 8;
};

/// "test_accuracy_percent" for "test accuracy (%)": lower case, % in words, what is neither letter nor digit as one _.
std::string column_name(std::string_view label);

/// The figure's numbers: a row for each point, of the columns series, x and y (by their axes' names, x as the index itself where the axis
/// is an index_axis), the error bar's half if any series has one (by its name, else "error"), and each sample. A reference line has y
/// alone.
Csv numbers(const Figure& figure);

/// Throws std::invalid_argument, beginning with `name`, for a figure without series and for lengths that differ.
void require_consistent(const Figure& figure, const std::string& name);

/// Figures to be compared get one range of y: all whose y_label has the same unit (what stands in brackets, else the whole label) and the
/// same scale.
void share_y_ranges(const std::vector<Figure*>& figures);

/// Writes the drawing to `path` (.svg). Where gnuplot is missing or fails, says so in one line on standard error and returns false: a run
/// does not fail for want of a picture. Throws std::invalid_argument for data that cannot be drawn (lengths that differ, nothing finite).
bool draw(const std::filesystem::path& path, const Figure& figure);
bool draw(const std::filesystem::path& path, const Pictures& pictures);

/// For what comes after a run's results, which a figure never decides: leaves a figure by `leave` (draw, save_figure). Whatever keeps it
/// from being left (no number to draw, a full disk) is one line on standard error, and false. Ctrl-C is not kept.
bool try_figure(const std::filesystem::path& path, const std::function<bool(const std::filesystem::path&)>& leave);

/// numbers() beside the drawing, in the .csv of the same name, then draw().
bool save_figure(const std::filesystem::path& path, const Figure& figure);

}  // namespace tangentplane::experiments
