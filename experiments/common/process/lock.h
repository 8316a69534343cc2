// One process a folder: a lock that the kernel gives free when its process ends, however it ends.
#pragma once

#include <filesystem>
#include <string>

#include "experiments/common/process/interrupt.h"

namespace tangentplane::experiments {

/// The file's name in the folder. It says who holds the lock, and is gone once that is given free.
inline constexpr const char* lock_name = ".lock";

class FolderLock {
 public:
  /// Throws std::invalid_argument that begins with `name` (--out DIR) if another process, which it names, has the lock, or the folder
  /// cannot be written. Where the file system has no locks it says so on standard error and does without.
  FolderLock(const std::filesystem::path& folder, const std::string& name);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  void remove_file() const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  OnLeaving leaving_;
};

}  // namespace tangentplane::experiments
