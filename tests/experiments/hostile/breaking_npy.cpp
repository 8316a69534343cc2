#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/experiments/hostile/arrays.h"
#include "tests/experiments/hostile/breaking.h"

namespace tangentplane::experiments::hostile {
namespace {

std::string other_shape(Draw& draw, std::vector<Index> extents) {
  const auto edge = [&] { return static_cast<Index>(draw.of(edges)); };
  switch (draw.below(7)) {
    case 0:
      if (!extents.empty()) extents[draw.below(extents.size())] = edge();
      return shape_text(extents);
    case 1:
      extents.push_back(draw.chance(0.5) ? 1 : edge());
      return shape_text(extents);
    case 2:
      return shape_text({extents.rbegin(), extents.rend()});
    case 3:
      if (!extents.empty()) extents.erase(extents.begin() + static_cast<std::ptrdiff_t>(draw.below(extents.size())));
      return shape_text(extents);
    case 4: {
      const std::vector<std::vector<Index>> strange{{},
                                                    {0},
                                                    {0, 0, 0},
                                                    {Index(1) << 32, Index(1) << 32},
                                                    {0, Index(1) << 62, 4, 4},
                                                    {3037000500, 3037000500, 1, 1},
                                                    std::vector<Index>(40, 1)};
      return shape_text(draw.of(strange));
    }
    case 5:
      return draw.word({"()",
                        "(",
                        ")",
                        "(,)",
                        "(1 2)",
                        "(1.5,)",
                        "(1e3,)",
                        "('1',)",
                        "(-1,)",
                        "(0x10,)",
                        "[1,2]",
                        "None",
                        std::string(5000, '('),
                        "(12L, 6L, 6L, 1L)",
                        "(12,6,6,1),",
                        "(+12,6,6,1)",
                        "(012,6,6,1)",
                        "(12 ,6, 6 ,1 , )",
                        "(12,6,6,1,,)",
                        "(12,6,6,1",
                        "(99999999999999999999,)"});
    default:
      return fmt::format("({},)", std::numeric_limits<Index>::max());
  }
}

std::string other_header(Draw& draw, const Array& array) {
  std::string descr = array.descr, order = array.fortran ? "True" : "False", shape = shape_text(array.extents);
  std::string header;
  switch (draw.below(6)) {
    case 0:
      descr = draw.word(
          {"<f4",  "<f8",   ">f4", ">f8",       "<f2", "<f16", "|u1", "|i1", "<i8", "<u8", "|b1",  "|O",  "<c8",
           "<U3",  "|S5",   "|V4", "<M8[ns]",   "<f",  "f4",   "=f4", "",    "<",   "f",   "<f-4", "<f0", "<f99999999999999999999",
           "<f4 ", "\\x00", "<x4", "<f1048577", "<i4", "<u2"});
      break;
    case 1:
      order = draw.word({"True", "False", "true", "0", "None", "False or True", "Truef", "[False]", ""});
      break;
    case 2:
    case 3:
      shape = other_shape(draw, array.extents);
      break;
    case 4:
      header = draw.word({"{}", "{'descr': '<f4'}", "", "[]", std::string(3000, '{'), "{'descr': '<f4", "{'descr': [[[[[",
                          "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
                          "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (12,)}", "__import__('os').system('id')",
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (12, 6, 6, 1), 'x': 1}"});
      break;
    default:
      break;
  }
  if (header.empty()) header = header_of(descr, order, shape);
  if (draw.chance(0.1)) header += std::string(draw.among({1, 5000, 70000}), ' ');
  const auto version = static_cast<int>(draw.among({1, 1, 1, 1, 2, 3, 0, 4, 255}));
  std::size_t length = header.size() + 1;
  if (draw.chance(0.15)) length = draw.among({0, 1, 65535, 0x80000000, 0xffffffff, header.size()});
  return put_together(header, array.numbers, version, length);
}

template <class T>
void set_numbers(Draw& draw, std::string& numbers, const std::vector<T>& values, double factor) {
  const std::size_t n = numbers.size() / sizeof(T);
  if (n == 0) return;
  const auto set = [&](std::size_t i, T v) { std::memcpy(numbers.data() + i * sizeof(T), &v, sizeof(T)); };
  const auto get = [&](std::size_t i) {
    T v;
    std::memcpy(&v, numbers.data() + i * sizeof(T), sizeof(T));
    return v;
  };
  const T value = draw.of(values);
  switch (draw.below(4)) {
    case 0:
      set(draw.below(n), value);
      break;
    case 1:
      for (std::size_t i = 0; i < n; ++i) set(i, value);
      break;
    case 2:
      for (std::size_t i = 0; i < n; ++i)
        if constexpr (std::is_floating_point_v<T>)
          set(i, static_cast<T>(get(i) * static_cast<T>(factor)));
        else
          set(i, static_cast<T>(get(i) + 1));
      break;
    default:  // the first half again
      for (std::size_t i = n / 2; i < n; ++i) set(i, get(i - n / 2));
  }
}

std::string other_numbers(Draw& draw, Array array) {
  const double inf = std::numeric_limits<double>::infinity();
  const double factor = draw.of(std::vector<double>{1e-44, 1e-30, 1e-20, -1, 1e10, 1e18, 1e30});
  if (array.descr == "<f4") {
    const auto f = static_cast<float>(inf);
    set_numbers<float>(draw, array.numbers, {std::nanf(""), f, -f, 1e-45f, 1e-30f, 1e30f, 3e38f, -3e38f, 0, -0.f, 0.5f, -1, 2, -1e-3f},
                       factor);
  } else if (array.descr == "<f8") {
    set_numbers<double>(draw, array.numbers,
                        {std::nan(""), inf, -inf, 5e-324, 1e-45, 1e-30, 1e30, 3e38, 1e308, -1.7e308, 0, -0., 0.5, -1, 2, 1e15}, factor);
  } else if (array.descr == "<i8") {
    set_numbers<std::int64_t>(draw, array.numbers, {0, 1, -1, 2, 255, 1ll << 32, 1ll << 62, std::numeric_limits<std::int64_t>::min()}, 1);
  } else {
    set_numbers<std::uint8_t>(draw, array.numbers, {0, 1, 2, 9, 10, 127, 255}, 1);
  }
  const std::string header = header_of(array.descr, array.fortran ? "True" : "False", shape_text(array.extents));
  return put_together(header, array.numbers, 1, header.size() + 1);
}

// Whole rows fewer, or more of them.
std::string other_rows(Draw& draw, Array array) {
  if (array.extents.empty() || array.extents[0] <= 0) return broken_bytes(draw, array.numbers);
  const auto rows = static_cast<std::size_t>(array.extents[0]), width = array.numbers.size() / rows;
  const std::size_t wanted = draw.chance(0.7) ? draw.below(rows) : rows + draw.among({1, rows});
  while (array.numbers.size() < wanted * width) array.numbers += array.numbers.substr(0, width);
  array.numbers.resize(wanted * width);
  array.extents[0] = static_cast<Index>(wanted);
  const std::string header = header_of(array.descr, "False", shape_text(array.extents));
  return put_together(header, array.numbers, 1, header.size() + 1);
}

}  // namespace

std::string broken_npy(Draw& draw, const std::string& bytes) {
  const std::size_t how = draw.below(10);
  if (how < 3) return broken_bytes(draw, bytes);
  const Array array = taken_apart(bytes);
  if (how < 7) return other_header(draw, array);
  return how < 9 ? other_numbers(draw, array) : other_rows(draw, array);
}

}  // namespace tangentplane::experiments::hostile
