// The files by which a run is read, and whether they are as it left them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tangentplane::experiments {

/// f(path) for each file in the run's folder and in its targets' folders, which hold no run of their own. Links are not followed.
void for_files(const std::filesystem::path& folder, const std::function<void(const std::filesystem::path&)>& f);

struct FileOfRun {
  std::uintmax_t bytes = 0;
  /// 16 hexadecimal digits: a hash of what is in it; from 2 GiB on of pieces of 1 MiB, evenly apart, 1024 or more, and of what is left
  /// over.
  std::string content;
};

/// By their names within the folder: not the run's figures, nor what others have put there, nor what is in a folder of another run within
/// it. They are read back.
std::map<std::string, FileOfRun> files_of_run(const std::filesystem::path& folder);

/// What run.json holds; none where there is no such file, and a discarded value where it is cut short.
std::optional<nlohmann::json> record_in(const std::filesystem::path& folder);

/// Whether run.json is there and says that the run has not ended.
bool says_unfinished(const std::filesystem::path& folder);

/// Those of the files that run.json lists which are not as the run left them, as a power cut or a failing disk can leave them, but for
/// those of the names `unread`; with what is said of it.
std::vector<std::pair<std::filesystem::path, std::string>> torn_files(const std::filesystem::path& folder,
                                                                      const std::set<std::string>& unread = {});

}  // namespace tangentplane::experiments
