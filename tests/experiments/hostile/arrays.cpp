#include "tests/experiments/hostile/arrays.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "data/npy_format.h"

namespace tangentplane::experiments::hostile {

Array taken_apart(const std::string& bytes) {
  std::size_t at = 0;
  data::ByteSource source("the valid file", bytes.size(), [&](void* to, std::size_t n) {
    n = std::min(n, bytes.size() - at);
    std::memcpy(to, bytes.data() + at, n);
    at += n;
    return n;
  });
  const data::NpyInfo info = data::read_npy_header(source);
  Array array;
  array.descr = fmt::format("{}{}{}", info.type.order, info.type.kind, info.type.bytes);
  for (int i = 0; i < info.shape.rank(); ++i) array.extents.push_back(info.shape[i]);
  array.numbers = bytes.substr(bytes.size() - source.left());
  array.fortran = info.fortran_order;
  return array;
}

std::string shape_text(const std::vector<Index>& extents) {
  std::string text = "(";
  for (Index e : extents) text += fmt::format("{}, ", e);
  return text + ")";
}

std::string put_together(const std::string& header, const std::string& numbers, int version, std::size_t length) {
  std::string out = "\x93NUMPY";
  out += static_cast<char>(version);
  out += '\0';
  for (int i = 0; i < (version <= 1 ? 2 : 4); ++i) out += static_cast<char>(length >> (8 * i));
  return out + header + "\n" + numbers;
}

std::string header_of(const std::string& descr, const std::string& order, const std::string& shape) {
  return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}", descr, order, shape);
}

}  // namespace tangentplane::experiments::hostile
