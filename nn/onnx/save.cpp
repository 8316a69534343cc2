#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "data/files.h"
#include "nn/onnx/load.h"
#include "nn/onnx/read/program.h"

namespace tangentplane::onnx {
namespace {

/// The tensor holds these bytes, in the file itself.
void put_bytes(proto::TensorProto& t, std::string bytes) {
  t.clear_float_data();
  t.clear_double_data();
  t.clear_int32_data();
  t.clear_int64_data();
  t.clear_external_data();
  t.clear_data_location();
  t.set_raw_data(std::move(bytes));
}

template <class To, class S>
std::string bytes_of(const Tensor<S>& values) {
  std::string bytes(static_cast<std::size_t>(values.size()) * sizeof(To), '\0');
  for (Index i = 0; i < values.size(); ++i) {
    const To v = static_cast<To>(values[i]);
    std::copy_n(reinterpret_cast<const char*>(&v), sizeof v, bytes.data() + static_cast<std::size_t>(i) * sizeof v);
  }
  return bytes;
}

template <class S>
void put(proto::TensorProto& t, const Tensor<S>& values) {
  put_bytes(t, t.data_type() == DataType::float64 ? bytes_of<double>(values) : bytes_of<float>(values));
}

}  // namespace

template <class S>
void save_onnx(const std::filesystem::path& from, const std::filesystem::path& to, const Variables<S>& variables) {
  const std::string file = from.string();
  const std::filesystem::path folder = from.parent_path();
  const Graph graph = read_graph(from);
  const Statistics statistics = statistics_of(graph);
  proto::ModelProto model = parse_model(from);
  proto::GraphProto& g = *model.mutable_graph();

  std::map<std::string, const Tensor<S>*> values;
  for (std::size_t i = 0; i < variables.paths.size(); ++i) values[variables.paths[i]] = &variables.parameters[i];
  for (const auto& [name, value] : variables.statistics) {
    require(!values.contains(name), "{}: {} is a parameter and a statistic", file, name);
    values[name] = &value;
  }

  // Copies of an initialiser that are values of their own become initialisers, whether they are trained or not: what they were copies of
  // changes. First an Identity, then a statistic that an exporter merged with another.
  std::map<std::string, proto::TensorProto*> tensors;
  for (auto& t : *g.mutable_initializer()) tensors[t.name()] = &t;
  const auto copy = [&](const std::string& source, const std::string& name) {
    proto::TensorProto* const t = g.add_initializer();
    *t = *tensors.at(source);
    t->set_name(name);
    tensors[name] = t;
  };
  std::set<std::string> copied;
  for (const Initialiser& i : graph.initialisers)
    if (i.name != i.stored && i.value->type == Type::real) copy(i.stored, i.name), copied.insert(i.name);
  auto& nodes = *g.mutable_node();
  for (int i = nodes.size(); i-- > 0;)
    if (nodes[i].op_type() == "Identity" && nodes[i].output_size() == 1 && copied.contains(nodes[i].output(0))) nodes.DeleteSubrange(i, 1);
  for (auto& node : nodes) {
    const auto found =
        node.op_type() == "BatchNormalization" && node.output_size() > 0 ? statistics.find(node.output(0)) : statistics.end();
    if (found == statistics.end()) continue;
    for (const auto& [slot, name] : {std::pair{3, found->second.first}, {4, found->second.second}}) {
      if (node.input(slot) == name) continue;
      copy(node.input(slot), name);
      node.set_input(slot, name);
    }
  }

  for (const auto& [name, value] : values) {
    const auto t = tensors.find(name);
    require(t != tensors.end() && DataType::real(t->second->data_type()),
            "{}: has no initialiser {}; it takes the variables that were read from it", file, name);
    const Dims dims(t->second->dims().begin(), t->second->dims().end());
    bool same = dims.size() == static_cast<std::size_t>(value->shape().rank());
    for (std::size_t i = 0; same && i < dims.size(); ++i) same = dims[i] == value->shape()[static_cast<int>(i)];
    require(same, "{}: {} has dims {} there, not {}", file, name, text(dims), value->shape());
  }
  for (auto& t : *g.mutable_initializer()) {
    if (const auto found = values.find(t.name()); found != values.end()) {
      put(t, *found->second);
    } else if (t.data_location() == proto::TensorProto::EXTERNAL) {
      const Constant dims_only = read_tensor(file, folder, t.name(), t);
      put_bytes(t, read_external(file, folder, t.name(), t, dims_only.size() * DataType::bytes(t.data_type())));
    }
  }
  const auto size = model.ByteSizeLong();
  require(size <= static_cast<std::size_t>(std::numeric_limits<int>::max()),
          "{}: with all weights in it {} takes {} bytes; one file holds 2 GB", file, to.string(), size);
  data::write_atomically(to, [&](std::ostream& out) { model.SerializeToOstream(&out); });
}

template void save_onnx(const std::filesystem::path&, const std::filesystem::path&, const Variables<float>&);
template void save_onnx(const std::filesystem::path&, const std::filesystem::path&, const Variables<double>&);

}  // namespace tangentplane::onnx
