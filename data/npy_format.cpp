#include "data/npy_format.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "autodiff/check.h"

namespace tangentplane::data {
namespace {

// The header is a Python dict literal with three known keys; this reads that much of Python and no more.
class HeaderParser {
 public:
  HeaderParser(const std::string& file, std::string_view text) : file_(file), text_(text) {}

  NpyInfo parse() {
    NpyInfo info;
    bool seen_type = false, seen_order = false, seen_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !seen_type) {
        info.type = type();
        seen_type = true;
      } else if (key == "fortran_order" && !seen_order) {
        info.fortran_order = boolean();
        seen_order = true;
      } else if (key == "shape" && !seen_shape) {
        info.shape = shape();
        seen_shape = true;
      } else {
        fail(fmt::format("unexpected key '{}'", key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("text after the dictionary");
    if (!seen_type || !seen_order || !seen_shape)
      fail(fmt::format("no '{}'", !seen_type ? "descr" : !seen_order ? "fortran_order" : "shape"));
    return info;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw std::invalid_argument(fmt::format("{}: malformed .npy header: {}", file_, why));
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("'{}' expected at character {}", c, at_));
  }
  std::string string() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote != '\'' && quote != '"') fail(fmt::format("a string expected at character {}", at_));
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a string without end");
    const std::string s(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return s;
  }
  bool boolean() {
    skip_space();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    fail("fortran_order is neither True nor False");
  }
  Shape shape() {
    Shape s;
    std::uint64_t size = 1;
    expect('(');
    while (!accept(')')) {
      skip_space();
      Index n = -1;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), n);
      if (error != std::errc() || n < 0) fail("shape is not a tuple of sizes");
      at_ = static_cast<std::size_t>(end - text_.data());
      accept('L');  // Python 2 wrote 3L
      if (s.rank() == Shape::max_rank) fail(fmt::format("more than {} axes", Shape::max_rank));
      if (__builtin_mul_overflow(size, std::max<std::uint64_t>(static_cast<std::uint64_t>(n), 1), &size) || size > (1ull << 42))
        fail("the shape is too large for any file");
      s.append(n);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return s;
  }
  NpyType type() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[') {
      structured();
      return {'|', '?', 0};
    }
    const std::string descr = string();
    NpyType t;
    std::string_view rest = descr;
    if (!rest.empty() && std::string_view("<>|=").find(rest[0]) != std::string_view::npos) {
      t.order = rest[0] == '=' ? '<' : rest[0];
      rest.remove_prefix(1);
    }
    if (rest.empty()) fail(fmt::format("descr '{}' is no element type", descr));
    t.kind = rest[0];
    rest = rest.substr(1, rest.find('[') - 1);  // datetime units: M8[ns]
    const char* const end = rest.data() + rest.size();
    if (std::from_chars(rest.data(), end, t.bytes).ptr != end) fail(fmt::format("descr '{}' is no element type", descr));
    if (t.kind == 'U') t.bytes *= 4;
    return t;
  }
  void structured() {
    int depth = 0;
    for (; at_ < text_.size(); ++at_) {
      depth += text_[at_] == '[' ? 1 : text_[at_] == ']' ? -1 : 0;
      if (depth == 0) {
        ++at_;
        return;
      }
    }
    fail("a list without end");
  }

  const std::string& file_;
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string NpyType::name() const {
  const std::string big = order == '>' && bytes > 1 ? "big-endian " : "";
  const auto sized = [&](const char* kind_name) { return fmt::format("{}{}{}", big, kind_name, 8 * bytes); };
  switch (kind) {
    case 'f':
      return sized("float");
    case 'i':
      return sized("int");
    case 'u':
      return sized("uint");
    case 'c':
      return sized("complex");
    case 'b':
      return "bool";
    case 'O':
      return "object";
    case 'U':
      return big + "unicode";
    case 'S':
    case 'a':
      return "bytes";
    case 'V':
      return "void";
    case 'M':
      return big + "datetime64";
    case 'm':
      return big + "timedelta64";
    case '?':
      return "structured";
    default:
      return fmt::format("{}{}{}", big, kind, bytes);
  }
}

NpyInfo read_npy_header(ByteSource& source) {
  std::uint8_t start[8];
  require(source.left() >= 10, "{}: {} bytes are too few for a .npy file", source.name(), source.left());
  source.read(start, sizeof start);
  require(std::memcmp(start, "\x93NUMPY", 6) == 0, "{}: is not a .npy file", source.name());
  const int major = start[6], minor = start[7];
  require(major >= 1 && major <= 3 && minor == 0, "{}: .npy version {}.{}, not 1.0, 2.0 or 3.0", source.name(), major, minor);
  std::uint8_t length[4] = {};
  source.read(length, major == 1 ? 2 : 4);
  const std::size_t bytes = length[0] | length[1] << 8 | length[2] << 16 | static_cast<std::size_t>(length[3]) << 24;
  require(bytes <= 1 << 20, "{}: malformed .npy header: {} bytes long", source.name(), bytes);
  require(bytes <= source.left(), "{}: is cut short: the .npy header is {} bytes long, {} are there", source.name(), bytes, source.left());
  std::string text(bytes, ' ');
  source.read(text.data(), bytes);
  const NpyInfo info = HeaderParser(source.name(), text).parse();
  require(info.type.kind != 'O' && info.type.kind != '?', "{}: dtype {} does not hold plain numbers; save float32 or float64",
          source.name(), info.type.name());
  require(info.type.bytes > 0 && info.type.bytes <= 1 << 20, "{}: malformed .npy header: dtype {}", source.name(), info.type.name());
  const std::uint64_t wanted = info.data_bytes();
  require(source.left() >= wanted, "{}: is cut short: shape {} of {} takes {} bytes, {} follow the header", source.name(), info.shape,
          info.type.name(), wanted, source.left());
  require(source.left() == wanted, "{}: shape {} of {} takes {} bytes, {} follow the header: {} too many", source.name(), info.shape,
          info.type.name(), wanted, source.left(), source.left() - wanted);
  return info;
}

std::string npy_header(const std::string& descr, const Shape& shape) {
  std::string tuple;
  for (int axis = 0; axis < shape.rank(); ++axis) tuple += fmt::format("{}{}", axis ? ", " : "", shape[axis]);
  if (shape.rank() == 1) tuple += ",";
  std::string dict = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, tuple);
  dict.append(63 - (10 + dict.size()) % 64, ' ');
  dict += '\n';
  std::string header = "\x93NUMPY";
  header += {'\1', '\0', static_cast<char>(dict.size() & 0xff), static_cast<char>(dict.size() >> 8)};
  return header + dict;
}

}  // namespace tangentplane::data
