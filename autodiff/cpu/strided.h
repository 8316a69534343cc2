// Walks over arrays whose axes lie in memory in different orders and distances: what permutations, slices, broadcasts and sums over axes
// are made of. Neighbouring axes that are one axis in memory are joined first, so that the inner loops are as long as they can be.
#pragma once

#include <array>
#include <vector>

#include "autodiff/cpu/elementwise.h"
#include "autodiff/cpu/parallel.h"
#include "autodiff/cpu/reduce.h"

namespace tangentplane::cpu {

/// One axis of a walk: its extent, and how many numbers apart neighbours along it lie in the result z and in the operands x and y.
struct StridedAxis {
  Index extent;  ///< how many places
  Index z;       ///< in the result
  Index x;       ///< in the operand
  Index y = 0;   ///< in the second operand
};

/// How many numbers apart the neighbours along each axis of a row-major array are.
inline std::array<Index, Shape::max_rank> row_major_strides(const Shape& shape) {
  std::array<Index, Shape::max_rank> strides{};
  Index n = 1;
  for (int i = shape.rank(); i-- > 0; n *= shape[i]) strides[static_cast<std::size_t>(i)] = n;
  return strides;
}

/// The same walk by as few axes as can be, at least one.
inline std::vector<StridedAxis> joined(const std::vector<StridedAxis>& axes) {
  std::vector<StridedAxis> all;
  for (const StridedAxis& axis : axes) {
    if (axis.extent == 1) continue;
    if (!all.empty()) {
      StridedAxis& before = all.back();
      const auto follows = [&](Index outer, Index inner) { return outer == inner * axis.extent; };
      if (follows(before.z, axis.z) && follows(before.x, axis.x) && follows(before.y, axis.y)) {
        before = {before.extent * axis.extent, axis.z, axis.x, axis.y};
        continue;
      }
    }
    all.push_back(axis);
  }
  if (all.empty()) all.push_back({1, 1, 1, 1});
  return all;
}

namespace strided_detail {

inline Index count(const std::vector<StridedAxis>& axes) {
  Index n = 1;
  for (const StridedAxis& axis : axes) n *= axis.extent;
  return n;
}

/// f(offset in z, in x, in y) for places [begin, end) of the axes, counted in row-major order.
template <class F>
void for_places(const std::vector<StridedAxis>& axes, Index begin, Index end, const F& f) {
  std::array<Index, Shape::max_rank + 2> place{};
  Index z = 0, x = 0, y = 0;
  for (std::size_t i = axes.size(), rest = static_cast<std::size_t>(begin); i-- > 0;) {
    const auto extent = static_cast<std::size_t>(axes[i].extent);
    const Index k = static_cast<Index>(rest % extent);
    rest /= extent;
    place[i] = k, z += k * axes[i].z, x += k * axes[i].x, y += k * axes[i].y;
  }
  for (Index n = begin; n < end; ++n) {
    f(z, x, y);
    for (std::size_t i = axes.size(); i-- > 0;) {
      const StridedAxis& axis = axes[i];
      z += axis.z, x += axis.x, y += axis.y;
      if (++place[i] < axis.extent) break;
      place[i] = 0, z -= axis.extent * axis.z, x -= axis.extent * axis.x, y -= axis.extent * axis.y;
    }
  }
}

/// f(z, x, y, n): runs of n places along the innermost axis, as tasks.
template <class F>
void parallel_runs(const std::vector<StridedAxis>& axes, const F& f) {
  const StridedAxis inner = axes.back();
  const std::vector<StridedAxis> outer(axes.begin(), axes.end() - 1);
  const Index runs = count(outer), pieces = std::max<Index>(1, inner.extent / (2 * elementwise_chunk));
  if (pieces == 1)
    return parallel_rows(runs, inner.extent, [&](Index begin, Index end) {
      for_places(outer, begin, end, [&](Index z, Index x, Index y) { f(z, x, y, inner.extent); });
    });
  parallel_for(runs * pieces, [&](Index task) {
    const Index first = inner.extent * (task % pieces) / pieces, last = inner.extent * (task % pieces + 1) / pieces;
    for_places(outer, task / pieces, task / pieces + 1,
               [&](Index z, Index x, Index y) { f(z + first * inner.z, x + first * inner.x, y + first * inner.y, last - first); });
  });
}

constexpr Index strip = 16;  // rows of z that are written together

/// z [J, I] = x [I, J] transposed for J <= strip; rows of either lie apart. Eight rows of x at a time, by way of a copy: they often lie a
/// power of two apart, and a cache keeps no more than eight such lines.
template <class S>
void transpose_strip(Index rows, Index columns, const S* x, Index x_apart, S* z, Index z_apart) {
  constexpr Index block = 8;
  S part[block][strip];
  for (Index i0 = 0; i0 < columns; i0 += block) {
    const Index height = std::min(block, columns - i0);
    for (Index i = 0; i < height; ++i) std::copy_n(x + (i0 + i) * x_apart, rows, part[i]);
    for (Index j = 0; j < rows; ++j) {
      S* to = z + j * z_apart + i0;
      if (height == block)
        for (Index i = 0; i < block; ++i) to[i] = part[i][j];
      else
        for (Index i = 0; i < height; ++i) to[i] = part[i][j];
    }
  }
}

}  // namespace strided_detail

/// z = x, place by place; no two places of z are one.
template <class S>
void strided_copy(std::vector<StridedAxis> axes, const S* x, S* z) {
  axes = joined(axes);
  const StridedAxis inner = axes.back();
  if (strided_detail::count(axes) == 0) return;
  if (inner.z == 1 && inner.x > 1)
    for (std::size_t k = 0; k + 1 < axes.size(); ++k)
      if (axes[k].x == 1) {  // rows of x are columns of z
        const StridedAxis across = axes[k];
        axes.pop_back();
        axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(k));
        constexpr Index strip = strided_detail::strip;
        const Index strips = (across.extent + strip - 1) / strip;
        return parallel_rows(strided_detail::count(axes) * strips, strip * inner.extent, [&](Index begin, Index end) {
          for (Index task = begin; task < end; ++task)
            strided_detail::for_places(axes, task / strips, task / strips + 1, [&](Index to, Index from, Index) {
              const Index j = task % strips * strip;
              strided_detail::transpose_strip(std::min(strip, across.extent - j), inner.extent, x + from + j, inner.x,
                                              z + to + j * across.z, across.z);
            });
        });
      }
  strided_detail::parallel_runs(axes, [&](Index to, Index from, Index, Index n) {
    if (inner.z == 1 && inner.x == 1)
      std::copy_n(x + from, n, z + to);
    else if (inner.z == 1 && inner.x == 0)
      std::fill_n(z + to, n, x[from]);
    else
      for (Index i = 0; i < n; ++i) z[to + i * inner.z] = x[from + i * inner.x];
  });
}

