// Whole files: read at once, or written so that a reader never sees half of one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/hash.h"

namespace tangentplane::data {

/// Raw bytes.
using Bytes = std::vector<std::uint8_t>;

/// All bytes of a file. Throws, with one line that names the file, std::invalid_argument if there is none of that name or it may not be
/// read, std::runtime_error if the system fails to read it (a disk's error, too many open files).
Bytes read_bytes(const std::filesystem::path& path);

/// Lets `writer` fill a stream, beside `path` under a temporary name, and renames the result to `path`. File, rename and folder are on the
/// disk when it returns, so that not even a power cut leaves half a file there. If anything fails (the writer throws, the disk is full, the
/// folder does not exist) the temporary file is removed, an older file under `path` stays as it was, and the failure is thrown: the
/// writer's own exception, or std::runtime_error with one line that names the path.
void write_atomically(const std::filesystem::path& path, const std::function<void(std::ostream&)>& writer);

/// The same for a writer that wants a file's name instead of a stream, such as libzip.
void replace_atomically(const std::filesystem::path& path, const std::function<void(const std::filesystem::path& temporary)>& writer);

/// The same for many small files, write(i) for i in [0, count): from several threads, for the disk takes in many at once as fast as one.
void write_many(std::size_t count, const std::function<void(std::size_t)>& write);

/// Makes a folder, and those it lies in, for good. Throws std::runtime_error with one line that names it.
void create_folders(const std::filesystem::path& path);
/// Removes a file if it is there, for good. Throws std::runtime_error with one line that names it.
void remove_file(const std::filesystem::path& path);
/// Gives a file another name, or place on the same file system, for good. Throws std::runtime_error with one line that names it.
void move_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Of which file a temporary one has this name, if it is one: what a process that was killed has left beside it.
std::optional<std::string> temporary_of(std::string_view name);

/// For a process that is about to end at once: removes the temporary files of all writes under way, which then never end, and lets no other
/// begin. Does not give the way free again.
void abandon_writes();

/// A run of bytes of known length that is read once, front to back: a file, an archive's entry. `pull` copies up to the
/// given number of bytes and returns how many there were; it throws on a failure of its own.
class ByteSource {
 public:
  /// Copies up to so many bytes and returns how many there were.
  using Pull = std::function<std::size_t(void* to, std::size_t bytes)>;

  /// `size` bytes, which `pull` gives; `name` is for messages.
  ByteSource(std::string name, std::uint64_t size, Pull pull) : name_(std::move(name)), left_(size), pull_(std::move(pull)) {}
  /// A file from its first byte. Throws as read_bytes does.
  static ByteSource file(const std::filesystem::path& path);

  /// As in error messages.
  const std::string& name() const { return name_; }
  /// Bytes not yet read.
  std::uint64_t left() const { return left_; }
  /// Exactly that many bytes. Throws std::invalid_argument if fewer are left.
  void read(void* to, std::size_t bytes);
  /// Reads and drops that many bytes; files seek, unless what is read is hashed.
  void skip(std::uint64_t bytes);
  /// From here on all bytes that are read or skipped are added to the hash, which must outlive the source.
  void hash_into(Hash64& hash) { hash_ = &hash; }

 private:
  std::string name_;
  std::uint64_t left_;
  Pull pull_;
  std::function<void(std::uint64_t)> seek_;  // forwards; empty where only reading moves on
  Hash64* hash_ = nullptr;
};

}  // namespace tangentplane::data
