// OnnxModel's definition, for the files that compile it.
#pragma once

#include "nn/onnx/model.h"
#include "nn/onnx/run/normalisations.h"

namespace tangentplane::onnx {

template <class T>
T OnnxModel::operator()(const Scope<T>& scope, const T& images) const {
  const Program& p = *program;
  const Shape shape = shape_of(images);
  bool fits = shape.rank() == p.image.rank() + 1;
  for (int i = 0; fits && i < p.image.rank(); ++i) fits = shape[i + 1] == p.image[i];
  require(fits, "{}: takes images [N,{}, got {}", p.file, p.image.str().substr(1), shape);

  Run<T> run{p, scope, shape[0], {}};
  run.values.resize(p.values.size());
  const auto put = [&](int id, Value<T> v) { run.values[static_cast<std::size_t>(id)].emplace(std::move(v)); };
  const auto dims_of = [&](int id) -> const Dims& { return p.values[static_cast<std::size_t>(id)].dims; };
  const auto all_axes = [](const Dims& dims) {
    std::vector<int> axes;
    for (std::size_t i = 0; i < dims.size(); ++i) axes.push_back(static_cast<int>(i));
    return axes;
  };
  const auto shape_from = [](const Dims& dims) {
    Shape s;
    for (Index d : dims) s.append(d);
    return s;
  };
  // Images come with their channels last; the batch's own axis, of one example, does not lie there.
  const Dims& in = dims_of(p.input);
  std::vector<int> axes = in.size() == 4 ? channels_last() : all_axes(in);
  if (in.size() != 4) axes.erase(axes.begin());
  put(p.input, made(images, axes, in, true));
  for (const auto& [id, start] : p.parameters) {
    const auto initial = [value = start.value](const Shape& s, RandomStream&) { return Tensor<double>::from(s, value->reals); };
    put(id,
        made(scope.parameter(start.name, shape_from(start.value->dims), initial), all_axes(start.value->dims), start.value->dims, false));
  }
  for (const Step& step : p.steps) {
    for (int id : step.inputs)
      if (id >= 0 && !run.values[static_cast<std::size_t>(id)]) {
        const ConstantPointer& c = p.values[static_cast<std::size_t>(id)].constant;
        require(c != nullptr, "{}: {} is not computed", p.file, p.values[static_cast<std::size_t>(id)].name);
        put(id, made(known<T>(*c, shape_from(c->dims)), all_axes(c->dims), c->dims, false));
      }
    put(step.output, std::visit([&](const auto& op) { return onnx::run(op, step, run); }, step.op));
    for (int id : step.done) run.values[static_cast<std::size_t>(id)].reset();
  }
  return arranged(run.at(p.output), {1});
}

}  // namespace tangentplane::onnx
