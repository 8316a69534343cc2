// .npy files taken apart, and put together so that they may say anything.
#pragma once

#include <string>
#include <vector>

#include "autodiff/shape.h"

namespace tangentplane::experiments::hostile {

struct Array {
  std::string descr, numbers;  ///< as in the file
  std::vector<Index> extents;
  bool fortran = false;
};

/// Throws std::invalid_argument for what is no .npy file.
Array taken_apart(const std::string& bytes);

/// "(12, 6, 6, 1, )"
std::string shape_text(const std::vector<Index>& extents);
std::string header_of(const std::string& descr, const std::string& order, const std::string& shape);
/// `length` is what the file says the header's length is, with its newline.
std::string put_together(const std::string& header, const std::string& numbers, int version, std::size_t length);

}  // namespace tangentplane::experiments::hostile
