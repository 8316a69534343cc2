#include "experiments/common/run/config.h"

#include <algorithm>

#include "experiments/common/text/files.h"

namespace tangentplane::experiments {
namespace {

bool is_bare(const std::string& value) {
  if (value == "true" || value == "false") return true;
  const std::string_view digits = std::string_view(value).substr(value.starts_with('-') ? 1 : 0);
  if (digits.empty() || !std::isdigit(static_cast<unsigned char>(digits.front())) ||
      !std::isdigit(static_cast<unsigned char>(digits.back())))
    return false;
  if (digits.size() > 1 && digits[0] == '0' && std::isdigit(static_cast<unsigned char>(digits[1]))) return false;
  double number = 0;
  return std::from_chars(value.data(), value.data() + value.size(), number).ptr == value.data() + value.size();
}

std::string quoted(const std::string& value) {
  std::string s = "\"";
  for (char c : value) {
    if (c == '\n')
      s += "\\n";
    else if (c == '\t')
      s += "\\t";
    else
      s += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
  }
  return s + "\"";
}

class Reader {
 public:
  Reader(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  Config read() {
    Config config;
    for (skip(true); at_ < text_.size(); skip(true)) {
      const std::string key = word("a key");
      skip(false);
      expect(peek() == '=', fmt::format("give {} = value", key));
      ++at_;
      skip(false);
      expect(!config.find(key), fmt::format("{} comes twice; give it once", key));
      config.set(key, value());
      skip(false);
      expect(at_ == text_.size() || peek() == '\n', "something follows the value; give one key = value a line");
    }
    return config;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void expect(bool ok, const std::string& line) const {
    require(ok, "{}, line {}: {}", name_, 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'), line);
  }

  // Blanks and comments, and line ends where a statement may continue or begin.
  void skip(bool lines) {
    while (at_ < text_.size()) {
      if (peek() == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else if (peek() == ' ' || peek() == '\t' || peek() == '\r' || (lines && peek() == '\n'))
        ++at_;
      else
        return;
    }
  }

  std::string word(const std::string& wanted) {
    const std::size_t begin = at_;
    while (std::isalnum(static_cast<unsigned char>(peek())) ||
           (peek() != '\0' && std::string_view("-_+.").find(peek()) != std::string::npos))
      ++at_;
    expect(at_ > begin, fmt::format("expected {}", wanted));
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string string() {
    const char quote = text_[at_++];
    std::string s;
    while (peek() != quote) {
      expect(at_ < text_.size() && peek() != '\n', "a string does not end");
      char c = text_[at_++];
      if (c == '\\' && quote == '"') {
        expect(peek() != '\0' && std::string_view("\"\\nt").find(peek()) != std::string::npos,
               "in a string, \\ comes before \", \\, n or t");
        c = text_[at_++];
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
      }
      s += c;
    }
    ++at_;
    return s;
  }

  std::string scalar() {
    if (peek() == '"' || peek() == '\'') return string();
    const std::string s = word("a value: a \"string\", a number, true, false or a list of them");
    expect(is_bare(s) || s.starts_with('+'), fmt::format("{} is no number; a string needs quotes: \"{}\"", s, s));
    return s.starts_with('+') ? s.substr(1) : s;
  }

  std::string value() {
    if (peek() != '[') return scalar();
    std::vector<std::string> items;
    ++at_;
    for (skip(true); peek() != ']'; skip(true)) {
      items.push_back(scalar());
      skip(true);
      expect(peek() == ',' || peek() == ']', "a list has commas between its values and ends with ]");
      if (peek() == ',') ++at_;
    }
    ++at_;
    return join(items);
  }

  std::string_view text_, name_;
  std::size_t at_ = 0;
};

}  // namespace

void Config::set(std::string_view key, std::string value) {
  for (Entry& e : entries_)
    if (e.first == key) {
      e.second = std::move(value);
      return;
    }
  entries_.emplace_back(key, std::move(value));
}

void Config::erase(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& e) { return e.first == key; });
}

const std::string* Config::find(std::string_view key) const {
  for (const Entry& e : entries_)
    if (e.first == key) return &e.second;
  return nullptr;
}

std::string Config::toml() const {
  std::string s;
  for (const auto& [key, value] : entries_) s += fmt::format("{} = {}\n", key, is_bare(value) ? value : quoted(value));
  return s;
}

Config Config::parse(std::string_view text, std::string_view name) { return Reader(text, name).read(); }

Config Config::read(const std::filesystem::path& path) { return parse(read_text(path), path.string()); }

}  // namespace tangentplane::experiments
