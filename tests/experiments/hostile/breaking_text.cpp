#include "tests/experiments/hostile/archives.h"
#include "tests/experiments/hostile/breaking.h"

namespace tangentplane::experiments::hostile {
namespace {

const std::vector<std::string>& odd_words() {
  static const std::vector<std::string> words{"true",
                                              "false",
                                              "nan",
                                              "inf",
                                              "-inf",
                                              "-1",
                                              "0",
                                              "1",
                                              "1e999",
                                              "1e-400",
                                              "0.5",
                                              "9223372036854775807",
                                              "9223372036854775808",
                                              "-9223372036854775808",
                                              "18446744073709551616",
                                              "0x10",
                                              "1_000",
                                              "007",
                                              "\"\"",
                                              "'",
                                              "\"",
                                              "[",
                                              "]",
                                              "[[]]",
                                              "{}",
                                              "\\",
                                              "\\u0000",
                                              std::string(1, '\0'),
                                              "\n",
                                              "\r\n",
                                              "#",
                                              "=",
                                              "==",
                                              "\xff\xfe",
                                              "\xc3\x28",
                                              "\xe2\x80\xae",
                                              std::string(5000, 'a'),
                                              std::string(400, '1'),
                                              "null",
                                              ",",
                                              ",,",
                                              ":",
                                              "/dev/zero",
                                              "..",
                                              "%s%n",
                                              "{:1000000000}",
                                              "lenet",
                                              "resnet18",
                                              "mlp",
                                              "nystrom",
                                              "float64",
                                              "0:1000000000:1",
                                              "[1, 2]",
                                              "\"\\q\"",
                                              "1.0.0"};
  return words;
}

const std::vector<std::string>& odd_lines() {
  static const std::vector<std::string> lines{"out = \"elsewhere\"",
                                              "colour = 3",
                                              "threads = 100000",
                                              "config = \"config.toml\"",
                                              "help = true",
                                              "plan = true",
                                              "version = true",
                                              "= 3",
                                              "[section]",
                                              "x.y = 1",
                                              "seed = [1, 2]",
                                              "seed = 1 2",
                                              "seed = 1e3",
                                              "epochs = 0",
                                              "memory = \"1K\"",
                                              "num-train = -5",
                                              "quiet = 3",
                                              "quiet = false",
                                              "\"quoted key\" = 1",
                                              "save-ntk = yes",
                                              "index = \"0:99999999\"",
                                              "{",
                                              "}",
                                              "1,2,3",
                                              ",,,,,,,,",
                                              std::string(100000, '[')};
  return lines;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (char c : text)
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  return lines;
}

// Another word for one of the line's; words are what stands between blanks and the marks of the three formats.
void replace_word(Draw& draw, std::string& line) {
  std::vector<std::pair<std::size_t, std::size_t>> words;  // begin, length
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = line.find_first_not_of(" \t=,:\"[]{}", at);
    if (begin == std::string::npos) break;
    at = std::min(line.find_first_of(" \t=,:\"[]{}", begin), line.size());
    words.emplace_back(begin, at - begin);
  }
  if (words.empty()) {
    line += draw.of(odd_words());
    return;
  }
  const auto [begin, length] = draw.of(words);
  line.replace(begin, length, draw.of(odd_words()));
}

}  // namespace

std::string broken_text(Draw& draw, std::string bytes) {
  if (draw.chance(0.2)) return broken_bytes(draw, std::move(bytes));
  auto lines = lines_of(bytes);
  for (std::size_t left = draw.among({1, 1, 2, 3}); left > 0 && !lines.empty(); --left) {
    const std::size_t i = draw.below(lines.size()), j = draw.below(lines.size());
    const auto at = [&](std::size_t k) { return lines.begin() + static_cast<std::ptrdiff_t>(k); };
    switch (draw.below(9)) {
      case 0:
        lines.erase(at(i));
        break;
      case 1:
        lines.insert(at(i), std::string(lines[j]));
        break;
      case 2:
      case 3:
      case 4:
        replace_word(draw, lines[i]);
        break;
      case 5:
        lines[i].resize(draw.below(lines[i].size() + 1));
        break;
      case 6:
        lines[i] += " " + draw.of(odd_words());
        break;
      case 7:
        lines[i] = draw.of(odd_lines());
        break;
      default:
        std::swap(lines[i], lines[j]);
    }
  }
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) text += (i > 0 ? "\n" : "") + lines[i];
  return text;
}

std::string broken_gzip(Draw& draw, const std::string& bytes) {
  if (draw.chance(0.5)) return broken_bytes(draw, bytes);
  const std::string packed = gzipped(broken_bytes(draw, unzipped(bytes)));
  return packed + draw.word({"", "", "", "", "x", bytes, std::string(100, '\0')});
}

}  // namespace tangentplane::experiments::hostile
