#include "experiments/common/text/parse.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tangentplane::experiments {
namespace {

void append_piece(std::string_view what, std::string_view piece, std::vector<Index>& indices) {
  constexpr Index most = 1'000'000;
  const auto parts = split(piece, ':');
  require(parts.size() <= 3, "{} {}: a range is start:stop or start:stop:step", what, piece);
  const Index start = parse_number<Index>(what, parts[0], 0);
  if (parts.size() == 1) return indices.push_back(start);
  const Index stop = parse_number<Index>(what, parts[1], 0), step = parts.size() == 3 ? parse_number<Index>(what, parts[2], 1) : 1;
  require(start < stop, "{} {}: the range is empty; give start < stop", what, piece);
  const Index count = (stop - start - 1) / step + 1;  // i += step would overflow beyond the last one
  require(count <= most - static_cast<Index>(indices.size()), "{} {}: more than 1,000,000 indices; give fewer, or a larger step", what,
          piece);
  for (Index i = 0; i < count; ++i) indices.push_back(start + i * step);
}

std::string with_prefix(double value, double base, std::string_view space, std::array<const char*, 6> units) {
  std::size_t u = 0;
  while (u + 1 < units.size() && value >= base * 0.9995) value /= base, ++u;
  return fmt::format("{:.{}f}{}{}", value, u == 0 || value >= 99.95 ? 0 : 1, space, units[u]);
}

}  // namespace

bool is_whole_number(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; }

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    pieces.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return pieces;
}

std::vector<Index> parse_indices(std::string_view what, std::string_view text) {
  std::vector<Index> indices;
  for (std::string_view piece : split(text, ',')) append_piece(what, piece, indices);
  auto sorted = indices;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  require(twice == sorted.end(), "{} {}: index {} comes twice; give each index once", what, text, twice == sorted.end() ? 0 : *twice);
  return indices;
}

std::uint64_t parse_size(std::string_view what, std::string_view text) {
  const auto wrong = [&](bool ok) {
    require(ok, "{} {}: give a size such as 4G, 512M or 1.5GiB (K, M, G, T are powers of 1024)", what, text.empty() ? "\"\"" : text);
  };
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  wrong(error == std::errc{} && std::isfinite(value) && value > 0);
  std::string unit(stop, end);
  for (char& c : unit) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (unit.ends_with("IB"))
    unit.resize(unit.size() - 2), wrong(!unit.empty());
  else if (unit.ends_with("B"))
    unit.pop_back();
  const std::size_t power = unit.empty() ? 0 : std::string_view("KMGT").find(unit) + 1;
  wrong(unit.size() <= 1 && power <= 4 && (power > 0) == !unit.empty());
  const double bytes = value * std::pow(1024.0, static_cast<double>(power));
  wrong(bytes >= 1 && bytes < 0x1p63);
  return static_cast<std::uint64_t>(bytes);
}

std::string format_size(double bytes) { return with_prefix(bytes, 1024, " ", {"B", "KiB", "MiB", "GiB", "TiB", "PiB"}); }
std::string format_flops(double flops) { return with_prefix(flops, 1000, " ", {"flop", "kflop", "Mflop", "Gflop", "Tflop", "Pflop"}); }

std::string format_duration(double seconds) {
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto s = static_cast<Index>(std::min(std::llround(seconds), 1'000'000'000ll));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
  return fmt::format("{} h {} min", s / 3600, s % 3600 / 60);
}

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.empty() ? 0 : rows.front().size());
  for (const auto& r : rows)
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], r[i].size());
  std::string text;
  for (const auto& r : rows) {
    text += fmt::format("{:<{}}", r[0], widths[0]);
    for (std::size_t i = 1; i < widths.size(); ++i) text += fmt::format("  {:>{}}", r[i], widths[i]);
    text += "\n";
  }
  return text;
}

}  // namespace tangentplane::experiments
