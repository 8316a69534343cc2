#include "data/files.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "autodiff/check.h"

namespace tangentplane::data {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void cannot_write(const fs::path& path, const std::string& why) {
  throw std::runtime_error(fmt::format("cannot write {}: {}", path.string(), why));
}

std::string last_error() { return errno ? std::generic_category().message(errno) : "input/output error"; }

// Beside the file, so that the rename stays on one file system; unique among processes and threads.
fs::path temporary_beside(const fs::path& path) {
  static std::atomic<unsigned> count{0};
  return path.parent_path() / fmt::format(".{}.{}-{}.partial", path.filename().string(), ::getpid(), count++);
}

struct RemoveUnlessKept {
  fs::path path;
  bool kept = false;
  ~RemoveUnlessKept() {
    std::error_code ignored;
    if (!kept) fs::remove(path, ignored);
  }
};

}  // namespace

ByteSource ByteSource::file(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  require(fs::exists(status), "{}: no such file", path.string());
  require(fs::is_regular_file(status), "{}: is not a file", path.string());
  errno = 0;
  const auto in = std::make_shared<std::ifstream>(path, std::ios::binary);
  require(in->good(), "{}: cannot be opened: {}", path.string(), last_error());
  ByteSource source(path.string(), fs::file_size(path), [in](void* to, std::size_t bytes) {
    in->read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
    return static_cast<std::size_t>(in->gcount());
  });
  source.seek_ = [in](std::uint64_t bytes) { in->seekg(static_cast<std::streamoff>(bytes), std::ios::cur); };
  return source;
}

void ByteSource::read(void* to, std::size_t bytes) {
  require(bytes <= left_, "{}: is cut short: {} bytes where {} should follow", name_, left_, bytes);
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t n = pull_(static_cast<char*>(to) + done, bytes - done);
    require(n > 0, "{}: is cut short: {} bytes where {} should follow", name_, done, bytes);
    done += n;
  }
  left_ -= bytes;
}

void ByteSource::skip(std::uint64_t bytes) {
  require(bytes <= left_, "{}: is cut short: {} bytes where {} should follow", name_, left_, bytes);
  if (seek_) {
    seek_(bytes);
    left_ -= bytes;
    return;
  }
  Bytes dropped(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, 1 << 16)));
  for (; bytes; bytes -= std::min<std::uint64_t>(bytes, dropped.size()))
    read(dropped.data(), static_cast<std::size_t>(std::min<std::uint64_t>(bytes, dropped.size())));
}

Bytes read_bytes(const fs::path& path) {
  auto source = ByteSource::file(path);
  Bytes bytes(source.left());
  source.read(bytes.data(), bytes.size());
  return bytes;
}

void replace_atomically(const fs::path& path, const std::function<void(const fs::path&)>& writer) {
  std::error_code error;
  // Renaming onto a device or a pipe would replace it by a file.
  if (const auto status = fs::status(path, error); fs::exists(status) && !fs::is_regular_file(status))
    cannot_write(path, fs::is_directory(status) ? "it is a folder" : "it is not a regular file");
  RemoveUnlessKept temporary{temporary_beside(path)};
  writer(temporary.path);
  fs::rename(temporary.path, path, error);
  if (error) cannot_write(path, error.message());
  temporary.kept = true;
}

void write_atomically(const fs::path& path, const std::function<void(std::ostream&)>& writer) {
  replace_atomically(path, [&](const fs::path& temporary) {
    errno = 0;
    std::ofstream out(temporary, std::ios::binary);
    if (!out) cannot_write(path, last_error());
    out.exceptions(std::ios::badbit | std::ios::failbit);  // a full disk ends the writer at once, however much is still to come
    try {
      writer(out);
      out.close();
    } catch (const std::ios_base::failure&) {
      cannot_write(path, last_error());
    }
  });
}

}  // namespace tangentplane::data
