#include "data/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "autodiff/check.h"

namespace tangentplane::data {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void cannot_write(const fs::path& path, const std::string& why) {
  throw std::runtime_error(fmt::format("cannot write {}: {}", path.string(), why));
}

std::string message_of(int error) { return error ? std::generic_category().message(error) : "input/output error"; }

// What a path is to blame for, and a user can put right, is a fault of the input; a disk that fails, or too many open files, is not.
[[noreturn]] void cannot_open(const fs::path& path, int error) {
  const std::string line = fmt::format("{}: cannot be opened: {}", path.string(), message_of(error));
  for (int of_the_path : {ENOENT, ENOTDIR, EISDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG})
    if (error == of_the_path) throw std::invalid_argument(line);
  throw std::runtime_error(line);
}

// Waits until a file, or a folder's names, are on the disk. Some file systems sync no folders, or nothing at all, and say so.
int sync(const fs::path& path, int flags) {
  const int descriptor = ::open(path.empty() ? "." : path.c_str(), flags | O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return flags & O_DIRECTORY ? 0 : errno;  // a folder that may be written but not read
  int error = 0;
  while (::fsync(descriptor) != 0) {
    error = errno;
    if (error != EINTR) break;
    error = 0;
  }
  ::close(descriptor);
  const bool unable = error == EINVAL || error == ENOTSUP || error == ENOSYS || error == EROFS || error == EBADF;
  return unable ? 0 : error;
}
int sync_folder(const fs::path& path) { return sync(path, O_DIRECTORY); }

// The temporary files of writes under way. Never destroyed: a write may end after main.
struct UnderWay {
  std::mutex mutex;
  std::set<fs::path> files;
};
UnderWay& under_way() {
  static auto* all = new UnderWay;
  return *all;
}

constexpr std::string_view ending = ".partial";

// A file beside the final one, so that the rename stays on one file system; its name is unique among processes and threads.
class Temporary {
 public:
  explicit Temporary(const fs::path& final) {
    static std::atomic<unsigned> count{0};
    path_ = final.parent_path() / fmt::format(".{}.{}-{}{}", final.filename().string(), ::getpid(), count++, ending);
    const std::lock_guard lock(under_way().mutex);
    under_way().files.insert(path_);
  }
  ~Temporary() {
    std::error_code ignored;
    if (!renamed_) fs::remove(path_, ignored);
    const std::lock_guard lock(under_way().mutex);
    under_way().files.erase(path_);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  const fs::path& path() const { return path_; }
  void rename_to(const fs::path& final) {
    if (const int error = sync(path_, 0); error != 0) cannot_write(final, message_of(error));
    move_file(path_, final);
    renamed_ = true;
  }

 private:
  fs::path path_;
  bool renamed_ = false;
};

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return '0' <= c && c <= '9'; });
}

}  // namespace

ByteSource ByteSource::file(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  require(status.type() != fs::file_type::not_found, "{}: no such file", path.string());
  if (status.type() == fs::file_type::none) cannot_open(path, error.value());
  require(fs::is_regular_file(status), "{}: is not a file", path.string());
  errno = 0;
  const auto in = std::make_shared<std::ifstream>(path, std::ios::binary);
  if (!in->good()) cannot_open(path, errno);
  const auto size = fs::file_size(path, error);
  if (error) cannot_open(path, error.value());
  ByteSource source(path.string(), size, [in, path](void* to, std::size_t bytes) {
    errno = 0;
    in->read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
    if (in->bad()) throw std::runtime_error(fmt::format("{}: cannot be read: {}", path.string(), message_of(errno)));
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
  if (hash_) hash_->add(to, bytes);
}

void ByteSource::skip(std::uint64_t bytes) {
  require(bytes <= left_, "{}: is cut short: {} bytes where {} should follow", name_, left_, bytes);
  if (seek_ && !hash_) {
    seek_(bytes);
    left_ -= bytes;
    return;
  }
  Bytes dropped(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, 1 << 20)));
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
  Temporary temporary(path);
  writer(temporary.path());
  temporary.rename_to(path);
}

void write_atomically(const fs::path& path, const std::function<void(std::ostream&)>& writer) {
  replace_atomically(path, [&](const fs::path& temporary) {
    errno = 0;
    std::ofstream out(temporary, std::ios::binary);
    if (!out) cannot_write(path, message_of(errno));
    out.exceptions(std::ios::badbit | std::ios::failbit);  // a full disk ends the writer at once, however much is still to come
    try {
      writer(out);
      out.close();
    } catch (const std::ios_base::failure&) {
      cannot_write(path, message_of(errno));
    }
  });
}

void write_many(std::size_t count, const std::function<void(std::size_t)>& write) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr thrown;
  std::mutex mutex;
  const auto work = [&] {
    try {
      for (std::size_t i; (i = next++) < count;) write(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      thrown = std::current_exception();
      next = count;
    }
  };
  std::vector<std::thread> others;
  try {
    // They wait for the disk, hardly ever for a core: 0.7 ms a file in place of 7 on a virtual disk.
    for (std::size_t t = 1; t < std::min<std::size_t>(count, 8); ++t) others.emplace_back(work);
  } catch (const std::system_error&) {  // no more threads to be had: with those there are
  }
  work();
  for (std::thread& t : others) t.join();
  if (thrown) std::rethrow_exception(thrown);
}

void create_folders(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> missing;
  for (fs::path p = path; !p.empty() && !fs::exists(p, error) && !error; p = p.parent_path()) missing.push_back(p);
  fs::create_directories(path, error);
  if (error) throw std::runtime_error(fmt::format("cannot make the folder {}: {}", path.string(), error.message()));
  for (const fs::path& p : missing) sync_folder(p.parent_path());
}

void remove_file(const fs::path& path) {
  std::error_code error;
  if (fs::remove(path, error)) sync_folder(path.parent_path());
  if (error) throw std::runtime_error(fmt::format("cannot remove {}: {}", path.string(), error.message()));
}

void move_file(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) cannot_write(to, message_of(errno));
  int error = sync_folder(to.parent_path());
  if (error == 0 && from.parent_path() != to.parent_path()) error = sync_folder(from.parent_path());
  if (error != 0) cannot_write(to, message_of(error));
}

std::optional<std::string> temporary_of(std::string_view name) {
  // libzip writes beside the name it was given, with six more characters.
  if (const std::size_t length = ending.size() + 7;
      name.size() > length && name.substr(name.size() - length, ending.size()) == ending && name[name.size() - 7] == '.')
    name.remove_suffix(7);
  if (!name.starts_with('.') || !name.ends_with(ending)) return {};
  name.remove_prefix(1);
  name.remove_suffix(ending.size());
  const std::size_t dash = name.rfind('-'), dot = name.rfind('.', dash);
  if (dash == name.npos || dot == name.npos || dot == 0) return {};
  if (!all_digits(name.substr(dash + 1)) || !all_digits(name.substr(dot + 1, dash - dot - 1))) return {};
  return std::string(name.substr(0, dot));
}

void abandon_writes() {
  under_way().mutex.lock();
  for (const fs::path& path : under_way().files) {
    std::error_code ignored;
    fs::remove(path, ignored);
    const std::string name = path.filename().string();
    for (fs::directory_iterator entry(path.parent_path().empty() ? "." : path.parent_path(), ignored), end; !ignored && entry != end;
         entry.increment(ignored))
      if (entry->path().filename().string().starts_with(name)) fs::remove(entry->path(), ignored);  // libzip's own beside it
  }
}

}  // namespace tangentplane::data
