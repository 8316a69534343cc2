// The largest eigenvalue of K [N, N] (symmetric, no negative eigenvalues) and its eigenvector of length 1, from any start [N, 1].
// In K u every eigenvector's part of u grows by its own eigenvalue, so the largest wins. Multiply, bring the length back to 1, and repeat
// some hundred times. In the end <u, K u> is the eigenvalue.
// At hand: product(a, b), inner(a, b), std::sqrt.
Pair leading(const Matrix& K, Matrix u) {
  your_turn(K, u);  // replace this line
}
