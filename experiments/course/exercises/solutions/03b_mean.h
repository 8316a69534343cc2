struct RowMean {
  int cols;
  Matrix apply(const Matrix& x) const { return product(x, constant(cols, 1, 1.0 / cols)); }
  Matrix transpose(const Matrix& y) const { return product(y, constant(1, cols, 1.0 / cols)); }
};
