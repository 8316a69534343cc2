double alignment(const Jacobian& J, const Matrix& y) {
  double sum = 0;
  for (Factor f : J.factors) {
    for (int i = 0; i < y.rows; ++i)
      for (int c = 0; c < f.d.cols; ++c) f.d(i, c) *= y(i, 0);
    const Matrix g = product(transposed(f.a), f.d);  // this layer's part of J^T y
    sum += inner(g, g);
  }
  return sum / inner(y, y);
}
