// Whole files: read at once, or written so that a reader never sees half of one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace tangentplane::data {

using Bytes = std::vector<std::uint8_t>;

/// All bytes of a file. Throws std::invalid_argument with one line that names the file if it cannot be read.
Bytes read_bytes(const std::filesystem::path& path);

/// Lets `writer` fill a stream, beside `path` under a temporary name, and renames the result to `path`. If anything fails (the writer
/// throws, the disk is full, the folder does not exist) the temporary file is removed, an older file under `path` stays as it
/// was, and the failure is thrown: the writer's own exception, or std::runtime_error with one line that names the path.
void write_atomically(const std::filesystem::path& path, const std::function<void(std::ostream&)>& writer);

/// The same for a writer that wants a file's name instead of a stream, such as libzip.
void replace_atomically(const std::filesystem::path& path, const std::function<void(const std::filesystem::path& temporary)>& writer);

/// A run of bytes of known length that is read once, front to back: a file, an archive's entry. `pull` copies up to the
/// given number of bytes and returns how many there were; it throws on a failure of its own.
class ByteSource {
 public:
  using Pull = std::function<std::size_t(void* to, std::size_t bytes)>;

  ByteSource(std::string name, std::uint64_t size, Pull pull) : name_(std::move(name)), left_(size), pull_(std::move(pull)) {}
  /// A file from its first byte. Throws std::invalid_argument if it cannot be opened.
  static ByteSource file(const std::filesystem::path& path);

  /// As in error messages.
  const std::string& name() const { return name_; }
  /// Bytes not yet read.
  std::uint64_t left() const { return left_; }
  /// Exactly that many bytes. Throws std::invalid_argument if fewer are left.
  void read(void* to, std::size_t bytes);
  /// Reads and drops that many bytes; files seek.
  void skip(std::uint64_t bytes);

 private:
  std::string name_;
  std::uint64_t left_;
  Pull pull_;
  std::function<void(std::uint64_t)> seek_;  // forwards; empty where only reading moves on
};

}  // namespace tangentplane::data
