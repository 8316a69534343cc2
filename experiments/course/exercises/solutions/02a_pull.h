std::vector<double> pull(const Tape& tape, int output, double cotangent) {
  std::vector<double> arrived(tape.steps.size(), 0.0);
  arrived[output] = cotangent;
  for (int i = output; i >= 0; --i)
    for (int k = 0; k < 2; ++k)
      if (const int to = tape.steps[i].operand[k]; to >= 0) arrived[to] += tape.steps[i].slope[k] * arrived[i];
  return arrived;
}
