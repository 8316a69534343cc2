// The README's table of operators is the code's.
#include <fstream>
#include <sstream>

#include "nn/onnx/read/table.h"
#include "tests/catch.h"
#include "tests/places.h"

using namespace tangentplane;

TEST_CASE("onnx: README lists the operators that are read, each once") {
  std::ifstream in(places::golden() + "/../../nn/onnx/README.md");
  std::string line, listed;
  bool table = false;
  while (std::getline(in, line)) {
    if (line.starts_with("| operators |")) table = true;
    if (table && line.empty()) break;
    if (table && line.starts_with("| ") && line.find("operators") == std::string::npos)
      listed += ", " + line.substr(2, line.find(" |") - 2);
  }
  for (const auto& o : onnx::operators()) {
    INFO(o.name);
    const std::string name = std::string(", ") + o.name;
    std::size_t count = 0;
    for (std::size_t at = 0; (at = listed.find(name, at)) != std::string::npos; at += name.size()) {
      const char next = at + name.size() < listed.size() ? listed[at + name.size()] : ',';
      count += next == ',' || next == ' ';
    }
    CHECK(count == 1);
    if (o.since > 13) CHECK(listed.find(name + " (from " + std::to_string(o.since) + ")") != std::string::npos);
  }
  CHECK(std::count(listed.begin(), listed.end(), ',') == static_cast<std::ptrdiff_t>(onnx::operators().size()));
}
