// The smallest number of steps t after which at most `left` of an eigenfunction remains: (1 - eta lambda)^t <= left.
// Here 0 < eta lambda < 1. Do not run the steps; solve for t.
// At hand: std::log, std::ceil.
int steps(double eta, double lambda, double left) {
  your_turn(eta, lambda, left);  // replace this line
}
