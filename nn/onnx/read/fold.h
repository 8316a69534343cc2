// Ops on numbers that are known when the file is read: shapes, and what is computed from constants.
#pragma once

#include <optional>

#include "nn/onnx/program.h"

namespace tangentplane::onnx {

/// More numbers than this are not computed while a file is read.
inline constexpr Index most_folded = Index(1) << 24;

/// What the op makes of known operands, of the shape `to`; none where it is none of those that are computed here (products and
/// normalisations of constants: they are left to the run). Throws std::invalid_argument without file and node for a division of integers
/// by zero.
std::optional<Constant> fold(const Operation& op, const std::vector<ConstantPointer>& inputs, const Dims& to);

/// The numbers of `c` at `source(place)`, for each place of an array `to`.
template <class Source>
Constant picked(const Constant& c, const Dims& to, const Source& source) {
  Constant y{c.type, to, {}, {}};
  const Index n = numbers(to);
  if (c.type == Type::real)
    y.reals.reserve(static_cast<std::size_t>(n));
  else
    y.integers.reserve(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    const auto from = static_cast<std::size_t>(source(i));
    if (c.type == Type::real)
      y.reals.push_back(c.reals[from]);
    else
      y.integers.push_back(c.integers[from]);
  }
  return y;
}

/// Place in an array `from`, which is broadcast to `to`, for a place in that.
Index broadcast_place(const Dims& from, const Dims& to, Index place);

}  // namespace tangentplane::onnx