/// z = f(x, y), place by place. z may be x or y where it lies as that does.
template <class S, class F>
void strided_transform(std::vector<StridedAxis> axes, const S* x, const S* y, S* z, const F& f) {
  axes = joined(axes);
  const StridedAxis inner = axes.back();
  if (strided_detail::count(axes) == 0) return;
  if (axes.size() == 2 && inner.z == 1 && inner.x == 1 && inner.y == 1 && axes[0].z == inner.extent && axes[0].x == inner.extent &&
      axes[0].y == 0)
    return transform_channels(axes[0].extent, inner.extent, x, y, z, f);
  strided_detail::parallel_runs(axes, [&](Index to, Index from_x, Index from_y, Index n) {
    const S *p = x + from_x, *q = y + from_y;
    S* r = z + to;
    if (inner.z == 1 && inner.x == 1 && inner.y == 1) {
#pragma GCC ivdep
      for (Index i = 0; i < n; ++i) r[i] = f(p[i], q[i]);
    } else if (inner.z == 1 && inner.x == 1 && inner.y == 0) {
      const S v = *q;
#pragma GCC ivdep
      for (Index i = 0; i < n; ++i) r[i] = f(p[i], v);
    } else if (inner.z == 1 && inner.x == 0 && inner.y == 1) {
      const S u = *p;
#pragma GCC ivdep
      for (Index i = 0; i < n; ++i) r[i] = f(u, q[i]);
    } else {
      for (Index i = 0; i < n; ++i) r[i * inner.z] = f(p[i * inner.x], q[i * inner.y]);
    }
  });
}

