#include "experiments/common/run/provenance.h"

#include <string_view>

namespace tangentplane::experiments {
namespace {

std::string& line() {
  static auto* text = new std::string;  // never destroyed: read wherever the process ends
  return *text;
}

std::string quoted(std::string_view word) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
  std::string text = "'";
  for (char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

void remember_command(int argc, const char* const* argv) {
  line().clear();
  for (int i = 0; i < argc; ++i) line() += (i > 0 ? " " : "") + quoted(argv[i]);
}

const std::string& command() { return line(); }

}  // namespace tangentplane::experiments
