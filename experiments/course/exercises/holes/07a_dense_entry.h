// A dense layer a w + b. One example has activation a [1, I] and cotangent d [1, C], the other a2 and d2.
// The weight's part of a row is the outer product of a and d, the bias's part is d.
// Give the inner product of the two rows, from two short inner products.
// At hand: inner(p, q).
double entry(const Matrix& a, const Matrix& d, const Matrix& a2, const Matrix& d2) {
  your_turn(a, d, a2, d2);  // replace this line
}
