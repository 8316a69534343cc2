// A figure's numbers as a table.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "experiments/common/figures/figure.h"

namespace tangentplane::experiments {
namespace {

std::string name_or(const std::string& label, const char* otherwise) {
  const std::string name = column_name(label);
  return name.empty() ? otherwise : name;
}

// A cell takes no comma, quote or line end, of which names of files and lists of widths have some.
std::string as_cell(std::string text) {
  for (char& c : text) c = c == ',' ? ';' : c == '"' ? '\'' : c == '\n' || c == '\r' ? ' ' : c;
  return text;
}

}  // namespace

std::string column_name(std::string_view label) {
  std::string name;
  bool gap = false;
  const auto add = [&](std::string_view word) {
    if (gap && !name.empty()) name += '_';
    gap = false;
    name += word;
  };
  for (const char c : label) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%') {
      gap = true;
      add("percent");
    } else if (byte < 0x80 && std::isalnum(byte)) {
      const char lower = static_cast<char>(std::tolower(byte));
      add({&lower, 1});
    } else if (c != '\'') {
      gap = true;
    }
  }
  return name;
}

void require_consistent(const Figure& f, const std::string& name) {
  require(!f.series.empty(), "{}: a figure needs at least one series", name);
  for (const Series& s : f.series) {
    require(s.x.size() == s.y.size(), "{}: series {} has {} x and {} y", name, s.label, s.x.size(), s.y.size());
    require(s.error.empty() || s.error.size() == s.y.size(), "{}: series {} has {} errors for {} points", name, s.label, s.error.size(),
            s.y.size());
    require(s.samples.empty() || s.samples.size() == f.samples.size(), "{}: series {} has {} samples, the figure names {}", name, s.label,
            s.samples.size(), f.samples.size());
    for (const auto& sample : s.samples)
      require(sample.size() == s.y.size(), "{}: series {} has a sample of {} values for {} points", name, s.label, sample.size(),
              s.y.size());
  }
}

Csv numbers(const Figure& figure) {
  require_consistent(figure, figure.title);
  const bool errors = std::any_of(figure.series.begin(), figure.series.end(), [](const Series& s) { return !s.error.empty(); });
  const double first = figure.x_label.ends_with(index_axis) ? 1 : 0;
  std::vector<std::string> columns{"series", first > 0 ? "index" : name_or(figure.x_label, "x"), name_or(figure.y_label, "y")};
  if (errors) columns.push_back(name_or(figure.error_bars, "error"));
  columns.insert(columns.end(), figure.samples.begin(), figure.samples.end());
  Csv csv(columns);
  const auto number = [](double v) { return fmt::format("{}", v); };
  for (const Series& s : figure.series)
    for (std::size_t p = 0; p < s.x.size(); ++p) {
      const auto category = static_cast<std::size_t>(std::max(0.0, s.x[p]));
      const bool named = category < figure.categories.size();
      std::vector<std::string> row{as_cell(s.label), named ? as_cell(figure.categories[category]) : number(s.x[p] - first), number(s.y[p])};
      if (errors) row.push_back(s.error.empty() ? "" : std::isnan(s.error[p]) ? "" : number(s.error[p]));
      for (const auto& sample : s.samples) row.push_back(std::isnan(sample[p]) ? "" : number(sample[p]));
      row.resize(columns.size());
      csv.add_row(std::move(row));
    }
  for (const ReferenceLine& line : figure.lines) {
    std::vector<std::string> row{as_cell(line.label), "", number(line.y)};
    row.resize(columns.size());
    csv.add_row(std::move(row));
  }
  return csv;
}

bool save_figure(const std::filesystem::path& path, const Figure& figure) {
  std::filesystem::path csv = path;
  numbers(figure).save(csv.replace_extension(".csv"));
  return draw(path, figure);
}

}  // namespace tangentplane::experiments
