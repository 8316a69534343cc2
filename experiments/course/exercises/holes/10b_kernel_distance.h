// 1 - <K, L> / (|K| |L|), with the inner product over all entries and |K|^2 = <K, K>. It is 0 for a kernel that only grew.
// It is 1 for kernels with nothing in common. (Fort et al., 2020, follow networks through their training with it.)
// At hand: inner(K, L), std::sqrt.
double distance(const Matrix& K, const Matrix& L) {
  your_turn(K, L);  // replace this line
}
