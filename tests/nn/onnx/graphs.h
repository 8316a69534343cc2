// Small ONNX files that a test writes itself, and the golden ones.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>

#include "data/npy.h"
#include "data/npz.h"
#include "nn/onnx/load.h"
#include "onnx.pb.h"
#include "tests/places.h"
#include "tests/small.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

namespace tangentplane::onnx_test {

using Integers = std::vector<std::int64_t>;
using Reals = std::vector<double>;

/// A graph under construction. Images are `x` [batch, ...], the output is `y`.
class GraphWriter {
 public:
  /// Input dims; -1 for a dynamic one.
  explicit GraphWriter(int opset, const Integers& input, const std::string& output = "y") {
    model.set_ir_version(8);
    auto* o = model.add_opset_import();
    o->set_domain("");
    o->set_version(opset);
    describe(model.mutable_graph()->add_input(), "x", input);
    describe(model.mutable_graph()->add_output(), output, {});
  }
  /// A node; inputs by name, "" for one that is left out.
  onnx::proto::NodeProto& node(const std::string& op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
    auto* n = model.mutable_graph()->add_node();
    n->set_op_type(op);
    n->set_name("node_" + op + "_" + std::to_string(model.graph().node_size()));
    for (const auto& i : inputs) n->add_input(i);
    for (const auto& o : outputs) n->add_output(o);
    return *n;
  }
  void reals(const std::string& name, const Integers& dims, const Reals& values) {
    auto* t = tensor(name, dims, 1);
    for (double v : values) t->add_float_data(static_cast<float>(v));
  }
  void integers(const std::string& name, const Integers& values, bool scalar = false) {
    auto* t = tensor(name, scalar ? Integers{} : Integers{static_cast<std::int64_t>(values.size())}, 7);
    for (auto v : values) t->add_int64_data(v);
  }
  /// A weight whose values differ from one another.
  void weight(const std::string& name, const Integers& dims, double size = 1) {
    Index count = 1;
    for (auto d : dims) count *= d;
    RandomStream random(11, name);
    Reals values;
    for (Index i = 0; i < count; ++i) values.push_back(size * random.normal());
    reals(name, dims, values);
  }
  onnx::proto::TensorProto* tensor(const std::string& name, const Integers& dims, int type) {
    auto* t = model.mutable_graph()->add_initializer();
    t->set_name(name);
    t->set_data_type(type);
    for (auto d : dims) t->add_dims(d);
    return t;
  }
  static void describe(onnx::proto::ValueInfoProto* v, const std::string& name, const Integers& dims) {
    v->set_name(name);
    auto* t = v->mutable_type()->mutable_tensor_type();
    t->set_elem_type(1);
    for (auto d : dims) {
      auto* dim = t->mutable_shape()->add_dim();
      if (d < 0)
        dim->set_dim_param("batch");
      else
        dim->set_dim_value(d);
    }
  }
  std::filesystem::path write(const TemporaryFolder& folder, const std::string& name = "model.onnx") const {
    std::string bytes;
    model.SerializeToString(&bytes);
    return folder.write(name, bytes);
  }

  onnx::proto::ModelProto model;
};

inline void set(onnx::proto::NodeProto& n, const std::string& name, std::int64_t value) {
  auto* a = n.add_attribute();
  a->set_name(name), a->set_type(onnx::proto::AttributeProto::INT), a->set_i(value);
}
inline void set(onnx::proto::NodeProto& n, const std::string& name, double value) {
  auto* a = n.add_attribute();
  a->set_name(name), a->set_type(onnx::proto::AttributeProto::FLOAT), a->set_f(static_cast<float>(value));
}
inline void set(onnx::proto::NodeProto& n, const std::string& name, const std::string& value) {
  auto* a = n.add_attribute();
  a->set_name(name), a->set_type(onnx::proto::AttributeProto::STRING), a->set_s(value);
}
inline void set(onnx::proto::NodeProto& n, const std::string& name, const Integers& values) {
  auto* a = n.add_attribute();
  a->set_name(name), a->set_type(onnx::proto::AttributeProto::INTS);
  for (auto v : values) a->add_ints(v);
}

inline std::filesystem::path golden_folder() { return std::filesystem::path(places::golden()) / "onnx"; }

/// One of the golden cases (golden/onnx/README.md).
template <class S>
struct OnnxCase {
  onnx::Loaded<S> loaded;
  Tensor<S> images;
  nlohmann::json about;
  data::NamedTensors<double> expected;

  Tensor<double> operator[](const std::string& name) const {
    const auto* t = data::find(expected, name);
    INFO(name);
    REQUIRE(t);
    return *t;
  }
  bool has(const std::string& name) const { return data::find(expected, name) != nullptr; }
};

inline const std::vector<std::string> onnx_cases{
    "vgg",         "resnet_small", "mobilenet_small", "convnext_small", "vit_small",     "mixer_small",        "densenet_small",
    "mlp_vectors", "one_logit",    "shared",          "resnet_default", "torch_default", "patch_norm_opset14", "fresh_resnet"};

template <class S>
OnnxCase<S> load_case(const std::string& name) {
  const auto folder = golden_folder() / name;
  return {onnx::load_onnx<S>(folder / "model.onnx"), data::load_npy<S>(folder / "images.npy"),
          nlohmann::json::parse(std::ifstream(folder / "case.json")), data::load_npz<double>(folder / "expected.npz")};
}

}  // namespace tangentplane::onnx_test
