int steps(double eta, double lambda, double left) {
  return static_cast<int>(std::ceil(std::log(left) / std::log(1 - eta * lambda)));  // 10 times smaller lambda: about 10 times more steps
}
