#include "experiments/common/run/provenance.h"

#include "experiments/common/text/shell.h"

namespace tangentplane::experiments {
namespace {

std::string& line() {
  static auto* text = new std::string;  // never destroyed: read wherever the process ends
  return *text;
}

}  // namespace

void remember_command(int argc, const char* const* argv) {
  line().clear();
  for (int i = 0; i < argc; ++i) line() += (i > 0 ? " " : "") + shell_quoted(argv[i]);
}

const std::string& command() { return line(); }

}  // namespace tangentplane::experiments
