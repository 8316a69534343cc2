#include "experiments/common/text/csv.h"

#include <sstream>

#include "experiments/common/text/files.h"

namespace tangentplane::experiments {
namespace {

std::vector<std::string> cells_of(const std::string& line) {
  const auto cells = split(line, ',');
  return {cells.begin(), cells.end()};
}

}  // namespace

void Csv::add_row(std::vector<std::string> row) {
  require(row.size() == columns_.size(), "csv: {} cells for {} columns", row.size(), columns_.size());
  for (const std::string& cell : row)
    require(cell.find_first_of(",\"\r\n") == std::string::npos, "csv: the cell {} holds a comma, a quote or a line end", cell);
  rows_.push_back(std::move(row));
}

void Csv::save(const std::filesystem::path& path) const {
  std::string text = join(columns_) + "\n";
  for (const auto& row : rows_) text += join(row) + "\n";
  replace_text(path, text);
}

Csv Csv::read(const std::filesystem::path& path) {
  std::istringstream text(read_text(path));
  std::string line;
  require(static_cast<bool>(std::getline(text, line)), "{}: empty; a table begins with the names of its columns", path.string());
  Csv table(cells_of(line));
  for (int number = 2; std::getline(text, line); ++number) {
    auto cells = cells_of(line);
    require(cells.size() == table.columns_.size(), "{}, line {}: {} cells for {} columns", path.string(), number, cells.size(),
            table.columns_.size());
    table.rows_.push_back(std::move(cells));
  }
  return table;
}

}  // namespace tangentplane::experiments
