#include "kernels/tiles/deal.h"

#include <algorithm>

namespace tangentplane::kernels {

Deal::Deal(Index n, Index tile, Index parts) : n_(n), tile_(tile), parts_(parts) {
  require(n > 0 && tile > 0, "tiles: {} rows in tiles of {}; give positive numbers", n, tile);
  require(parts > 0, "tiles: dealt to {} parts; give 1 or more", parts);
}

Index Deal::owner(Index r, Index c) const {
  const Index p = part_of(r), q = part_of(c), apart = 2 * (q - p);
  return apart < parts_ || (apart == parts_ && c < middle(q)) ? p : q;
}

Deal::Range Deal::row(Index p, Index r) const {
  const Index of = part_of(r), half = parts_ / 2;
  if (p == of) {
    const Index last = std::min(parts_ - 1, p + half);
    return {r, 2 * (last - p) == parts_ ? std::max(r, middle(last)) : blocks(last).second};
  }
  const Index apart = 2 * (p - of);
  if (apart < parts_) return {r, r};
  return {apart == parts_ ? middle(p) : blocks(p).first, blocks(p).second};
}

Index Deal::tiles_of(Index p) const {
  Index count = 0;
  for (Index r = 0; r < side(); ++r) count += row(p, r).second - row(p, r).first;
  return count;
}

double Deal::numbers_of(Index p) const {
  double count = 0;
  for (Index r = 0; r < side(); ++r) {
    const auto [first, end] = row(p, r);
    if (first < end) count += static_cast<double>(extent(r)) * static_cast<double>(std::min(n_, end * tile_) - first * tile_);
  }
  return count;
}

}  // namespace tangentplane::kernels
