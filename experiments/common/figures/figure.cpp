#include "experiments/common/figures/figure.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "experiments/common/figures/gnuplot.h"
#include "experiments/common/process/interrupt.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

// Okabe and Ito's colours that stand out by 3 to 1 or so against white and against near black; then their shapes and dashes repeat them.
constexpr const char* colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7F7F7F", "#B8860B"};
constexpr int shapes[] = {7, 9, 5, 11, 13, 6};  // filled circle, triangle, square, triangle down, diamond; circle
constexpr int width = 480, height = 340;        // small enough for its text to be readable on a phone

bool drawable(double v, bool logarithmic) { return std::isfinite(v) && (!logarithmic || v > 0); }

struct Range {
  double low = INFINITY, high = -INFINITY;
  void add(double v, bool logarithmic) {
    if (drawable(v, logarithmic)) low = std::min(low, v), high = std::max(high, v);
  }
};

Range padded(Range r, bool logarithmic) {
  if (logarithmic) {
    const double factor = std::max(std::pow(r.high / r.low, 0.04), 1.1);
    return {r.low / factor, r.high * factor};
  }
  const double pad = r.high > r.low ? 0.04 * (r.high - r.low) : std::max(0.05 * std::abs(r.high), 1e-12);
  return {r.low - pad, r.high + pad};
}

std::string power_label(double mantissa, int exponent) {
  const double value = mantissa * std::pow(10.0, exponent);
  if (exponent >= -2 && exponent <= 4) return fmt::format("{:g}", value);
  return mantissa == 1 ? fmt::format("10^{{{}}}", exponent) : fmt::format("{:g}·10^{{{}}}", mantissa, exponent);
}

// gnuplot labels powers of ten alone, of which a short axis may hold none.
std::string log_tics(char axis, Range r) {
  const double decades = std::log10(r.high / r.low);
  const int first = static_cast<int>(std::floor(std::log10(r.low))), last = static_cast<int>(std::ceil(std::log10(r.high)));
  const int stride = std::max(1, static_cast<int>(std::ceil(decades / 7)));
  std::vector<std::string> tics;
  for (int e = first; e <= last; ++e)
    for (int m = 1; m <= 9; ++m) {
      const double v = m * std::pow(10.0, e);
      if (v < r.low || v > r.high) continue;
      const bool labelled = decades < 2 ? m == 1 || m == 2 || m == 5 : m == 1 && e % stride == 0;
      if (labelled)
        tics.push_back(fmt::format("{} {:.17g}", gnuplot_string(power_label(m, e)), v));
      else if (decades < 7 || m == 1)
        tics.push_back(fmt::format("'' {:.17g} 1", v));
    }
  return fmt::format("set {}tics ({})\n", axis, fmt::join(tics, ", "));
}

std::string axis(char name, const std::string& label, bool logarithmic, Range r) {
  std::string s = fmt::format("set {}label {} noenhanced textcolor rgb '{}'\nset {}range [{:.17g}:{:.17g}]\n", name, gnuplot_string(label),
                              ink, name, r.low, r.high);
  s += fmt::format("set {}tics nomirror textcolor rgb '{}'\n", name, ink);
  if (logarithmic) s += fmt::format("set logscale {}\n", name) + log_tics(name, r);
  return s;
}

// One bar series beside the other at each category.
double bar_shift(std::size_t bar, std::size_t bars) {
  return (static_cast<double>(bar) - 0.5 * static_cast<double>(bars - 1)) * 0.8 / static_cast<double>(bars);
}

std::size_t bars_of(const Figure& f) {
  return static_cast<std::size_t>(std::count_if(f.series.begin(), f.series.end(), [](const Series& s) { return s.mark == Mark::bars; }));
}

struct Plot {
  std::string settings = {}, data = {};
  std::vector<std::string> elements = {}, titles = {};  ///< of one length

  std::string script() const { return settings + data + fmt::format("plot {}\n", fmt::join(elements, ", ")); }
};

