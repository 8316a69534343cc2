// A file's graph, checked: every name defined once and before its use, every operator of the default domain, one input, one output. What
// does not lead to the output is left out.
#pragma once

#include <map>
#include <optional>
#include <variant>

#include "nn/onnx/read/file.h"

namespace tangentplane::onnx {

/// What a node says beside its inputs.
using Attribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>, ConstantPointer,
                               std::monostate /* a graph, a list of texts: nothing that is read */>;

/// One operator of the graph; inputs and outputs by name, an empty one left out.
struct Node {
  std::string name, op;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, Attribute> attributes;

  /// As in messages: node /conv/Conv (Conv).
  std::string text() const { return fmt::format("node {} ({})", name, op); }
};

/// What a parameter, a statistic or a constant starts from: an initialiser, or an Identity of one, which counts as one of its own.
struct Initialiser {
  std::string name;
  ConstantPointer value;
  std::string stored;  ///< name of the file's tensor: its own, or of what it copies
};

/// The graph of a file.
struct Graph {
  std::string file;                           ///< its path, for messages
  int opset = 0;                              ///< version of the default domain's operators
  std::string input, output;                  ///< their names
  std::vector<std::optional<Index>> extents;  ///< of the input; none: dynamic
  std::vector<std::string> dynamic_names;     ///< of its extents, as the file has them; "" where there is none
  std::vector<Initialiser> initialisers;      ///< in the file's order, those of Identity after them
  std::vector<Node> nodes;                    ///< in the file's order; none is an Identity of an initialiser

  /// Throws std::invalid_argument: the file, the node, and what is wrong.
  [[noreturn]] void fail(const Node& node, const std::string& what) const {
    throw std::invalid_argument(fmt::format("{}: {}: {}", file, node.text(), what));
  }
};

/// Oldest and newest opset that are read.
inline constexpr int first_opset = 13, last_opset = 23;

/// Reads the file. Throws std::invalid_argument with one line that names the file first, then the node or tensor.
Graph read_graph(const std::filesystem::path& path);

}  // namespace tangentplane::onnx
