// OnnxModel's definition, for the files that compile it.
#pragma once

#include "nn/onnx/model.h"
#include "nn/onnx/run/normalisations.h"

namespace tangentplane::onnx {

/// 0, 1, ...: a value that lies as the file has it.
inline std::vector<int> all_axes(const Dims& dims) {
  std::vector<int> axes;
  for (std::size_t i = 0; i < dims.size(); ++i) axes.push_back(static_cast<int>(i));
  return axes;
}

/// Runs one step and lets go of what no later one takes.
template <class T>
void run_step(const Step& step, Run<T>& run) {
  Value<T> y = std::visit([&](const auto& op) { return onnx::run(op, step, run); }, step.op);
  run.values[static_cast<std::size_t>(step.output)].emplace(std::move(y));
  for (int id : step.done) run.values[static_cast<std::size_t>(id)].reset();
}

template <class S>
OnnxModel<S>::OnnxModel(std::shared_ptr<const Program> program) : program_(std::move(program)) {
  constants_.resize(program_->values.size());
  for (const Step& step : program_->steps)
    for (int id : step.inputs) {
      const ConstantPointer& c = id >= 0 ? program_->values[static_cast<std::size_t>(id)].constant : nullptr;
      if (!c) continue;
      Tensor<S>& t = constants_[static_cast<std::size_t>(id)];
      t = Tensor<S>(shape_from(c->dims));
      for (Index i = 0; i < t.size(); ++i) t[i] = static_cast<S>(c->real(i));
    }
}

template <class S>
template <class T>
T OnnxModel<S>::operator()(const Scope<T>& scope, const T& images) const {
  const Program& p = *program_;
  const Shape shape = shape_of(images);
  bool fits = shape.rank() == p.image.rank() + 1;
  for (int i = 0; fits && i < p.image.rank(); ++i) fits = shape[i + 1] == p.image[i];
  require(fits, "{}: takes images [N,{}, got {}", p.file, p.image.str().substr(1), shape);

  Run<T> run{p, scope, shape[0], {}};
  run.values.resize(p.values.size());
  const auto put = [&](int id, T data, std::vector<int> axes, bool examples) {
    const Dims& dims = p.values[static_cast<std::size_t>(id)].dims;
    run.values[static_cast<std::size_t>(id)].emplace(made(std::move(data), std::move(axes), dims, examples));
  };
  // Images come with their channels last; the batch's own axis, of one example, does not lie there.
  const Dims& in = p.values[static_cast<std::size_t>(p.input)].dims;
  std::vector<int> axes = in.size() == 4 ? channels_last() : all_axes(in);
  if (in.size() != 4) axes.erase(axes.begin());
  put(p.input, images, axes, true);
  for (const auto& [id, start] : p.parameters) {
    const auto initial = [value = start.value](const Shape& s, RandomStream&) { return Tensor<double>::from(s, value->reals); };
    const Dims& dims = start.value->dims;
    put(id, scope.parameter(start.name, shape_from(dims), initial), all_axes(dims), false);
  }
  for (const Step& step : p.steps) {
    for (int id : step.inputs)
      if (id >= 0 && !run.values[static_cast<std::size_t>(id)])
        put(id, lift<T>(constants_[static_cast<std::size_t>(id)]), all_axes(p.values[static_cast<std::size_t>(id)].dims), false);
    std::vector<std::pair<int, Value<T>>> shared;  // what the step sees repeated, and others as it is
    if (step.by_example)
      for (int id : step.inputs) {
        auto& v = *run.values[static_cast<std::size_t>(id)];
        if (v.examples || p.values[static_cast<std::size_t>(id)].role == Role::constant) continue;
        shared.emplace_back(id, v);
        v = of_examples(v, run.examples);
      }
    run_step(step, run);
    for (auto& [id, v] : shared)
      if (auto& place = run.values[static_cast<std::size_t>(id)]) place = std::move(v);
  }
  return arranged(run.at(p.output), {1});
}

}  // namespace tangentplane::onnx
