// The smallest number of steps t after which at most `left` of an eigenfunction remains: (1 - eta lambda)^t <= left.
// Here 0 < eta lambda < 1. Do not run the steps; solve for t.
// At hand: std::log, std::log1p(x), which is log(1 + x) and exact for a tiny x too, std::ceil.
double steps(double eta, double lambda, double left) {
  your_turn(eta, lambda, left);  // replace this line
}
