// Several processes at one task, each with a part of it: who this one is, how many there are, and the few ways in which numbers pass
// between them. A build with MPI (TANGENTPLANE_MPI) has the ranks that mpirun started; any other has this process alone, which is the case
// of one rank, not another algorithm. What lies below is in ranks/: mpi.cpp alone knows MPI, alone.cpp is one rank.
//
// All of it is collective: every rank makes the same calls in the same order, from one thread, with numbers of its own.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/shape.h"

namespace tangentplane::cpu {

/// What has passed between this rank and the others. A broadcast is counted as if each rank passed on its share.
struct Traffic {
  double sent = 0, received = 0;  ///< bytes
  double seconds = 0;             ///< waiting for them
};

/// A run of numbers in a buffer: of those to be sent to a rank, or of those that come from it.
struct Piece {
  Index first = 0;  ///< its place
  Index count = 0;  ///< how many
};

/// The ranks of a run, as this one sees them.
class Ranks {
 public:
  /// All ranks of this run once start_ranks() was called in a process that mpirun started; else this process alone.
  static Ranks& world();
  /// This process alone.
  static Ranks& alone();

  int rank() const { return rank_; }                   ///< from 0
  int count() const { return count_; }                 ///< of all ranks
  int on_node() const { return on_node_; }             ///< of them, how many share this rank's machine
  bool first() const { return rank_ == 0; }            ///< which prints and writes what is shared
  bool several() const { return count_ > 1; }          ///< more than one
  const Traffic& traffic() const { return traffic_; }  ///< so far

  /// Returns once every rank has called it.
  void barrier();
  /// Numbers of rank `from` to all.
  template <class T>
  void broadcast(std::span<T> numbers, int from = 0) {
    broadcast_bytes(numbers.data(), numbers.size_bytes(), from);
  }
  /// One number of rank `from`.
  template <class T>
  T agreed(T number, int from = 0) {
    broadcast(std::span<T>(&number, 1), from);
    return number;
  }
  /// A text of rank `from`.
  std::string agreed(const std::string& text, int from = 0);
  /// What f() is on rank 0, which alone calls it.
  template <class F>
  auto by_first(const F& f) {
    decltype(f()) result{};
    if (first()) result = f();
    return agreed(result);
  }

  /// Rank p's `own` numbers to every rank, one after another by ranks in `all`. counts[p] is how many rank p has.
  template <class T>
  void all_gather(const T* own, std::span<const Index> counts, T* all) {
    all_gather_bytes(own, counts, all, sizeof(T));
  }
  /// from[out[p]] goes to rank p, and what rank p has for this one comes to to[in[p]]; its own too. Pieces may be empty; those of `out` may
  /// overlap. Each `in` must be as long as the other's `out`.
  template <class T>
  void exchange(const T* from, std::span<const Piece> out, T* to, std::span<const Piece> in) {
    exchange_bytes(from, out, to, in, sizeof(T));
  }
  /// Each number becomes its sum over all ranks, added in their order: the same bits on every rank and in every run.
  void sum(std::span<double> numbers);
  /// The largest over all ranks.
  double largest(double number);

 private:
  friend void start_ranks();
  void broadcast_bytes(void* numbers, std::size_t bytes, int from);
  void all_gather_bytes(const void* own, std::span<const Index> counts, void* all, std::size_t unit);
  void exchange_bytes(const void* from, std::span<const Piece> out, void* to, std::span<const Piece> in, std::size_t unit);

  int rank_ = 0, count_ = 1, on_node_ = 1;
  Traffic traffic_;
};

/// Joins the other ranks, if mpirun started this process and the build has MPI. Once a process, before anything else is done with ranks.
void start_ranks();
/// Whether mpirun or srun started this process beside others and nothing joins them, for the build has no MPI: each is a run of its own.
bool started_apart();
/// Leaves them in order; all ranks must call it. Does nothing where there is one.
void end_ranks();
/// Ends all ranks because of a failure of this one: rank 0 says `line` (say(line)), unless another failure came first, and every process
/// ends with `status`. Where rank 0 does not answer within seconds this one says it itself. Does not return. With one rank: says it and
/// exits.
[[noreturn]] void end_all_ranks(int status, const std::string& line, const std::function<void(const std::string&)>& say);
/// Who says the line where rank 0 hears of a failure on another, and what must be done before its process ends. Set by the program.
void on_failure_elsewhere(std::function<void(const std::string& line)> say);

/// Block b of n things that are dealt to `parts` in order, as evenly as can be: [first, end).
inline std::pair<Index, Index> dealt(Index n, Index parts, Index b) { return {n * b / parts, n * (b + 1) / parts}; }

}  // namespace tangentplane::cpu
