// A symmetric matrix K [N, N] that is larger than memory, in one file: the square tiles on and above its diagonal, each stored once, block
// row after block row, so that the tiles of a row to the right of the diagonal are one sequential read.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "kernels/tiles/tiles.h"

namespace tangentplane::kernels {

/// Tile (r, c), c >= r, holds rows [r tile, ...) and columns [c tile, ...) of K, row-major, as many of each as K has there. Each tile
/// is marked with its checksum once it is written, so that a file of a run that was killed, or of a machine that lost its power, tells what
/// it lacks. Distinct tiles may be read and written from several threads at once. Failures of the disk are std::runtime_error with one line
/// that names the file.
template <class S>
class TileFile final : public Tiles<S> {
 public:
  /// Opens the file, and takes in the tiles whose checksum is right (all are read; `progress` is told the fraction done, from one thread at
  /// a time, and may throw to stop); where there is none, makes one of disk_bytes(n, tile) bytes at once, so that the disk cannot fill up
  /// later. `fingerprint` says what K is the kernel of. Throws std::invalid_argument unless n and tile are positive, and where the file
  /// is no tile file, is cut short, or is of another n, tile, precision or fingerprint.
  TileFile(const std::filesystem::path& path, Index n, Index tile, std::uint64_t fingerprint,
           const std::function<void(double)>& progress = {});
  /// The same of one part of a deal: another part's file is refused.
  TileFile(const std::filesystem::path& path, const Deal& deal, Index part, std::uint64_t fingerprint,
           const std::function<void(double)>& progress = {});
  ~TileFile() override;

  /// The tile of the file at `path`; 0 where there is none, or no tile file.
  static Index tile_of(const std::filesystem::path& path);
  /// Length of the file.
  static double disk_bytes(Index n, Index tile);
  /// Of that of a part.
  static double disk_bytes(const Deal& deal, Index part);

  bool has(Index r, Index c) const override;
  Index missing() const override;
  void write(Index r, Index c, const S* block) override;
  void read(Index r, Index c, Index count, S* to) const override;
  /// The rows of K that block row r holds, whole: [extent(r), n]; of a file that has all parts. Throws as read does.
  void read_rows(Index r, S* to) const;

 private:
  std::size_t tile_bytes(Index r, Index c) const { return static_cast<std::size_t>(this->numbers(r, c)) * sizeof(S); }
  std::int64_t offset(Index place) const;
  void mark(Index place, std::uint32_t value);
  void make(std::uint64_t fingerprint) const;
  void open_existing(std::uint64_t fingerprint);
  void verify(const std::function<void(double)>& progress);

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::unique_ptr<std::atomic<std::uint32_t>[]> marks_;  // checksum of each tile, never 0; 0: not there
};

}  // namespace tangentplane::kernels
