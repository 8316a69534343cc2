#include "experiments/common/text/html.h"

#include <fmt/format.h>

#include <algorithm>

#include "autodiff/check.h"

namespace tangentplane::experiments {
namespace {

constexpr std::string_view style = R"css(
:root { color-scheme: light dark; --ground: #fff; --text: #222; --quiet: #5c5c5c; --line: #d8d8d8; --panel: #f5f5f3; --link: #0b63a5;
  --good: #17663f; --good-ground: #e0f2e7; --half: #7a4a00; --half-ground: #fbeed3; --bad: #8f2a12; --bad-ground: #fae3dc; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #161616; --text: #dedede; --quiet: #a2a2a2; --line: #3a3a3a; --panel: #202020; --link: #79b8ef;
    --good: #8fdcb1; --good-ground: #16342480; --half: #f0c674; --half-ground: #3d2f1080; --bad: #f0a28c; --bad-ground: #42201880; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 1rem 1rem 4rem; background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin: 0 0 .4rem; line-height: 1.3; } h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p { max-width: 46rem; } a { color: var(--link); }
section { margin-top: 2rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }
.quiet, figcaption, caption { color: var(--quiet); font-size: .9rem; }
.verdict { display: inline-block; padding: .1rem .6rem; border-radius: 1rem; font-size: .9rem; font-weight: 600; white-space: nowrap; }
.shown { color: var(--good); background: var(--good-ground); } .partly, .once { color: var(--half); background: var(--half-ground); }
.not { color: var(--bad); background: var(--bad-ground); } .undecided { color: var(--text); background: var(--line); }
.missing { color: var(--quiet); background: var(--panel); }
.figures { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: .5rem 0; flex: 1 1 min(24rem, 100%); min-width: 0; max-width: 32rem; }
.figures .figure, .drawing { color: var(--text); display: block; width: 100%; height: auto; } .drawing { max-width: 40rem; }
.pixels image { image-rendering: pixelated; }
nav ol, nav ul { list-style: none; padding: 0; margin: .4rem 0 0; } nav li { max-width: none; padding: .3rem 0; display: flex; flex-wrap: wrap; gap: .2rem .8rem;
  align-items: baseline; border-bottom: 1px solid var(--line); } nav li a { flex: 1 1 16rem; } nav ul li { border: 0; padding: .1rem 0; }
nav ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); column-gap: 1rem; }
header { display: flex; gap: 1rem; justify-content: space-between; align-items: baseline; } header a { font-size: .85rem; } dfn { font-weight: 600; font-style: normal; }
.legend { font-size: .9rem; color: var(--quiet); margin: .8rem 0; max-width: 46rem; } .legend div { margin: .15rem 0; }
.legend dt { display: inline; font-weight: 600; color: var(--text); } .legend dt::after { content: ": "; } .legend dd { display: inline; margin: 0; }
.scroll { overflow-x: auto; max-width: 100%; } table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { max-width: 9rem; } .number { text-align: right; } td.number { white-space: nowrap; } summary { cursor: pointer; margin-top: .8rem; }
pre { overflow-x: auto; padding: .6rem .8rem; background: var(--panel); border-radius: .3rem; font-size: .85rem; }
ul { padding-left: 1.2rem; } li { margin: .35rem 0; max-width: 46rem; }
)css";

// "12", "-0.5", "96.2 %" and "3 ± 1", but not "lenet".
bool is_number(const std::string& cell) {
  const std::size_t at = cell.find_first_not_of("-+ ");
  return cell.empty() || (at != std::string::npos && cell[at] >= '0' && cell[at] <= '9');
}

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t here = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t three = 0;
    for (std::size_t b = 0; b < 3; ++b) three = three << 8 | (b < here ? bytes[i + b] : 0u);
    for (std::size_t d = 0; d < 4; ++d) text += d <= here ? digits[three >> (18 - 6 * d) & 63] : '=';
  }
  return text;
}

}  // namespace

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
}

std::string escape(std::string_view text) {
  std::string s;
  for (char c : text) switch (c) {
      case '&':
        s += "&amp;";
        break;
      case '<':
        s += "&lt;";
        break;
      case '>':
        s += "&gt;";
        break;
      case '"':
        s += "&quot;";
        break;
      case '\'':
        s += "&#39;";
        break;
      default:
        s += c;
    }
  return s;
}

std::string page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"/>\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n{}\n</body>\n</html>\n",
      escape(title), style, body);
}

std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::string> open(header.size());
  for (std::size_t c = 0; c < header.size(); ++c)
    if (std::all_of(rows.begin(), rows.end(), [&](const auto& row) { return is_number(row.at(c)); })) open[c] = " class=\"number\"";
  std::string s = "<div class=\"scroll\"><table>\n<thead><tr>";
  for (std::size_t c = 0; c < header.size(); ++c) s += fmt::format("<th{}>{}</th>", open[c], escape(header[c]));
  s += "</tr></thead>\n<tbody>\n";
  for (const auto& row : rows) {
    s += "<tr>";
    for (std::size_t c = 0; c < header.size(); ++c) s += fmt::format("<td{}>{}</td>", open[c], escape(row.at(c)));
    s += "</tr>\n";
  }
  return s + "</tbody>\n</table></div>\n";
}

std::string inline_svg(std::string svg, std::string_view prefix) {
  svg.erase(0, svg.find("<svg"));
  for (const char* before : {"id='", "id=\"", "href='#", "href=\"#", "url(#"})
    replace_all(svg, before, fmt::format("{}{}-", before, prefix));
  return svg;
}

std::string embedded_png(std::span<const std::uint8_t> png, double x, double y, double width, double height) {
  return fmt::format(
      "<image x=\"{:g}\" y=\"{:g}\" width=\"{:g}\" height=\"{:g}\" preserveAspectRatio=\"none\" href=\"data:image/png;base64,{}\"/>", x, y,
      width, height, base64(png));
}

double aspect_of_png(std::span<const std::uint8_t> png, const std::string& name) {
  // A signature of 8 bytes, then the first chunk: length, "IHDR", width, height, most significant byte first.
  constexpr std::string_view head("\x89PNG\r\n\x1a\n", 8);
  const bool is_png = png.size() >= 24 && std::equal(head.begin(), head.end(), png.begin(),
                                                     [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
  const auto number = [&](std::size_t at) {
    std::uint32_t n = 0;
    for (std::size_t i = 0; i < 4; ++i) n = n << 8 | png[at + i];
    return static_cast<double>(n);
  };
  require(is_png && number(16) > 0 && number(20) > 0, "{}: is no PNG picture", name);
  return number(20) / number(16);
}

}  // namespace tangentplane::experiments
