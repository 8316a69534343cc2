#include "autodiff/cpu/split/packed.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "autodiff/cpu/gemm.h"
#include "autodiff/cpu/split/measured.h"

namespace tangentplane::cpu::split {
namespace {

constexpr std::uint32_t exponent = 0x7f800000, upper = 0xffff0000;

/// To nearest, ties to even; the lower half of what it returns is zero.
inline std::uint32_t nearest(std::uint32_t bits) { return (bits + 0x7fff + (bits >> 16 & 1)) & upper; }

inline Parts split(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t near = nearest(bits), cut = bits & upper;
  const bool is_finite = (bits & exponent) != exponent, is_nan = (bits & ~0x80000000U) > exponent,
             overflows = (near & exponent) == exponent;
  const std::uint32_t high = is_nan ? cut | 0x400000 : overflows ? cut : near;
  const std::uint32_t low = nearest(std::bit_cast<std::uint32_t>(x - std::bit_cast<float>(high)));
  return {high >> 16, is_finite ? low >> 16 : 0};
}

/// One tile's parts from x: number (i, p) at x[i * next + p], as [lane][pair] of pairs.
void split_along(const float* x, Index next, Pair* high, Pair* low) {
  for (Index i = 0; i < lanes; ++i) {
    std::uint32_t h[depth], l[depth];
    for (Index p = 0; p < depth; ++p) {
      const Parts parts = split(x[i * next + p]);
      h[p] = parts.high, l[p] = parts.low;
    }
    for (Index p = 0; p < pairs; ++p) {
      high[i * pairs + p] = h[2 * p] | h[2 * p + 1] << 16;
      low[i * pairs + p] = l[2 * p] | l[2 * p + 1] << 16;
    }
  }
}

/// The same where number (i, p) is at x[i + p * next], as [pair][lane] of pairs.
void split_across(const float* x, Index next, Pair* high, Pair* low) {
  for (Index p = 0; p < pairs; ++p) {
    const float *first = x + 2 * p * next, *second = first + next;
    for (Index i = 0; i < lanes; ++i) {
      const Parts one = split(first[i]), two = split(second[i]);
      high[p * lanes + i] = one.high | two.high << 16;
      low[p * lanes + i] = one.low | two.low << 16;
    }
  }
}

static_assert(lanes == pairs);  // a tile is a square
void transpose(const Pair* from, Pair* to) {
  for (Index i = 0; i < lanes; ++i)
    for (Index j = 0; j < lanes; ++j) to[j * lanes + i] = from[i * lanes + j];
}

/// The tile pair of rows or columns [i, i + 16) and terms [p, p + 32); zeros beyond the factor's end.
void pack_tile(const Factor& f, Index i, Index p, Pair* to) {
  const bool along = f.next_inner == 1;
  const float* x = f.data + i * f.next + p * f.next_inner;
  Index next = along ? f.next : f.next_inner;
  float filled[2 * tile];
  if (f.extent - i < lanes || f.inner - p < depth) {
    const Index here = std::min(lanes, f.extent - i), terms = std::min(depth, f.inner - p), row = along ? depth : lanes;
    std::fill_n(filled, 2 * tile, 0.F);
    for (Index a = 0; a < here; ++a)
      for (Index b = 0; b < terms; ++b) filled[along ? a * depth + b : b * lanes + a] = x[a * f.next + b * f.next_inner];
    x = filled, next = row;
  }
  if (along == (f.side == Side::left)) return along ? split_along(x, next, to, to + tile) : split_across(x, next, to, to + tile);
  Pair high[tile], low[tile];
  along ? split_along(x, next, high, low) : split_across(x, next, high, low);
  transpose(high, to);
  transpose(low, to + tile);
}

/// The product of that part of the factors by BLAS; the inner sum's terms [first, first + count).
void float32_product(const Factor& a, Index row, Index rows, const Factor& b, Index column, Index columns, Index first, Index count,
                     float* c) {
  const bool along_a = a.next_inner == 1, along_b = b.next_inner == 1;
  gemm(along_a ? Op::none : Op::transpose, along_b ? Op::transpose : Op::none, rows, columns, count, 1.F,
       a.data + row * a.next + first * a.next_inner, along_a ? a.next : a.next_inner, b.data + column * b.next + first * b.next_inner,
       along_b ? b.next : b.next_inner, 0.F, c, columns, Products::float32);
}

bool finite(const float* x, Index n) {
  std::uint32_t largest = 0;
  for (Index i = 0; i < n; ++i) largest = std::max(largest, std::bit_cast<std::uint32_t>(x[i]) & exponent);
  return largest < exponent;
}

}  // namespace

Parts parts_of(float x) { return split(x); }

Packed::Packed(const Factor& factor)
    : factor_(factor),
      padded_((factor.inner + depth - 1) / depth * depth),
      numbers_(static_cast<std::size_t>(blocks() * lanes * padded_) * sizeof(Pair)) {}

Index Packed::steps(Index piece) const { return (std::min(inner_piece, padded_ - piece * inner_piece)) / depth; }

const Pair* Packed::tiles(Index piece, Index block) const {
  const Pair* const all = static_cast<const Pair*>(numbers_.data());
  return all + piece * inner_piece * blocks() * lanes + block * steps(piece) * tile_pair;
}

void Packed::pack(Index begin, Index end) {
  for (Index piece = 0; piece < pieces(); ++piece)
    for (Index block = begin; block < end; ++block)
      for (Index s = 0; s < steps(piece); ++s)
        pack_tile(factor_, block * lanes, piece * inner_piece + s * depth, const_cast<Pair*>(tiles(piece, block)) + s * tile_pair);
}

void multiply(const Unit& unit, const Packed& a, Index row, Index rows, const Packed& b, Index column, Index columns, float alpha,
              float beta, float* c, Index stride) {
  const Index blocks_a = (rows + lanes - 1) / lanes, blocks_b = (columns + lanes - 1) / lanes, width = blocks_b * lanes;
  const Block scratch(static_cast<std::size_t>(blocks_a * lanes * width + rows * columns) * sizeof(float));
  float *const sums = static_cast<float*>(scratch.data()), *const again = sums + blocks_a * lanes * width;
  for (Index piece = 0; piece < a.pieces(); ++piece) {
    unit.multiply(a.tiles(piece, row / lanes), blocks_a, b.tiles(piece, column / lanes), blocks_b, a.steps(piece), sums, width);
    const Index first = piece * inner_piece, count = std::min(inner_piece, a.factor().inner - first);
    // What float32 would make of an infinity, or of numbers whose product overflows: parts of infinite terms may cancel to NaN.
    if (!finite(sums, blocks_a * lanes * width)) {
      float32_product(a.factor(), row, rows, b.factor(), column, columns, first, count, again);
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < columns; ++j)
          if (!std::isfinite(sums[i * width + j])) sums[i * width + j] = again[i * columns + j];
    }
    if (wants_measuring()) {
      const Index some = std::min<Index>(rows, 64);
      float32_product(a.factor(), row, some, b.factor(), column, columns, first, count, again);
      measure(some, columns, sums, width, again);
    }
    const float kept = piece == 0 ? beta : 1.F;
    for (Index i = 0; i < rows; ++i) {
      const float* const from = sums + i * width;
      float* const to = c + (row + i) * stride + column;
      if (kept == 0)
        for (Index j = 0; j < columns; ++j) to[j] = alpha * from[j];
      else
        for (Index j = 0; j < columns; ++j) to[j] = alpha * from[j] + kept * to[j];
    }
  }
}

void multiply(const Packed& a, Index row, Index rows, const Packed& b, Index column, Index columns, float alpha, float beta, float* c,
              Index stride) {
  multiply(unit(), a, row, rows, b, column, columns, alpha, beta, c, stride);
}

void multiply(const Packed& a, const Packed& b, float alpha, float beta, float* c, Index stride) {
  const Index m = a.factor().extent, n = b.factor().extent;
  for (Index row = 0; row < m; row += tile_extent)
    for (Index column = 0; column < n; column += tile_extent)
      multiply(a, row, std::min(tile_extent, m - row), b, column, std::min(tile_extent, n - column), alpha, beta, c, stride);
}

}  // namespace tangentplane::cpu::split
