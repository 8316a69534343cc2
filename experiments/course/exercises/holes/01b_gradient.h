// The slope of f by each of its inputs, at x. In each run one input moves with speed 1, and all others stand still.
// At hand: struct Dual {primal, tangent}, Dual f(const std::vector<Dual>&).
std::vector<double> gradient(const std::vector<double>& x) {
  your_turn(x);  // replace this line
}
