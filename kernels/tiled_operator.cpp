#include "kernels/tiled_operator.h"

#include <array>
#include <condition_variable>
#include <exception>
#include <mutex>
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

/// Tiles (row, first) to (row, first + count - 1).
struct Run {
  Index row, first, count;
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
TiledOperator<S>::TiledOperator(const TileFile<S>& file, Index batch, std::function<void()> poll)
    : file_(file), batch_(batch), poll_(std::move(poll)) {
  require(batch >= 1, "tiled operator: {} vectors a pass; give 1 or more", batch);
  require(file.missing() == 0, "tiled operator: {} tiles are missing; write them first", file.missing());
}

template <class S>
double TiledOperator<S>::bytes(Index n, Index tile, Index vectors) {
  const Index most = tiles_a_run<S>(n, tile), tasks = (most + tiles_a_task(most) - 1) / tiles_a_task(most);
  return static_cast<double>(2 * most * tile * tile + tasks * vectors * tile) * sizeof(S);
}

// Tile (r, c) of K adds v_r K_rc to column c of the result and, off the diagonal, v_c K_rc^T to column r. The first belong to distinct
// columns within a row of tiles; the second meet in one, so each task sums its own and the sums are added in order: the same bits for any
// number of threads.
template <class S>
void TiledOperator<S>::apply(const Tensor<S>& v, Tensor<S>& out) const {
  const Index n = size(), b = v.rows(), tile = file_.tile(), side = file_.side(), most = tiles_a_run<S>(n, tile),
              group = tiles_a_task(most);
  require(v.shape() == (Shape{b, n}) && out.shape() == v.shape(), "tiled operator: vectors {} into {}, must be [b,{}]", v.shape(),
          out.shape(), n);
  if (b == 0) return;
  std::vector<Run> runs;
  for (Index r = 0; r < side; ++r)
    for (Index c = r; c < side; c += most) runs.push_back({r, c, std::min(most, side - c)});
  ReadAhead<S> tiles(runs.size(), most * tile * tile,
                     [&](std::size_t i, S* to) { file_.read(runs[i].row, runs[i].first, runs[i].count, to); });
  Tensor<S> partial({(most + group - 1) / group, b, tile});
  cpu::parallel_chunks(b, 16, [&](Index begin, Index end) { std::fill(out.data() + begin * n, out.data() + end * n, S(0)); });
  for (const Run& run : runs) {
    if (poll_) poll_();
    const S* const block = tiles.next();
    const Index r = run.row, h = file_.extent(r), tasks = (run.count + group - 1) / group;
    const S* const v_r = v.data() + r * tile;
    S* const out_r = out.data() + r * tile;
    cpu::parallel_for(tasks, [&](Index task) {
      S* const sum = partial.data() + task * b * tile;
      const Index begin = task * group, end = std::min(run.count, begin + group);
      for (Index t = begin; t < end; ++t) {
        const Index c = run.first + t, w = file_.extent(c);
        const S* const k = block + t * tile * tile;
        cpu::gemm(Op::none, Op::transpose, b, h, w, S(1), v.data() + c * tile, n, k, w, S(t == begin ? 0 : 1), sum, tile);
        if (c != r) cpu::gemm(Op::none, Op::none, b, w, h, S(1), v_r, n, k, w, S(1), out.data() + c * tile, n);
      }
    });
    cpu::parallel_chunks(b, 8, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i)
        for (Index task = 0; task < tasks; ++task) {
          const S* const from = partial.data() + (task * b + i) * tile;
          S* const to = out_r + i * n;
          for (Index j = 0; j < h; ++j) to[j] += from[j];
        }
    });
  }
}

template class TiledOperator<float>;
template class TiledOperator<double>;

}  // namespace tangentplane::kernels
