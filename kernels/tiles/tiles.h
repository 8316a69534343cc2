// Where tiles of K are kept: in a file (tile_file.h) or in memory; all of them, or those of one part of a deal.
#pragma once

#include <vector>

#include "autodiff/tensor.h"
#include "kernels/tiles/deal.h"

namespace tangentplane::kernels {

/// Those of one part of a deal, which may be all.
template <class S>
class Tiles {
 public:
  virtual ~Tiles() = default;
  Tiles(const Tiles&) = delete;  ///< others may refer to it
  Tiles& operator=(const Tiles&) = delete;

  const Deal& deal() const { return deal_; }               ///< of which these are a part
  Index part() const { return part_; }                     ///< which
  Index size() const { return deal_.size(); }              ///< N
  Index tile() const { return deal_.tile(); }              ///< rows and columns of a tile, of the last ones at most
  Index side() const { return deal_.side(); }              ///< tiles a side
  Index extent(Index r) const { return deal_.extent(r); }  ///< rows of block row r, or columns of block column r
  /// The tiles of row r that are of this part: c in [first, end).
  Deal::Range row(Index r) const { return deal_.row(part_, r); }

  /// Whether tile (r, c) is written. This, read and write throw std::invalid_argument for a tile that is below the diagonal, does not
  /// exist, or is another part's.
  virtual bool has(Index r, Index c) const = 0;
  /// Tiles not yet written.
  virtual Index missing() const = 0;
  /// block [extent(r), extent(c)], contiguous. From several threads at once, each another tile.
  virtual void write(Index r, Index c, const S* block) = 0;
  /// Tiles (r, c) to (r, c + count - 1), each at a distance of tile * tile numbers from the one before, contiguous in itself. Throws
  /// std::invalid_argument if one of them is not written.
  virtual void read(Index r, Index c, Index count, S* to) const = 0;
  /// The same where they lie in memory already; null where they do not.
  virtual const S* at(Index, Index) const { return nullptr; }

 protected:
  /// None of them written.
  Tiles(const Deal& deal, Index part);
  /// Number of a tile among those of this part, row by row.
  Index place(Index r, Index c) const;
  /// How many there are.
  Index count() const { return starts_.back(); }
  /// Numbers of tile (r, c).
  Index numbers(Index r, Index c) const { return extent(r) * extent(c); }

 private:
  Deal deal_;
  Index part_;
  std::vector<Index> starts_;  // of each row, and of all
};

/// Tiles in memory.
template <class S>
class TileMemory final : public Tiles<S> {
 public:
  /// Room for those of a part.
  TileMemory(const Deal& deal, Index part);
  bool has(Index r, Index c) const override { return written_[static_cast<std::size_t>(this->place(r, c))] != 0; }
  Index missing() const override;
  void write(Index r, Index c, const S* block) override;
  void read(Index r, Index c, Index count, S* to) const override;
  const S* at(Index r, Index c) const override { return numbers_.data() + this->place(r, c) * this->tile() * this->tile(); }

  /// What it takes.
  static double bytes(const Deal& deal, Index part) {
    return static_cast<double>(deal.tiles_of(part)) * static_cast<double>(deal.tile() * deal.tile()) * sizeof(S);
  }

 private:
  Tensor<S> numbers_;  // [tiles, tile * tile]
  std::vector<unsigned char> written_;
};

}  // namespace tangentplane::kernels
