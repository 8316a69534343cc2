// Text from the command line and from files to numbers, and back. `what` names the option or file in the error, e.g. "--seed".
#pragma once

#include <fmt/ranges.h>

#include <charconv>
#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "autodiff/check.h"
#include "autodiff/shape.h"

namespace tangentplane::experiments {

template <class T>
concept Number = std::integral<T> || std::floating_point<T>;

/// The whole text as a number in [low, high]; throws std::invalid_argument. Infinities and NaN are not numbers here.
template <Number T>
T parse_number(std::string_view what, std::string_view text, T low = std::numeric_limits<T>::lowest(),
               T high = std::numeric_limits<T>::max()) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const char* const kind = std::integral<T> ? "an integer" : "a number";
  using Limits = std::numeric_limits<T>;
  const bool above = high != Limits::max(), below = std::unsigned_integral<T> || low != Limits::lowest();
  const std::string range = above && below ? fmt::format(" from {} to {}", low, high)
                            : below        ? fmt::format(" >= {}", low)
                            : above        ? fmt::format(" <= {}", high)
                                           : "";
  require(error == std::errc{} && stop == end && value >= low && value <= high, "{} {}: give {}{}", what, text.empty() ? "\"\"" : text,
          kind, range);
  return value;
}

/// Digits and nothing else, at least one.
bool is_whole_number(std::string_view text);

/// The pieces of a text between separators, one more than there are separators.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Numbers with commas between them: "6,16,120".
template <Number T>
std::vector<T> parse_list(std::string_view what, std::string_view text, T low = std::numeric_limits<T>::lowest(),
                          T high = std::numeric_limits<T>::max()) {
  std::vector<T> values;
  for (std::string_view piece : split(text, ',')) values.push_back(parse_number(what, piece, low, high));
  return values;
}

/// "0,10,100" or "0:1000:50" (Python's half-open range; the step is 1 if left out) or several of both with commas between them.
/// Throws for anything else, for an empty range and for an index that comes twice.
std::vector<Index> parse_indices(std::string_view what, std::string_view text);

/// "4G", "512M", "1.5GiB", "1000000": bytes. K, M, G, T are powers of 1024, with or without iB or B.
std::uint64_t parse_size(std::string_view what, std::string_view text);

std::string format_size(double bytes);        ///< "1.5 GiB"
std::string format_flops(double flops);       ///< "13.2 Tflop"
std::string format_duration(double seconds);  ///< "0.8 s", "12 s", "3 min 20 s", "2 h 5 min"
/// A line for each row, all of as many cells as the first; columns under one another, the first to the left, the others to the right.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

/// Values with commas between them, each with as many digits as it takes to read it back exactly.
template <class T>
std::string join(const std::vector<T>& values) {
  return fmt::format("{}", fmt::join(values, ","));
}

/// f(), with `remedy` added to the line of an std::invalid_argument.
template <class F>
auto with_remedy(const std::string& remedy, const F& f) {
  try {
    return f();
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(e.what() + ("; " + remedy));
  }
}

}  // namespace tangentplane::experiments
