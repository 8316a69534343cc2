#include "nn/onnx/run/model.h"

namespace tangentplane::onnx {

void run_constant_steps(Program& program) {
  std::vector<Step> left;
  const Variables<double> none;
  const std::vector<Tensor<double>> nothing;
  const Scope<Tensor<double>> scope(none, nothing, Mode::evaluation, nullptr);
  for (Step& step : program.steps) {
    const auto known = [&](int id) { return id < 0 || program.values[static_cast<std::size_t>(id)].constant != nullptr; };
    ValueInfo& out = program.values[static_cast<std::size_t>(step.output)];
    if (out.role != Role::constant || !std::all_of(step.inputs.begin(), step.inputs.end(), known)) {
      left.push_back(std::move(step));
      continue;
    }
    Run<Tensor<double>> run{program, scope, 1, {}};
    run.values.resize(program.values.size());
    for (int id : step.inputs) {
      if (id < 0) continue;
      const Constant& c = *program.values[static_cast<std::size_t>(id)].constant;
      run.values[static_cast<std::size_t>(id)].emplace(
          made(Tensor<double>::from(shape_from(c.dims), c.reals), all_axes(c.dims), c.dims, false));
    }
    const Value<Tensor<double>> y = std::visit([&](const auto& op) { return onnx::run(op, step, run); }, step.op);
    const Tensor<double> numbers = arranged(y, all_axes(out.dims));
    out.constant = std::make_shared<const Constant>(Constant{Type::real, out.dims, {numbers.data(), numbers.data() + numbers.size()}, {}});
  }
  program.steps = std::move(left);
}

template class OnnxModel<double>;
template Tensor<double> OnnxModel<double>::operator()(const Scope<Tensor<double>>&, const Tensor<double>&) const;

}  // namespace tangentplane::onnx
