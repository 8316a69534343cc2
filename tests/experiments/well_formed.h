// A small check that markup nests: every element closed in order, attributes quoted, no stray < or &, ids unique.
#pragma once

#include <cctype>
#include <set>
#include <string>
#include <vector>

namespace tangentplane::experiments::test {

/// Empty if `text` is well formed; otherwise what is wrong first.
inline std::string malformed(const std::string& text) {
  const std::set<std::string> inert{"style"};
  std::vector<std::string> open;
  std::set<std::string> ids;
  std::size_t at = 0;
  const auto around = [&] { return " near: " + text.substr(at, 60); };
  while (at < text.size()) {
    if (text[at] == '&') {
      const std::size_t end = text.find(';', at);
      if (end == std::string::npos || end - at > 8) return "stray &" + around();
      at = end + 1;
      continue;
    }
    if (text[at] != '<') {
      ++at;
      continue;
    }
    std::size_t end = at + 1;
    for (char quote = 0; end < text.size() && (quote || text[end] != '>'); ++end) {
      if (!quote && text[end] == '<') return "stray <" + around();
      if (!quote && (text[end] == '"' || text[end] == '\''))
        quote = text[end];
      else if (quote == text[end])
        quote = 0;
    }
    if (end == text.size()) return "a tag without end" + around();
    const std::string tag = text.substr(at + 1, end - at - 1);
    if (!tag.starts_with("!DOCTYPE") && !tag.starts_with("?")) {
      std::size_t length = tag[0] == '/' ? 1 : 0;
      while (length < tag.size() && (std::isalnum(static_cast<unsigned char>(tag[length])) || tag[length] == ':')) ++length;
      const std::string name = tag.substr(0, length);
      for (const std::string quote : {"'", "\""})
        if (const std::size_t id = tag.find(" id=" + quote); id != std::string::npos) {
          const std::string value = tag.substr(id + 5, tag.find(quote, id + 5) - id - 5);
          if (!ids.insert(value).second) return "the id " + value + " comes twice";
        }
      if (name[0] == '/') {
        if (open.empty() || open.back() != name.substr(1)) return name + " closes " + (open.empty() ? "nothing" : open.back()) + around();
        open.pop_back();
      } else if (tag.back() != '/') {
        open.push_back(name);
        if (inert.contains(name)) {
          end = text.find("</" + name, end);
          if (end == std::string::npos) return name + " is not closed";
          at = end;
          continue;
        }
      }
    }
    at = end + 1;
  }
  return open.empty() ? "" : open.back() + " is not closed";
}

}  // namespace tangentplane::experiments::test
