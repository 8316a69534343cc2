#include "experiments/common/process/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "autodiff/check.h"
#include "autodiff/cpu/ranks.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {
namespace {

std::string who_am_i() {
  char host[256] = {};
  if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0') std::strcpy(host, "an unknown host");
  return fmt::format("process {} on {}", getpid(), host);
}

std::string text_of(int descriptor) {
  char text[512];
  const ssize_t bytes = pread(descriptor, text, sizeof text, 0);
  std::string s(text, static_cast<std::size_t>(std::max<ssize_t>(0, bytes)));
  while (!s.empty() && s.back() == '\n') s.pop_back();
  return s.empty() ? "another process" : s;
}

int lock(int descriptor) {
  while (flock(descriptor, LOCK_EX | LOCK_NB) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

// Whether the file that is open is still the one of that name: its last holder may have removed it meanwhile.
bool stands(int descriptor, const std::filesystem::path& path) {
  struct stat open {
  }, named{};
  return fstat(descriptor, &open) == 0 && stat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder, const std::string& name)
    : path_(folder / lock_name), leaving_([this] { remove_file(); }) {
  int descriptor = -1;
  for (;;) {
    descriptor = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    const int unopened = descriptor < 0 ? errno : 0;
    require(unopened == 0, "{}: cannot be written ({}); give another folder", name, std::strerror(unopened));
    const int error = lock(descriptor);
    if (error == EWOULDBLOCK) {
      const std::string holder = text_of(descriptor);
      close(descriptor);
      require(!cpu::started_apart(),
              "{}: {} is writing there, and mpirun started this process beside others; this build has no MPI to join them: build the "
              "preset mpi, or give each a folder of its own",
              name, holder);
      require(false, "{}: {} is writing there; wait for it, end it, or give another folder", name, holder);
    }
    if (error != 0) {
      remark("{}: the file system has no locks ({}); see that no other process writes there\n", name, std::strerror(error));
      break;
    }
    if (stands(descriptor, path_)) break;
    close(descriptor);
  }
  {
    const auto held = leaving_.hold();
    descriptor_ = descriptor;  // ours from now on
  }
  // For the message alone: on a full disk it stays empty.
  const std::string me = who_am_i() + "\n";
  if (ftruncate(descriptor_, 0) == 0) static_cast<void>(!pwrite(descriptor_, me.data(), me.size(), 0));
}

FolderLock::~FolderLock() {
  const auto held = leaving_.hold();
  remove_file();
  close(descriptor_);
  descriptor_ = -1;
}

void FolderLock::remove_file() const {
  if (descriptor_ >= 0 && stands(descriptor_, path_)) unlink(path_.c_str());
}

}  // namespace tangentplane::experiments