/// One axis of an array that is summed over some of its axes.
struct SummedAxis {
  Index extent;  ///< how many places
  bool kept;     ///< an axis of the result too
};

/// Sum of a row on the calling thread, in double throughout.
template <class F>
double row_sum(Index n, const F& term) {
  constexpr Index lanes = 16;
  std::array<double, lanes> sums{};
  Index i = 0;
  for (; i + lanes <= n; i += lanes)
#pragma GCC ivdep
    for (Index k = 0; k < lanes; ++k) sums[static_cast<std::size_t>(k)] += static_cast<double>(term(i + k));
  double total = 0;
  for (; i < n; ++i) total += static_cast<double>(term(i));
  for (Index width = lanes / 2; width > 0; width /= 2)
    for (Index k = 0; k < width; ++k) sums[static_cast<std::size_t>(k)] += sums[static_cast<std::size_t>(k + width)];
  return sums[0] + total;
}

/// out = factor times the sums of term(i) over the axes that are not kept, i the place in a row-major array with these axes.
template <class S, class F>
void strided_sum(const std::vector<SummedAxis>& all, double factor, S* out, const F& term) {
  std::vector<SummedAxis> axes;
  Index results = 1, terms = 1;
  for (const SummedAxis& axis : all) {
    (axis.kept ? results : terms) *= axis.extent;
    if (axis.extent == 1) continue;
    if (!axes.empty() && axes.back().kept == axis.kept)
      axes.back().extent *= axis.extent;
    else
      axes.push_back(axis);
  }
  if (results == 0) return;
  if (terms == 0) {
    std::fill_n(out, results, S(0));
    return;
  }
  const auto scaled = [factor](double sum) { return static_cast<S>(factor * sum); };
  if (axes.empty()) axes.push_back({1, true});
  // Long sums of few results: in pieces, in parallel.
  if (axes.size() == 1 && !axes[0].kept) {
    double total;
    sum_channels(terms, 1, &total, term);
    *out = scaled(total);
    return;
  }
  if (axes.size() == 2 && !axes[0].kept && results <= elementwise_chunk) {
    std::vector<double> totals(static_cast<std::size_t>(results));
    sum_channels(terms, results, totals.data(), term);
    std::transform(totals.begin(), totals.end(), out, scaled);
    return;
  }
  // By results: a run of the last axis if it is kept, else one number.
  const bool runs = axes.back().kept;
  const Index width = runs ? axes.back().extent : 1, inner = runs ? 1 : axes.back().extent;
  std::vector<StridedAxis> kept, summed;
  Index apart = 1;
  for (std::size_t i = axes.size(); i-- > 0; apart *= axes[i].extent)
    if (i + 1 < axes.size()) (axes[i].kept ? kept : summed).insert((axes[i].kept ? kept : summed).begin(), {axes[i].extent, 0, apart});
  StridedAxis rows{1, 0, width};  // of neighbouring runs, summed
  if (runs && !summed.empty() && summed.back().x == width) rows = summed.back(), summed.pop_back();
  const Index others = strided_detail::count(summed);
  // Enough for a task, and wide runs in pieces where there is but one of them.
  const Index pieces = strided_detail::count(kept) == 1 && width > elementwise_chunk ? width / elementwise_chunk : 1;
  parallel_rows(results / width * pieces, terms * width / pieces, [&](Index begin, Index end) {
    std::vector<double> sums(static_cast<std::size_t>(runs ? width : 1));
    for (Index task = begin; task < end; ++task) {
      const Index row = task / pieces, first = width * (task % pieces) / pieces, last = width * (task % pieces + 1) / pieces;
      strided_detail::for_places(kept, row, row + 1, [&](Index, Index from, Index) {
        std::fill(sums.begin(), sums.end(), 0.0);
        strided_detail::for_places(summed, 0, others, [&](Index, Index further, Index) {
          const Index base = from + further + first;
          if (!runs)
            sums[0] += row_sum(inner, [&term, base](Index i) { return term(base + i); });
          else
            add_rows(rows.extent, width, last - first, sums.data(), [&term, base](Index i, Index) { return std::array{term(base + i)}; });
        });
        for (Index c = first; c < last; ++c) out[row * width + c] = scaled(sums[static_cast<std::size_t>(c - first)]);
      });
    }
  });
}

}  // namespace tangentplane::cpu
