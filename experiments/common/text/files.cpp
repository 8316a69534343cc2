#include "experiments/common/text/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ostream>

#include "data/files.h"
#include "data/npy.h"
#include "data/npz.h"

namespace tangentplane::experiments {

void replace_text(const std::filesystem::path& path, std::string_view text) {
  data::write_atomically(path, [text](std::ostream& out) { out << text; });
}

std::filesystem::path normal_path(const std::filesystem::path& path) {
  const auto normal = path.lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

std::string read_text(const std::filesystem::path& path) {
  const auto bytes = data::read_bytes(path);
  return {bytes.begin(), bytes.end()};
}

std::string not_there(const std::string& path, const char* what) {
  const int reason = access(path.c_str(), R_OK) == 0 ? 0 : errno;
  if (reason == 0) return fmt::format("is not a {}", what);
  const bool missing = reason == ENOENT || reason == ENOTDIR;
  return missing ? fmt::format("no such {}", what) : fmt::format("cannot be read ({})", std::strerror(reason));
}

std::string why_not_writable(const std::filesystem::path& folder) {
  return faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? "" : std::strerror(errno);
}

void require_folder_for(std::string_view option, const std::string& file) {
  if (file.empty()) return;
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  std::error_code error;
  require(std::filesystem::is_directory(folder, error), "{} {}: there is no folder {}; make it, or give another name", option, file,
          folder.string());
  const std::string reason = why_not_writable(folder);
  require(reason.empty(), "{} {}: {} cannot be written ({}); give another name", option, file, folder.string(), reason);
}

namespace {

template <class Look>
bool is_whole(const std::filesystem::path& path, const Look& look) {
  if (!std::filesystem::is_regular_file(path)) return false;
  try {
    look(path);
    return true;
  } catch (const std::invalid_argument&) {  // cut short, or never filled
    return false;
  }
}

}  // namespace

bool is_whole_npz(const std::filesystem::path& path) { return is_whole(path, data::npz_infos); }
bool is_whole_npy(const std::filesystem::path& path) { return is_whole(path, data::npy_info); }

}  // namespace tangentplane::experiments
