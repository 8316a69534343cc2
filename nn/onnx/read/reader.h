// One reading of a graph at a given size of the batch: what is known of each value, and the steps. A graph is read with a batch of one,
// which is what runs, and once more with a large prime, which shows where the batch lies: an op that works along it would mix the examples.
#pragma once

#include <deque>

#include "nn/onnx/program.h"
#include "nn/onnx/read/graph.h"

namespace tangentplane::onnx {

/// What is known of a value at some size of the batch.
struct Known {
  Type type = Type::real;
  Dims dims;
  Role role = Role::examples;
  ConstantPointer value;  ///< of Role::constant, unless there are too many numbers
  /// Axis that the batch is a factor of, and how many entries of that axis lie within one example's step; -1 where there is no batch.
  int batch_axis = -1;
  Index batch_inner = 1;
};

/// Of a reading.
struct Reading {
  Index batch = 1;
  std::deque<Known> values;        ///< a deque: handlers hold references while they add
  std::vector<std::string> names;  ///< of the values
  std::map<std::string, int> numbers;
  std::vector<Step> steps;
  /// Axes that a Squeeze without axes took away, by its output: those of 1 but for the batch's, which only the tracked reading tells.
  std::map<std::string, std::vector<int>> squeezed;
  std::map<int, int> nan_of;         ///< of which value an IsNaN tells
  const Reading* tracked = nullptr;  ///< the other reading, if there is one

  /// A new value; one without a name is not found by it.
  int add(const std::string& name, Known known);
};

/// Names of the mean and the variance, by the first output of a BatchNormalization.
using Statistics = std::map<std::string, std::pair<std::string, std::string>>;

/// What a reading needs beside the graph: which initialisers are parameters, and the statistics' names.
struct Roles {
  std::map<std::string, bool> parameter;  ///< of each floating-point initialiser: trainable or not
  Statistics statistics;
};

/// Reads all nodes of `graph` at that batch; `tracked` is the reading that knows where the batch lies. Throws std::invalid_argument naming
/// file and node.
Reading read_nodes(const Graph& graph, const Roles& roles, Index batch, const Reading* tracked = nullptr);

/// A node while it is read.
class NodeReader {
 public:
  NodeReader(const Graph& graph, const Roles& roles, const Node& node, Reading& reading);

  const Node& node;
  int opset() const { return graph_.opset; }
  const Roles& roles() const { return roles_; }

  /// Throws std::invalid_argument naming file and node.
  [[noreturn]] void fail(const std::string& what) const { graph_.fail(node, what); }
  template <class... Args>
  void check(bool ok, fmt::format_string<Args...> line, Args&&... args) const {
    if (!ok) fail(fmt::format(line, std::forward<Args>(args)...));
  }

  // Attributes, or what they are where left out.
  std::int64_t integer(const char* name, std::int64_t otherwise) const;
  double real(const char* name, float otherwise) const;
  std::string word(const char* name, const char* otherwise) const;
  std::optional<std::vector<std::int64_t>> integers(const char* name) const;

  // Inputs.
  int count() const { return static_cast<int>(node.inputs.size()); }
  bool has(int i) const { return i < count() && !node.inputs[static_cast<std::size_t>(i)].empty(); }
  /// Number of the value, -1 where it is left out.
  int id(int i) const;
  /// What is known of it. Throws where it is left out.
  const Known& input(int i) const;
  const Known& at(int id) const { return reading_.values[static_cast<std::size_t>(id)]; }
  /// Its numbers, which must be known when the file is read; `what` names it in messages.
  const Constant& known(int i, const char* what) const;
  std::vector<std::int64_t> known_integers(int i, const char* what) const;
  /// Its one number.
  double known_number(int i, const char* what) const;
  /// The list that is an attribute up to some opset and an input from then on.
  std::optional<std::vector<std::int64_t>> list(const char* name, int i) const;
  /// The axis, counted from the first.
  int axis(std::int64_t axis, std::size_t rank) const;

  // The batch.
  /// Throws if the op works along the batch axis of the value.
  void keep_apart(const Known& x, int axis) const;
  bool tracking() const { return reading_.batch > 1; }
  Reading& reading() { return reading_; }
  /// The dims as messages show them: N where the batch is.
  std::string shown(const Dims& dims) const;
  /// x's numbers under other dims.
  Known regrouped(const Known& x, Dims dims) const;
  /// Of an op that broadcasts its operands.
  Known broadcast(const std::vector<int>& ids) const;

  // Outputs.
  /// A step; its result is the node's output `which`, or (-1) a value of its own. What only depends on constants is computed at once.
  int emit(Operation op, std::vector<int> inputs, Known out, int which = 0);
  /// The node's output is another value.
  void alias(int id, int which = 0);
  /// The node's output is known.
  void constant(Constant c, int which = 0);
  /// While the batch is tracked constants that are repeated for it may be of more numbers than are computed, and only their shape is asked
  /// for: true where such a one would be made, or is made `of` such ones.
  bool too_many(const Dims& dims, const std::vector<const Known*>& of = {}) const;
  /// Then the output is one, of which only the shape is known.
  bool only_shape(Type type, const Dims& dims, const std::vector<const Known*>& of = {});
  /// A known value of its own.
  int value(Constant c) {
    Known k{c.type, c.dims, Role::constant, nullptr, -1, 1};
    k.value = std::make_shared<const Constant>(std::move(c));
    return reading_.add("", std::move(k));
  }
  /// True if a later node uses that output.
  bool uses_output(int which) const {
    return which < static_cast<int>(node.outputs.size()) && !node.outputs[static_cast<std::size_t>(which)].empty();
  }

 private:
  const Graph& graph_;
  const Roles& roles_;
  Reading& reading_;
};

/// numpy's rule. None where two extents differ and neither is 1.
std::optional<Dims> broadcast_dims(const Dims& a, const Dims& b);

}  // namespace tangentplane::onnx
