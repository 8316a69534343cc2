Matrix jacobian(const Tape& tape, const std::vector<Var>& outputs, const std::vector<Var>& inputs) {
  Matrix J = constant(static_cast<int>(outputs.size()), static_cast<int>(inputs.size()), 0);
  for (int i = 0; i < J.rows; ++i) {
    const std::vector<double> cotangents = pull(tape, outputs[i], 1);
    for (int j = 0; j < J.cols; ++j) J(i, j) = cotangents[inputs[j].place];
  }
  return J;
}
