// One example has activations a [S, I] and cotangents d [S, C], the other a2 and d2: a line for each position. The weight's part of a row
// is the sum over the positions of outer products. Give the inner product of two such rows without making them: every position s of one
// example meets every position t of the other.
double entry(const Matrix& a, const Matrix& d, const Matrix& a2, const Matrix& d2) {
  your_turn(a, d, a2, d2);  // replace this line
}
