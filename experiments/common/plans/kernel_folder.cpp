#include "experiments/common/plans/kernel_folder.h"

#include <string>

#include "data/files.h"
#include "experiments/common/run/files_of_run.h"
#include "experiments/common/text/parse.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;

double free_space(const fs::path& folder) {
  std::error_code error;
  fs::path standing = fs::absolute(folder, error);
  while (!fs::exists(standing, error) && standing != standing.parent_path()) standing = standing.parent_path();
  const auto space = fs::space(standing, error);
  require(!error, "--out {}: {} cannot be read ({}); give another folder", folder.string(), standing.string(), error.message());
  double bytes = static_cast<double>(space.available);
  // What an interrupted run has taken already is this one's.
  for_files(folder, [&](const fs::path& file) {
    const std::string name = file.filename().string();
    if (name != tiles_name && data::temporary_of(name) != tiles_name) return;
    if (const auto size = fs::file_size(file, error); !error) bytes += static_cast<double>(size);
  });
  return bytes;
}

void require_space(const fs::path& folder, double bytes, double free) {
  require(bytes <= free,
          "--out {}: the kernel on disk and the results take {}, {} are free there; free some, give more --memory, or another folder",
          folder.string(), format_size(bytes), format_size(free));
}

}  // namespace tangentplane::experiments
