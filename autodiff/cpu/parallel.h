// The one place that decides who gets threads: oneTBB owns them, BLAS runs single-threaded inside its tasks. How work is cut
// never depends on the number of threads, so the bits of a result do not either.
#pragma once

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>

#include <algorithm>
#include <functional>

#include "autodiff/shape.h"

namespace tangentplane::cpu {

/// Limits the threads from now on; 0 takes as many as there are CPUs for this process (usable_cpus). Throws std::invalid_argument for a
/// negative number, and where a limit on address space leaves too little for BLAS's buffers.
void set_threads(int threads);
int threads();

#if defined(__SANITIZE_THREAD__)
/// The same as parallel_for on threads that ThreadSanitizer understands: oneTBB, which it did not instrument, orders memory out of its
/// sight, and every task would seem to race with its caller. What is checked is that tasks do not race, not that oneTBB works.
void parallel_for_on_own_threads(Index n, const std::function<void(Index)>& f);
#endif

/// f(i) for i in [0, n), one task each, in no order. Give each task at least some 10 microseconds of work. All are done when it returns,
/// also inside a task of another loop that an exception has stopped meanwhile; throws what a task throws, and then some are not done.
template <class F>
void parallel_for(Index n, const F& f) {
  if (n <= 1) {
    if (n == 1) f(Index(0));
    return;
  }
#if defined(__SANITIZE_THREAD__)
  parallel_for_on_own_threads(n, f);
#else
  // Of its own: a context bound to an outer loop's would be cancelled with that one, and the loop would return with its work half done.
  tbb::task_group_context context(tbb::task_group_context::isolated);
  tbb::parallel_for(
      tbb::blocked_range<Index>(0, n, 1),
      [&](const tbb::blocked_range<Index>& r) {
        for (Index i = r.begin(); i < r.end(); ++i) f(i);
      },
      tbb::simple_partitioner(), context);
#endif
}

/// f(begin, end) over pieces of at most `chunk` of [0, n); the pieces depend on n and chunk alone.
template <class F>
void parallel_chunks(Index n, Index chunk, const F& f) {
  chunk = std::max<Index>(chunk, 1);
  parallel_for((n + chunk - 1) / chunk, [&](Index i) { f(i * chunk, std::min(n, (i + 1) * chunk)); });
}

/// Number of elements that make a worthwhile task of a memory-bound loop.
constexpr Index elementwise_chunk = 1 << 14;

/// f(begin, end) over pieces of [0, rows), as many rows of `size` elements in each as make a worthwhile task.
template <class F>
void parallel_rows(Index rows, Index size, const F& f) {
  parallel_chunks(rows, elementwise_chunk / std::max<Index>(1, size), f);
}

}  // namespace tangentplane::cpu