void add(Plot& plot, const Figure& figure, std::size_t i, std::size_t& bar, std::size_t bars) {
  const Series& s = figure.series[i];
  const double shift = s.mark == Mark::bars ? bar_shift(bar++, bars) : 0;
  plot.data += fmt::format("$s{} << EOD\n", i);
  for (std::size_t p = 0; p < s.x.size(); ++p) {
    if (!drawable(s.x[p], figure.log_x) || !drawable(s.y[p], figure.log_y)) {
      plot.data += "\n";  // the line breaks here
      continue;
    }
    plot.data += fmt::format("{:.9g} {:.9g} {:.9g}\n", s.x[p] + shift, s.y[p], s.error.empty() ? 0 : s.error[p]);
  }
  plot.data += "EOD\n";

  const std::string colour = colours[s.like.value_or(i) % std::size(colours)];
  const std::string point = fmt::format("pointtype {} pointsize {}", shapes[i % std::size(shapes)], s.x.size() > 60 ? 0.3 : 0.6);
  const std::string dash = fmt::format("dashtype {}", i / std::size(colours) + 1);
  const std::string title = "title " + gnuplot_string(s.label) + " noenhanced";
  const auto element = [&](const std::string& columns, const std::string& style, const std::string& named, const std::string& called) {
    plot.elements.push_back(fmt::format("$s{} using {} with {} linecolor rgb '{}' {}", i, columns, style, colour, named));
    plot.titles.push_back(called);
  };
  const auto marks = [&](const std::string& style) { element("1:2", style, title, s.label); };
  if (s.mark == Mark::bars) marks(fmt::format("boxes fill solid 0.85 noborder fillcolor rgb '{}'", colour));
  if (s.mark == Mark::line) marks("lines linewidth 1.6 " + dash);
  if (s.mark == Mark::line_points) marks("linespoints linewidth 1.3 " + dash + " " + point);
  if (s.mark == Mark::points) marks("points " + point);
  if (s.mark == Mark::highlight) marks("points pointtype 6 pointsize 1.3 linewidth 2");
  // yerrorbars would paint white rings around their points.
  if (!s.error.empty())
    element("1:($2-$3):(0):(2*$3)", "vectors nohead linewidth 1", "notitle",
            s.label + ": " + (figure.error_bars.empty() ? "error" : figure.error_bars));
}

std::size_t letters(std::string_view text) {  // of UTF-8
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// In as many lines as the drawing is wide for, of about one length: beside a longer one gnuplot leaves out entries of the legend.
std::string title_in_lines(const std::string& title) {
  constexpr std::size_t most = 60;
  const std::size_t all = letters(title), lines = all / most + 1, aim = std::min(most, all / lines + 8);
  std::string text, line;
  const auto end_line = [&] { text += gnuplot_string(line) + ".\"\\n\".", line.clear(); };
  std::istringstream words(title);
  for (std::string word; words >> word;) {
    if (!line.empty() && letters(line) + 1 + letters(word) > aim) end_line();
    if (!line.empty()) line += ' ';
    for (char c : word) {
      if ((c & 0xC0) != 0x80 && letters(line) == most) end_line();
      line += c;
    }
  }
  return text + gnuplot_string(line);
}

struct Extent {
  Range x, y;
};
Extent extent_of(const Figure& f) {
  Extent of;
  for (const Series& s : f.series)
    for (std::size_t p = 0; p < s.x.size(); ++p) {
      if (!drawable(s.x[p], f.log_x) || !drawable(s.y[p], f.log_y)) continue;
      const double e = s.error.empty() || !std::isfinite(s.error[p]) ? 0 : s.error[p];
      of.x.add(s.x[p], f.log_x);
      for (double v : {s.y[p], s.y[p] - e, s.y[p] + e}) of.y.add(v, f.log_y);
    }
  if (of.x.low > of.x.high) return of;
  for (const ReferenceLine& line : f.lines) of.y.add(line.y, f.log_y);
  if (f.y_range)
    for (double v : {f.y_range->first, f.y_range->second}) of.y.add(v, f.log_y);
  if (bars_of(f) > 0 && !f.log_y) of.y.add(0, false);
  return of;
}

Plot plot_of(const Figure& f, const std::string& name) {
  require_consistent(f, name);
  const std::size_t bars = bars_of(f);
  const auto [x, y] = extent_of(f);
  require(x.low <= x.high, "{}: no number can be drawn: all are missing, or not positive on a logarithmic axis", name);
  Range to_x = padded(x, f.log_x), to_y = padded(y, f.log_y);
  if (!f.categories.empty()) to_x = {-0.6, static_cast<double>(f.categories.size()) - 0.4};
  if (bars > 0 && y.low == 0) to_y.low = 0;

  Plot plot;
  std::string& s = plot.settings;
  s = fmt::format("set border 3 linecolor rgb '{}'\nset tics scale 0.7\nset bars small\n", ink);
  s += axis('x', f.x_label, f.log_x, to_x) + axis('y', f.y_label, f.log_y, to_y);
  if (!f.categories.empty()) {
    std::vector<std::string> tics;
    for (std::size_t c = 0; c < f.categories.size(); ++c) tics.push_back(fmt::format("{} {}", gnuplot_string(f.categories[c]), c));
    s += fmt::format("set xtics scale 0 ({}) noenhanced\n", fmt::join(tics, ", "));
  }
  if (bars > 0) s += fmt::format("set boxwidth {:.9g}\n", 0.74 / static_cast<double>(bars));
  // The legend stands between title and plot, so the title is the legend's. gnuplot takes texts for wider than they are.
  std::size_t longest = 0;
  for (const Series& one : f.series) longest = std::max(longest, one.label.size());
  for (const ReferenceLine& line : f.lines) longest = std::max(longest, line.label.size());
  if (f.series.size() + f.lines.size() > 1)
    s += fmt::format("set key tmargin center horizontal Left reverse samplen 2 width {} maxrows 3 textcolor rgb '{}' title {} noenhanced\n",
                     -static_cast<int>(longest / 6), ink, title_in_lines(f.title));
  else
    s += fmt::format("unset key\nset title {} noenhanced textcolor rgb '{}'\n", title_in_lines(f.title), ink);

  std::size_t bar = 0;
  for (std::size_t i = 0; i < f.series.size(); ++i) add(plot, f, i, bar, bars);
  for (std::size_t i = 0; i < f.lines.size(); ++i) {
    plot.elements.push_back(fmt::format("{:.17g} with lines linewidth 1.4 dashtype {} linecolor rgb '#7F7F7F' title {} noenhanced",
                                        f.lines[i].y, i + 2, gnuplot_string(f.lines[i].label)));
    plot.titles.push_back(f.lines[i].label);
  }
  return plot;
}

bool save_svg(const fs::path& path, const Plot& plot, int w, int h, const std::string& title) {
  const auto svg = gnuplot_svg(plot.script(), w, h, title, plot.titles, path.filename().string());
  if (svg) replace_text(path, *svg);
  return svg.has_value();
}

}  // namespace

