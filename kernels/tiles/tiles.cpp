#include "kernels/tiles/tiles.h"

#include <algorithm>

namespace tangentplane::kernels {

template <class S>
Tiles<S>::Tiles(const Deal& deal, Index part) : deal_(deal), part_(part), starts_{0} {
  require(0 <= part && part < deal.parts(), "tiles: part {} of {}; parts count from 0", part, deal.parts());
  for (Index r = 0; r < side(); ++r) starts_.push_back(starts_.back() + row(r).second - row(r).first);
}

template <class S>
Index Tiles<S>::place(Index r, Index c) const {
  require(0 <= r && r <= c && c < side(), "tile file: tile ({}, {}) of {} a side; give one on or above the diagonal", r, c, side());
  const auto [first, end] = row(r);
  require(first <= c && c < end, "tile file: tile ({}, {}) is not one of part {} of {}", r, c, part_, deal_.parts());
  return starts_[static_cast<std::size_t>(r)] + c - first;
}

template <class S>
TileMemory<S>::TileMemory(const Deal& deal, Index part)
    : Tiles<S>(deal, part), numbers_({this->count(), deal.tile() * deal.tile()}), written_(static_cast<std::size_t>(this->count())) {}

template <class S>
Index TileMemory<S>::missing() const {
  return std::count(written_.begin(), written_.end(), 0);
}

template <class S>
void TileMemory<S>::write(Index r, Index c, const S* block) {
  const Index at = this->place(r, c);
  std::copy_n(block, this->numbers(r, c), numbers_.data() + at * this->tile() * this->tile());
  written_[static_cast<std::size_t>(at)] = 1;
}

template <class S>
void TileMemory<S>::read(Index r, Index c, Index count, S* to) const {
  for (Index t = c; t < c + count; ++t) {
    require(has(r, t), "tile file: tile ({}, {}) was never written", r, t);
    std::copy_n(at(r, t), this->numbers(r, t), to + (t - c) * this->tile() * this->tile());
  }
}

template class Tiles<float>;
template class Tiles<double>;
template class TileMemory<float>;
template class TileMemory<double>;

}  // namespace tangentplane::kernels
