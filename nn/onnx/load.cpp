#include "nn/onnx/load.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "nn/checkpoint.h"
#include "nn/onnx/model.h"
#include "nn/onnx/read/program.h"

namespace tangentplane::onnx {
namespace {

struct Read {
  Graph graph;
  std::shared_ptr<const Program> program;
  Description description;
};

/// What f does; a message is of one line, whatever the file's names hold.
template <class F>
auto in_one_line(const F& f) {
  try {
    return f();
  } catch (const std::invalid_argument& e) {
    std::string line = e.what();
    std::replace_if(
        line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, '?');
    throw std::invalid_argument(line);
  }
}

/// A NaN is nobody's weight; an infinity may stand in the mask of an attention, but not where something is learnt or divided by.
void require_finite(const Graph& graph, const Roles& roles) {
  std::set<std::string> statistics;
  for (const auto& [output, names] : roles.statistics) statistics.insert({names.first, names.second});
  for (const Initialiser& i : graph.initialisers) {
    const auto role = roles.parameter.find(i.name);
    const bool parameter = role != roles.parameter.end() && role->second, weight = parameter || statistics.contains(i.name);
    for (const double v : i.value->reals)
      require(weight ? std::isfinite(v) : !std::isnan(v), "{}: {} holds {}; all weights must be finite{}", graph.file, i.name, v,
              parameter && std::isinf(v) ? fmt::format(" (if it is a mask and no weight: --freeze {})", i.name) : "");
  }
}

/// Of numbers that are finite in the file, but not as S.
template <class S>
void require_finite_as(const std::string& file, const Start& start) {
  for (const double v : start.value->reals)
    require(std::isfinite(static_cast<S>(v)), "{}: {} holds {}, more than float32 does; take float64 (--dtype float64)", file, start.name,
            v);
}

Read read_file(const std::filesystem::path& path, const Trainable& trainable) {
  Read r{read_graph(path), nullptr, {}};
  const Roles roles = assign_roles(r.graph, trainable);
  require_finite(r.graph, roles);
  Program program = make_program(r.graph, roles);
  run_constant_steps(program);
  r.program = std::make_shared<const Program>(std::move(program));
  const Program& p = *r.program;
  Description& d = r.description;
  d = {r.graph.input, r.graph.output, r.graph.opset, p.image, p.outputs, {}, {}, {}, {}, size_of(p), computed_weight_of(p)};
  for (const auto& [id, start] : p.parameters) d.trainable.push_back(start.name);
  for (const Start& s : p.statistics) d.statistics.push_back(s.name);
  for (const Step& s : p.steps)
    if (const auto* norm = std::get_if<op::BatchNorm>(&s.op)) d.variances.emplace(norm->variance, norm->epsilon);
  for (const Start& s : p.statistics)
    for (const double v : s.value->reals) require_variance(r.graph.file, s.name, v, d);
  for (const Initialiser& i : r.graph.initialisers) {
    const auto in = [&](const std::vector<std::string>& list) { return std::find(list.begin(), list.end(), i.name) != list.end(); };
    if (i.value->type == Type::real && !in(d.trainable) && !in(d.statistics)) d.constants.push_back(i.name);
  }
  return r;
}

Read read(const std::filesystem::path& path, const Trainable& trainable) {
  return in_one_line([&] { return read_file(path, trainable); });
}

}  // namespace

Description describe_onnx(const std::filesystem::path& path, const Trainable& trainable) { return read(path, trainable).description; }

void require_variance(const std::string& file, const std::string& name, double value, const Description& description) {
  const auto found = description.variances.find(name);
  if (found != description.variances.end()) tangentplane::require_variance(file, name, value, found->second);
}

template <class S>
Loaded<S> load_onnx(const std::filesystem::path& path, const Trainable& trainable) {
  Read r = read(path, trainable);
  in_one_line([&] {
    for (const auto& [id, start] : r.program->parameters) require_finite_as<S>(r.graph.file, start);
    for (const Start& s : r.program->statistics) require_finite_as<S>(r.graph.file, s);
  });
  const Network<S> network(OnnxModel<S>(r.program));
  try {  // a run on one empty image: what the ops themselves refuse is said here, and by name
    return {network, initialise(network, r.program->image, 0), std::move(r.description)};
  } catch (const std::invalid_argument& e) {
    if (std::string_view(e.what()).starts_with(r.graph.file + ": ")) throw;
    throw std::invalid_argument(fmt::format("{}: {}", r.graph.file, e.what()));
  }
}

template Loaded<float> load_onnx(const std::filesystem::path&, const Trainable&);
template Loaded<double> load_onnx(const std::filesystem::path&, const Trainable&);

}  // namespace tangentplane::onnx
