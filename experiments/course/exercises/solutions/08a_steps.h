double steps(double eta, double lambda, double left) {
  return std::ceil(std::log(left) / std::log1p(-eta * lambda));  // 10 times smaller lambda: about 10 times more steps
}
