#include "data/byte_images.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

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
  // Of a folder that may not be entered nothing is known, least of all that a file is missing there.
  for (const auto& place : {directory, directory / folder})
    require(::faccessat(AT_FDCWD, place.c_str(), X_OK, AT_EACCESS) == 0 || errno != EACCES,
            "{}: {} may not be entered (permission denied); give another folder, or the right to enter this one", dataset, place.string());
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
