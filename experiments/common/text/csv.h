// Tables whose numbers read back exactly.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/common/text/parse.h"

namespace tangentplane::experiments {

/// A table as in history.csv: rows are added, the whole file is written anew (beside, then renamed) by save.
class Csv {
 public:
  explicit Csv(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  /// A cell for each column: numbers with as many digits as it takes, texts as they are (no commas, quotes or line ends), an empty
  /// std::optional as an empty cell. Throws for another number of cells.
  template <class... Cells>
  void add(const Cells&... cells) {
    add_row({cell(cells)...});
  }
  void add_row(std::vector<std::string> row);
  void save(const std::filesystem::path& path) const;

  const std::vector<std::string>& columns() const { return columns_; }
  const std::vector<std::vector<std::string>>& rows() const { return rows_; }

  /// Throws std::invalid_argument naming file and line unless every row has a cell for each column of the first line.
  static Csv read(const std::filesystem::path& path);

 private:
  template <class T>
  static std::string cell(const T& value) {
    if constexpr (requires { value.has_value(); })
      return value ? cell(*value) : "";
    else
      return fmt::format("{}", value);
  }

  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tangentplane::experiments
