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

struct Figure {
  std::string title = {};
  std::string x_label = {}, y_label = {};  ///< with their units
  bool log_x = false, log_y = false;
  std::vector<std::string> samples = {};     ///< columns of numbers() for the series' samples: "seed_0", "seed_1"
  std::vector<std::string> categories = {};  ///< if any: the names of x = 0, 1, ...
  std::vector<Series> series = {};
  std::vector<ReferenceLine> lines = {};
};

/// Signed images side by side, zero in the middle grey of a diverging palette, each scaled by its largest magnitude.
struct Pictures {
  std::string title = {};
  Index height = 0, width = 0;
  std::vector<std::vector<double>> pixels = {};  ///< one [height * width] for each picture, row-major
  Index columns = 8;
};

/// The figure's numbers: series,x,y,error and a column for each sample; a reference line has neither x nor samples.
Csv numbers(const Figure& figure);

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
