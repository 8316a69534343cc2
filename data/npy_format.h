// The .npy format itself (numpy/lib/format.py): what stands before the numbers, and what kind of numbers they are.
#pragma once

#include <cstdint>
#include <string>

#include "autodiff/shape.h"
#include "data/files.h"

namespace tangentplane::data {

/// An array's element type, as numpy's `descr` gives it.
struct NpyType {
  char order = '|';  ///< '<' little-endian, '>' big-endian, '|' neither
  char kind = '?';   ///< 'f', 'i', 'u', 'b' and the rest of numpy's; '?' structured
  Index bytes = 0;   ///< of one element

  /// float64, big-endian int32, structured ...: numpy's name, for error messages.
  std::string name() const;
  bool is(char k, Index b) const { return kind == k && bytes == b && order != '>'; }  ///< kind k of b bytes, not big-endian
  bool operator==(const NpyType&) const = default;                                    ///< the same order, kind and size
};

/// What a .npy file says about itself.
struct NpyInfo {
  Shape shape;                 ///< of the array
  NpyType type;                ///< of an element
  bool fortran_order = false;  ///< first axis fastest
  /// Of all elements.
  std::uint64_t data_bytes() const { return static_cast<std::uint64_t>(shape.size()) * static_cast<std::uint64_t>(type.bytes); }
};

/// Reads magic, version (1.0, 2.0 or 3.0) and header, and leaves the source at the first number. Throws std::invalid_argument for a
/// malformed header, for an element type without plain numbers (object, structured) and unless exactly the shape's numbers follow.
NpyInfo read_npy_header(ByteSource& source);

/// Version 1.0 header, padded with spaces to a multiple of 64 bytes: magic to newline. `descr` is for example "<f8".
std::string npy_header(const std::string& descr, const Shape& shape);

}  // namespace tangentplane::data
