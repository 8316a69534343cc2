#include "data/byte_images.h"

#include "autodiff/check.h"

namespace tangentplane::data {
namespace fs = std::filesystem;

fs::path find_data_file(const fs::path& directory, const std::string& folder, const std::string& file, const std::string& dataset,
                        bool gzip) {
  require(!directory.empty(), "{}: no folder given (--data-dir DIR); `data/fetch {} DIR` downloads the files", dataset, dataset);
  std::error_code error;
  const auto status = fs::status(directory, error);
  require(status.type() != fs::file_type::none, "{}: {} cannot be read ({})", dataset, directory.string(), error.message());
  require(fs::is_directory(status), "{}: {} is not a folder", dataset, directory.string());
  for (const auto& place : {directory / folder, directory})
    for (const char* ending : {"", ".gz"}) {
      const fs::path path = place / (file + ending);
      if ((gzip || !*ending) && fs::is_regular_file(path, error)) return path;
    }
  require(false, "{}: no {}{} in {} or {}; `data/fetch {} {}` downloads it", dataset, file, gzip ? "[.gz]" : "",
          (directory / folder).string(), directory.string(), dataset, directory.string());
  return {};
}

}  // namespace tangentplane::data
