// Numbers that are known when a file is read: integers (shapes, axes), truth values, and floating-point numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "autodiff/shape.h"

namespace tangentplane::onnx {

/// Extents as the file has them: of any rank.
using Dims = std::vector<Index>;

/// Product of all extents. Throws std::invalid_argument where it is above Shape::most_numbers or an extent is negative.
Index numbers(const Dims& dims);
/// As in messages: [8,3,3,3].
std::string text(const Dims& dims);

/// What kind of numbers a value holds.
enum class Type { real, integer, boolean };

/// An array of known numbers, row-major.
struct Constant {
  Type type = Type::real;              ///< which of the two lists holds them
  Dims dims;                           ///< its extents
  std::vector<double> reals;           ///< of Type::real
  std::vector<std::int64_t> integers;  ///< of the two others

  Index size() const { return static_cast<Index>(type == Type::real ? reals.size() : integers.size()); }  ///< how many numbers
  /// The number at that place, whatever its type.
  double real(Index i) const {
    return type == Type::real ? reals[static_cast<std::size_t>(i)] : static_cast<double>(integers[static_cast<std::size_t>(i)]);
  }
  bool operator==(const Constant&) const = default;
};

/// Shared by all that refer to it.
using ConstantPointer = std::shared_ptr<const Constant>;

}  // namespace tangentplane::onnx
