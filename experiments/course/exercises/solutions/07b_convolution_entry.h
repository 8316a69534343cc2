double entry(const Matrix& a, const Matrix& d, const Matrix& a2, const Matrix& d2) {
  const Matrix seen = product(a, transposed(a2)), returned = product(d, transposed(d2));  // [S, S]: all pairs of positions
  return inner(seen, returned);
}
