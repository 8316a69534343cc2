#include "kernels/tiles/tiled_operator.h"

#include <array>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "autodiff/cpu/gemm.h"
#include "autodiff/cpu/parallel.h"

namespace tangentplane::kernels {
namespace {

using cpu::Op;

/// Pieces of a file, read one after another by a thread of its own into two buffers: one is read into while the other is used.
template <class S>
class ReadAhead {
 public:
  /// read(i, to) reads piece i, of at most `largest` numbers.
  ReadAhead(std::size_t pieces, Index largest, std::function<void(std::size_t i, S* to)> read)
      : buffers_{Tensor<S>({largest}), Tensor<S>({largest})}, thread_([this, pieces, read = std::move(read)] { run(pieces, read); }) {}
  ~ReadAhead() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// The next piece; the one before is given up. Throws what `read` threw.
  const S* next() {
    std::unique_lock lock(mutex_);
    given_up_ = taken_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return filled_ > taken_ || error_; });
    if (filled_ <= taken_) std::rethrow_exception(error_);
    return buffers_[taken_++ % 2].data();
  }

 private:
  void run(std::size_t pieces, const std::function<void(std::size_t, S*)>& read) {
    for (std::size_t i = 0; i < pieces; ++i) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return i < given_up_ + 2 || stopped_; });
        if (stopped_) return;
      }
      std::exception_ptr error;
      try {
        read(i, buffers_[i % 2].data());
      } catch (...) {
        error = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex_);
        error_ = error;
        filled_ += !error;
      }
      changed_.notify_all();
      if (error) return;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t filled_ = 0, taken_ = 0, given_up_ = 0;
  bool stopped_ = false;
  std::exception_ptr error_;
  std::array<Tensor<S>, 2> buffers_;
  std::thread thread_;  // last: it uses all of the above
};

/// Tiles (row, first) to (row, first + count - 1) of a part.
template <class S>
struct Run {
  const Tiles<S>* part;
  Index row, first, count;
  const S* at;  // in memory; null: to be read
};

/// Tiles read at once: enough for a disk to be fast and for every thread to have some, few enough that two such buffers are cheap.
template <class S>
Index tiles_a_run(Index n, Index tile) {
  constexpr double run_bytes = 64 << 20;
  const Index side = (n + tile - 1) / tile;
  return std::clamp<Index>(static_cast<Index>(run_bytes / (static_cast<double>(tile * tile) * sizeof(S))), 1, side);
}

/// Tiles of a task; each task leaves a part of the rows' products, so fewer tiles cost more additions.
Index tiles_a_task(Index tiles) { return tiles >= 16 ? 2 : 1; }

}  // namespace

template <class S>
TiledOperator<S>::TiledOperator(const Tiles<S>& tiles, Index batch, std::function<void()> poll)
    : TiledOperator(std::vector<const Tiles<S>*>{&tiles}, cpu::Ranks::alone(), batch, std::move(poll)) {}

template <class S>
TiledOperator<S>::TiledOperator(std::vector<const Tiles<S>*> parts, cpu::Ranks& ranks, Index batch, std::function<void()> poll)
    : parts_(std::move(parts)),
      deal_(parts_.at(0)->size(), parts_[0]->tile(), ranks.count()),
      ranks_(&ranks),
      batch_(batch),
      poll_(std::move(poll)) {
  require(batch >= 1, "tiled operator: {} vectors a pass; give 1 or more", batch);
  double tiles = 0;
  const Index r = ranks.count();
  std::vector<double> meets(static_cast<std::size_t>(r * r), 0.);
  for (const Tiles<S>* part : parts_) {
    require(part->size() == deal_.size() && part->tile() == deal_.tile() && part->deal().parts() == parts_[0]->deal().parts(),
            "tiled operator: parts of several deals");
    require(part->missing() == 0, "tiled operator: {} tiles are missing; write them first", part->missing());
    tiles += static_cast<double>(part->deal().tiles_of(part->part()));
    for (Index row = 0; row < deal_.side(); ++row) {
      const auto [first, end] = part->row(row);
      if (first == end) continue;
      meets[ranks.rank() * r + deal_.part_of(row)] = 1;
      for (Index q = deal_.part_of(first); q <= deal_.part_of(end - 1); ++q) meets[ranks.rank() * r + q] = 1;
    }
  }
  ranks.sum(std::span(&tiles, 1));
  require(tiles == static_cast<double>(deal_.tiles()), "tiled operator: {} tiles of {}; give all parts", tiles, deal_.tiles());
  ranks.sum(meets);
  meets_.assign(meets.begin(), meets.end());
}

template <class S>
double TiledOperator<S>::bytes(Index n, Index tile, Index vectors, int ranks) {
  const Index most = tiles_a_run<S>(n, tile), tasks = (most + tiles_a_task(most) - 1) / tiles_a_task(most);
  // With ranks: all columns of v, their products, and those of others for the columns here.
  const Index gathered = ranks > 1 ? 3 * n * vectors : 0;
  return static_cast<double>(2 * most * tile * tile + tasks * vectors * tile + gathered) * sizeof(S);
}

template <class S>
double TiledOperator<S>::sent_bytes(const Deal& deal, Index vectors) {
  double columns = 0;  // of others that a part meets
  for (Index p = 0; p < deal.parts(); ++p) {
    std::vector<unsigned char> meets(static_cast<std::size_t>(deal.parts()), 0);
    for (Index row = 0; row < deal.side(); ++row)
      if (const auto [first, end] = deal.row(p, row); first < end) {
        meets[deal.part_of(row)] = 1;
        for (Index q = deal.part_of(first); q <= deal.part_of(end - 1); ++q) meets[q] = 1;
      }
    for (Index q = 0; q < deal.parts(); ++q)
      if (q != p && meets[q]) columns += static_cast<double>(deal.columns(q).second - deal.columns(q).first);
  }
  return 2 * columns / static_cast<double>(deal.parts()) * static_cast<double>(vectors) * sizeof(S);
}

