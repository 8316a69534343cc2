// What is on the disk when a write returns: the calls that a power cut asks for, in their order. This program's fsync and rename stand
// before the system's, also for the library that it links, and note what they are asked for.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <ostream>

#include "data/files.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace {

std::vector<std::string> calls;
std::string under;  // calls on files elsewhere are not noted

void note(const std::string& call, const std::string& path) {
  if (!under.empty() && path.starts_with(under)) calls.push_back(call + " " + (path == under ? "." : path.substr(under.size() + 1)));
}

}  // namespace

extern "C" int fsync(int descriptor) {
  std::error_code error;
  note("sync", std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), error).string());
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}

extern "C" int rename(const char* from, const char* to) noexcept {
  note("rename", from);
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0u));
}

using namespace tangentplane;
using namespace tangentplane::data;

namespace {

// The calls of `f`, with temporary files as "*".
std::vector<std::string> calls_of(const std::filesystem::path& folder, const std::function<void()>& f) {
  calls.clear();
  under = std::filesystem::canonical(folder).string();
  f();
  under.clear();
  for (std::string& call : calls)
    if (const auto at = call.rfind(".partial"); at != std::string::npos) call = call.substr(0, call.find(' ')) + " *";
  return calls;
}

using Calls = std::vector<std::string>;

}  // namespace

TEST_CASE("on the disk: a file before its name, the name before the write returns") {
  const TemporaryFolder temporary;
  const std::filesystem::path folder = std::filesystem::canonical(temporary.path());
  const Calls whole{"sync *", "rename *", "sync ."};
  CHECK(calls_of(folder, [&] { write_atomically(folder / "a.txt", [](std::ostream& out) { out << "first"; }); }) == whole);
  CHECK(calls_of(folder, [&] { write_atomically(folder / "a.txt", [](std::ostream& out) { out << "second"; }); }) == whole);
  CHECK(calls_of(folder, [&] {
          replace_atomically(folder / "b.txt", [](const std::filesystem::path& other) { std::ofstream(other) << "third"; });
        }) == whole);
}

TEST_CASE("on the disk: folders that are made, files that are removed or moved") {
  const TemporaryFolder temporary;
  const std::filesystem::path folder = std::filesystem::canonical(temporary.path());
  CHECK(calls_of(folder, [&] { create_folders(folder / "a/b"); }) == Calls{"sync a", "sync ."});
  write_atomically(folder / "a/c.txt", [](std::ostream& out) { out << "c"; });
  CHECK(calls_of(folder, [&] { move_file(folder / "a/c.txt", folder / "a/b/c.txt"); }) == Calls{"rename a/c.txt", "sync a/b", "sync a"});
  CHECK(std::filesystem::exists(folder / "a/b/c.txt"));
  CHECK(calls_of(folder, [&] { remove_file(folder / "a/b/c.txt"); }) == Calls{"sync a/b"});
}
