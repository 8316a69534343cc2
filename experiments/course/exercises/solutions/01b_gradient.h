std::vector<double> gradient(const std::vector<double>& x) {
  std::vector<Dual> moving;
  for (const double v : x) moving.push_back({v});
  std::vector<double> slopes;
  for (Dual& input : moving) {
    input.tangent = 1;
    slopes.push_back(f(moving).tangent);
    input.tangent = 0;
  }
  return slopes;
}