template <class S>
Columns TiledOperator<S>::columns() const {
  const auto [first, end] = deal_.columns(ranks_->rank());
  return {size(), first, end, ranks_};
}

template <class S>
typename TiledOperator<S>::Place TiledOperator<S>::place(Index c, Index vectors) const {
  const auto [first, end] = deal_.columns(deal_.part_of(c));
  return {vectors * first + c * deal_.tile() - first, end - first};
}

template <class S>
void TiledOperator<S>::apply(const Tensor<S>& v, Tensor<S>& out) const {
  const Index b = v.rows(), width = columns().width();
  require(v.shape() == (Shape{b, width}) && out.shape() == v.shape(), "tiled operator: vectors {} into {}, must be [b,{}]", v.shape(),
          out.shape(), width);
  if (b == 0) return;
  if (!several()) return multiply(v.data(), out.data(), b);

  const Index ranks = ranks_->count(), me = ranks_->rank();
  std::vector<cpu::Piece> own, others, parts;
  Index sources = 0;
  for (Index p = 0; p < ranks; ++p) {
    const auto [first, end] = deal_.columns(p);
    const bool needed = meets_[p * ranks + me], needs = meets_[me * ranks + p];
    own.push_back({0, needed ? b * width : 0});
    others.push_back({b * first, needs ? b * (end - first) : 0});
    parts.push_back({sources * b * width, needed ? b * width : 0});
    sources += needed;
  }
  Tensor<S> products({size() * b});
  {
    Tensor<S> gathered({size() * b});
    ranks_->exchange(v.data(), std::span<const cpu::Piece>(own), gathered.data(), std::span<const cpu::Piece>(others));
    multiply(gathered.data(), products.data(), b);
  }
  Tensor<S> terms({sources, b * width});
  ranks_->exchange(products.data(), std::span<const cpu::Piece>(others), terms.data(), std::span<const cpu::Piece>(parts));
  cpu::parallel_chunks(b * width, cpu::elementwise_chunk, [&](Index begin, Index end) {
    std::fill(out.data() + begin, out.data() + end, S(0));
    for (Index s = 0; s < sources; ++s)
      for (Index i = begin; i < end; ++i) out[i] += terms[s * b * width + i];
  });
}

// Tile (r, c) of K adds v_r K_rc to column c of the result and, off the diagonal, v_c K_rc^T to column r. The first belong to distinct
// columns within a row of tiles; the second meet in one, so each task sums its own and the sums are added in order: the same bits for any
// number of threads.
template <class S>
void TiledOperator<S>::multiply(const S* v, S* out, Index b) const {
  const Index tile = deal_.tile(), most = tiles_a_run<S>(size(), tile), group = tiles_a_task(most);
  std::vector<Run<S>> runs, to_read;
  for (const Tiles<S>* part : parts_)
    for (Index r = 0; r < deal_.side(); ++r) {
      const auto [first, end] = part->row(r);
      for (Index c = first; c < end; c += most) {
        runs.push_back({part, r, c, std::min(most, end - c), part->at(r, c)});
        if (!runs.back().at) to_read.push_back(runs.back());
      }
    }
  std::optional<ReadAhead<S>> tiles;
  if (!to_read.empty())
    tiles.emplace(to_read.size(), most * tile * tile, [&](std::size_t i, S* to) {
      const Run<S>& run = to_read[i];
      run.part->read(run.row, run.first, run.count, to);
    });
  Tensor<S> partial({(most + group - 1) / group, b, tile});
  cpu::parallel_chunks(b * size(), 4 * cpu::elementwise_chunk, [&](Index begin, Index end) { std::fill(out + begin, out + end, S(0)); });
  for (const Run<S>& run : runs) {
    if (poll_) poll_();
    const S* const block = run.at ? run.at : tiles->next();
    const Index r = run.row, h = deal_.extent(r), tasks = (run.count + group - 1) / group;
    const Place at_r = place(r, b);
    cpu::parallel_for(tasks, [&](Index task) {
      S* const sum = partial.data() + task * b * tile;
      const Index begin = task * group, end = std::min(run.count, begin + group);
      for (Index t = begin; t < end; ++t) {
        const Index c = run.first + t, w = deal_.extent(c);
        const Place at_c = place(c, b);
        const S* const k = block + t * tile * tile;
        cpu::gemm(Op::none, Op::transpose, b, h, w, S(1), v + at_c.offset, at_c.stride, k, w, S(t == begin ? 0 : 1), sum, tile);
        if (c != r) cpu::gemm(Op::none, Op::none, b, w, h, S(1), v + at_r.offset, at_r.stride, k, w, S(1), out + at_c.offset, at_c.stride);
      }
    });
    cpu::parallel_chunks(b, 8, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i)
        for (Index task = 0; task < tasks; ++task) {
          const S* const from = partial.data() + (task * b + i) * tile;
          S* const to = out + at_r.offset + i * at_r.stride;
          for (Index j = 0; j < h; ++j) to[j] += from[j];
        }
    });
  }
}

template class TiledOperator<float>;
template class TiledOperator<double>;

}  // namespace tangentplane::kernels
