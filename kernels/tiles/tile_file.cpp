#include "kernels/tiles/tile_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "autodiff/cpu/memory.h"
#include "autodiff/cpu/parallel.h"
#include "data/files.h"
#include "data/hash.h"

namespace tangentplane::kernels {
namespace {

namespace fs = std::filesystem;

struct Header {
  std::array<char, 8> magic{'T', 'P', 'T', 'I', 'L', 'E', 'S', '\0'};
  std::uint32_t version = 2, scalar_bytes = 0;
  std::int64_t n = 0, tile = 0;
  std::uint64_t fingerprint = 0;
  std::int32_t part = 0, parts = 0;  // no parts: all tiles
  bool ours() const { return magic == Header().magic && version == Header().version; }
};
constexpr std::int64_t marks_offset = 64, page = 4096;
static_assert(sizeof(Header) <= marks_offset);

std::int64_t first_tile_offset(Index tiles) { return (marks_offset + 4 * tiles + page - 1) / page * page; }

[[noreturn]] void fail(const fs::path& path, const char* what, int error) {
  throw std::runtime_error(fmt::format("{}: cannot be {} ({})", path.string(), what, std::strerror(error)));
}

void write_all(const fs::path& path, int descriptor, const void* from, std::size_t bytes, std::int64_t offset) {
  for (const char* p = static_cast<const char*>(from); bytes > 0;) {
    const ssize_t done = ::pwrite(descriptor, p, bytes, offset);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail(path, "written", done == 0 ? ENOSPC : errno);
    p += done, offset += done, bytes -= static_cast<std::size_t>(done);
  }
}

void read_all(const fs::path& path, int descriptor, void* to, std::size_t bytes, std::int64_t offset) {
  for (char* p = static_cast<char*>(to); bytes > 0;) {
    const ssize_t done = ::pread(descriptor, p, bytes, offset);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail(path, "read", errno);
    if (done == 0) throw std::runtime_error(fmt::format("{}: has become shorter while it was read", path.string()));
    p += done, offset += done, bytes -= static_cast<std::size_t>(done);
  }
}

std::uint32_t checksum(const void* bytes, std::size_t size) {
  const auto hash = static_cast<std::uint32_t>(data::Hash64().add(bytes, size).value());
  return hash == 0 ? 1 : hash;
}

}  // namespace

template <class S>
TileFile<S>::TileFile(const fs::path& path, Index n, Index tile, std::uint64_t fingerprint, const std::function<void(double)>& progress)
    : TileFile(path, Deal(n, tile), 0, fingerprint, progress) {}

template <class S>
TileFile<S>::TileFile(const fs::path& path, const Deal& deal, Index part, std::uint64_t fingerprint,
                      const std::function<void(double)>& progress)
    : Tiles<S>(deal, part), path_(path) {
  if (!fs::exists(path)) make(fingerprint);
  require(fs::is_regular_file(path), "{}: is not a file; delete it", path_.string());  // of a pipe an open file tells nothing, for ever
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor_ < 0) fail(path_, "opened", errno);
  marks_ = std::make_unique<std::atomic<std::uint32_t>[]>(static_cast<std::size_t>(this->count()));
  try {
    open_existing(fingerprint);
    verify(progress);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

template <class S>
TileFile<S>::~TileFile() {
  ::close(descriptor_);
}

template <class S>
double TileFile<S>::disk_bytes(Index n, Index tile) {
  return disk_bytes(Deal(n, tile), 0);
}

template <class S>
double TileFile<S>::disk_bytes(const Deal& deal, Index part) {
  const Index tiles = deal.tiles_of(part);
  return static_cast<double>(first_tile_offset(tiles)) +
         static_cast<double>(tiles) * static_cast<double>(deal.tile() * deal.tile()) * sizeof(S);
}

// Under another name until it is whole: whoever is killed here leaves nothing that looks like a tile file.
template <class S>
void TileFile<S>::make(std::uint64_t fingerprint) const {
  data::replace_atomically(path_, [&](const fs::path& temporary) {
    const int descriptor = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) fail(path_, "made", errno);
    try {
      if (const int error = ::posix_fallocate(descriptor, 0, static_cast<off_t>(disk_bytes(this->deal(), this->part()))); error != 0)
        fail(path_, "made as large as it must be", error);
      Header header;
      header.scalar_bytes = sizeof(S), header.n = this->size(), header.tile = this->tile(), header.fingerprint = fingerprint;
      if (this->deal().parts() > 1)
        header.part = static_cast<std::int32_t>(this->part()), header.parts = static_cast<std::int32_t>(this->deal().parts());
      write_all(path_, descriptor, &header, sizeof header, 0);
    } catch (...) {
      ::close(descriptor);
      throw;
    }
    ::close(descriptor);
  });
}

template <class S>
Index TileFile<S>::tile_of(const fs::path& path) {
  Header header;
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return 0;
  std::ifstream file(path, std::ios::binary);
  return file.read(reinterpret_cast<char*>(&header), sizeof header) && header.ours() ? static_cast<Index>(header.tile) : 0;
}

template <class S>
void TileFile<S>::open_existing(std::uint64_t fingerprint) {
  const std::string name = path_.string();
  Header header;
  const auto length = static_cast<std::int64_t>(fs::file_size(path_));
  if (length >= marks_offset) read_all(path_, descriptor_, &header, sizeof header, 0);
  require(length >= marks_offset && header.ours(), "{}: is no file of a kernel's tiles; delete it", name);
  require(header.scalar_bytes == sizeof(S) && header.n == this->size() && header.fingerprint == fingerprint,
          "{}: holds tiles of another kernel; delete it", name);
  require(header.tile == this->tile(), "{}: holds tiles of {} images a side, {} are wanted; give the same --memory as before, or delete it",
          name, header.tile, this->tile());
  const Index parts = std::max(1, header.parts);
  require(parts == this->deal().parts() && header.part == this->part(),
          "{}: holds part {} of {} of the tiles, part {} of {} is wanted; delete it", name, header.part, parts, this->part(),
          this->deal().parts());
  require(length == static_cast<std::int64_t>(disk_bytes(this->deal(), this->part())), "{}: is {} bytes long instead of {:.0f}; delete it",
          name, length, disk_bytes(this->deal(), this->part()));
  std::vector<std::uint32_t> marks(static_cast<std::size_t>(this->count()));
  read_all(path_, descriptor_, marks.data(), marks.size() * sizeof marks[0], marks_offset);
  std::copy(marks.begin(), marks.end(), marks_.get());
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

template <class S>
void TileFile<S>::verify(const std::function<void(double)>& progress) {
  if (missing() == this->count()) return;
  std::mutex mutex;
  Index rows = 0;
  cpu::parallel_for(this->side(), [&](Index r) {
    const auto [first, end] = this->row(r);
    const cpu::Block block(first < end ? tile_bytes(r, first) : 1);
    for (Index c = first; c < end; ++c) {
      if (!has(r, c)) continue;
      const Index at = this->place(r, c);
      read_all(path_, descriptor_, block.data(), tile_bytes(r, c), offset(at));
      if (checksum(block.data(), tile_bytes(r, c)) != marks_[static_cast<std::size_t>(at)]) mark(at, 0);
    }
    const std::lock_guard lock(mutex);
    if (progress) progress(static_cast<double>(++rows) / static_cast<double>(this->side()));
  });
}

template <class S>
bool TileFile<S>::has(Index r, Index c) const {
  return marks_[static_cast<std::size_t>(this->place(r, c))] != 0;
}

template <class S>
Index TileFile<S>::missing() const {
  return std::count(marks_.get(), marks_.get() + this->count(), 0u);
}

template <class S>
std::int64_t TileFile<S>::offset(Index place) const {
  return first_tile_offset(this->count()) + place * this->tile() * this->tile() * static_cast<Index>(sizeof(S));
}

template <class S>
void TileFile<S>::mark(Index place, std::uint32_t value) {
  write_all(path_, descriptor_, &value, sizeof value, marks_offset + 4 * place);
  marks_[static_cast<std::size_t>(place)] = value;
}

template <class S>
void TileFile<S>::write(Index r, Index c, const S* block) {
  const Index at = this->place(r, c);
  const std::size_t bytes = tile_bytes(r, c);
  write_all(path_, descriptor_, block, bytes, offset(at));
  mark(at, checksum(block, bytes));
}

template <class S>
void TileFile<S>::read(Index r, Index c, Index count, S* to) const {
  if (count == 0) return;
  for (Index t = c; t < c + count; ++t) require(has(r, t), "tile file: tile ({}, {}) was never written", r, t);
  const auto bytes = static_cast<std::size_t>((count - 1) * this->tile() * this->tile()) * sizeof(S) + tile_bytes(r, c + count - 1);
  read_all(path_, descriptor_, to, bytes, offset(this->place(r, c)));
}

template <class S>
void TileFile<S>::read_rows(Index r, S* to) const {
  const Index h = this->extent(r), tile = this->tile(), n = this->size();
  const cpu::Block block(static_cast<std::size_t>(tile * tile) * sizeof(S));
  S* const from = static_cast<S*>(block.data());
  for (Index c = 0; c < this->side(); ++c) {
    const Index w = this->extent(c);
    read(std::min(r, c), std::max(r, c), 1, from);
    S* const out = to + c * tile;
    for (Index i = 0; i < h; ++i)
      if (c < r)  // from above the diagonal, mirrored
        for (Index j = 0; j < w; ++j) out[i * n + j] = from[j * h + i];
      else
        std::copy_n(from + i * w, w, out + i * n);
  }
}

template class TileFile<float>;
template class TileFile<double>;

}  // namespace tangentplane::kernels
