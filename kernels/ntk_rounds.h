// How tiles of the kernel are made from features that are held: for ntk.cpp, part_ntk.cpp and their plans alone.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "kernels/ntk.h"

namespace tangentplane::ntk_detail {

/// Tells of the part that is done, by weights such as flops.
class Progress {
 public:
  Progress(const NtkOptions& options, double total) : report_(options.progress), total_(total) {}
  void add(double amount) {
    if (!report_) return;
    const std::lock_guard lock(mutex_);
    done_ += amount;
    report_(std::min(1.0, done_ / total_));
  }

 private:
  const std::function<void(double)>& report_;
  double total_, done_ = 0;
  std::mutex mutex_;
};

/// The features of images [first, ...).
template <class S>
struct Held {
  Index first;
  Features<S> features;
};

/// Cuts [begin, end) into pieces of at most `size` that do not cross `boundary`.
inline std::vector<std::pair<Index, Index>> pieces(Index begin, Index end, Index size, Index boundary) {
  std::vector<std::pair<Index, Index>> list;
  for (Index i = begin; i < end;) {
    const Index stop = i < boundary ? std::min(end, boundary) : end, next = std::min(stop, i + size);
    list.emplace_back(i, next);
    i = next;
  }
  return list;
}

struct Tile {
  Index i0, i1, j0, j1;
  /// Of images, each once.
  double pairs() const { return static_cast<double>(i0 == j0 ? (i1 - i0) * (i1 - i0 + 1) / 2 : (i1 - i0) * (j1 - j0)); }
  /// Rows that are multiplied out for it included.
  double flops(const FeaturePlan& plan) const {
    return pairs() * plan.pair_flops + static_cast<double>(i1 - i0 + (i0 == j0 ? 0 : j1 - j0)) * plan.block_flops;
  }
};

/// Hands the tiles over, from several threads at once. `a` holds their rows' images, `b` their columns'.
template <class S>
void contract(const NtkPlan& plan, const std::vector<Tile>& tiles, const Held<S>& a, const Held<S>& b, const TileConsumer<S>& consume,
              Progress& progress) {
  const Index side = plan.side();
  cpu::parallel_for(static_cast<Index>(tiles.size()), [&](Index t) {
    const Tile& at = tiles[static_cast<std::size_t>(t)];
    const Index m = (at.i1 - at.i0) * side, w = (at.j1 - at.j0) * side;
    Tensor<S> block({m, w});
    Features<S>::block(a.features, at.i0 - a.first, at.i1 - a.first, b.features, at.j0 - b.first, at.j1 - b.first, block.data(), w);
    if (at.i0 == at.j0)
      for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < i; ++j) block[i * w + j] = block[j * w + i];
    consume(at.i0 * side, at.i1 * side, at.j0 * side, at.j1 * side, block.data());
    progress.add(at.flops(plan.features));
  });
}

}  // namespace tangentplane::ntk_detail