void share_y_ranges(const std::vector<Figure*>& figures) {
  // "training accuracy (%)" and "test accuracy (%)" are read against one another.
  const auto scale = [](const Figure& f) {
    const std::size_t open = f.y_label.rfind('('), close = f.y_label.rfind(')');
    const bool unit = open != std::string::npos && close != std::string::npos && close > open;
    return std::pair(f.log_y, unit ? f.y_label.substr(open, close - open) : f.y_label);
  };
  std::map<std::pair<bool, std::string>, Range> ranges;
  for (const Figure* f : figures)
    if (const Extent of = extent_of(*f); of.x.low <= of.x.high)
      for (double v : {of.y.low, of.y.high}) ranges[scale(*f)].add(v, f->log_y);
  for (Figure* f : figures)
    if (const auto found = ranges.find(scale(*f)); found != ranges.end()) f->y_range = {found->second.low, found->second.high};
}

bool draw(const fs::path& path, const Figure& figure) {
  return save_svg(path, plot_of(figure, path.filename().string()), width, height, figure.title);
}

bool draw(const fs::path& path, const Pictures& p) {
  const std::string name = path.filename().string();
  require(!p.pixels.empty() && p.columns > 0, "{}: no pictures", name);
  const Index count = static_cast<Index>(p.pixels.size()), columns = std::min(p.columns, count), rows = (count + columns - 1) / columns;
  const Index total_width = columns * (p.width + 1) - 1, total_height = rows * (p.height + 1) - 1;
  // What no picture covers stays transparent.
  std::vector<double> all(static_cast<std::size_t>(total_width * total_height), NAN);
  for (Index i = 0; i < count; ++i) {
    const auto& pixels = p.pixels[static_cast<std::size_t>(i)];
    require(static_cast<Index>(pixels.size()) == p.height * p.width, "{}: picture {} has {} pixels, expected {} x {}", name, i,
            pixels.size(), p.height, p.width);
    double most = 0;
    for (double v : pixels) most = std::max(most, std::abs(v));
    const Index top = i / columns * (p.height + 1), left = i % columns * (p.width + 1);
    for (Index h = 0; h < p.height; ++h)
      for (Index w = 0; w < p.width; ++w)
        all[static_cast<std::size_t>((top + h) * total_width + left + w)] =
            most > 0 ? pixels[static_cast<std::size_t>(h * p.width + w)] / most : 0;
  }
  Plot plot{.titles = {p.title}};
  std::string& s = plot.settings;
  s = fmt::format("set title {} noenhanced textcolor rgb '{}'\n", title_in_lines(p.title), ink);
  s += "unset border; unset tics; unset key; unset colorbox\nset lmargin 1; set rmargin 1; set bmargin 0.5; set tmargin 1.8\n";
  s += fmt::format("set xrange [-0.5:{}.5]; set yrange [{}.5:-0.5]\n", total_width - 1, total_height - 1);
  s += "set cbrange [-1:1]\nset palette defined (-1 '#0072B2', 0 '#E8E8E8', 1 '#D55E00')\n$m << EOD\n";
  for (Index h = 0; h < total_height; ++h) {
    for (Index w = 0; w < total_width; ++w) {
      const double v = all[static_cast<std::size_t>(h * total_width + w)];
      s += std::isnan(v) ? "NaN " : fmt::format("{:.4f} ", v);
    }
    s += "\n";
  }
  s += "EOD\n";
  plot.elements.push_back("$m matrix with image");
  const int h = static_cast<int>(40 + 464 * total_height / total_width);
  return save_svg(path, plot, width, h, p.title);
}

bool try_figure(const fs::path& path, const std::function<bool(const fs::path&)>& leave) {
  try {
    return leave(path);
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& e) {
    const std::string name = path.filename().string();
    std::string why = e.what();
    if (why.starts_with(name + ": ")) why.erase(0, name.size() + 2);
    remark("{}: not drawn, {}\n", name, why);
    return false;
  }
}

}  // namespace tangentplane::experiments
