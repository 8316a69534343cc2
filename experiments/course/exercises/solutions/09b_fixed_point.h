std::vector<double> fixed_point(const Matrix& K, const Matrix& f0, const Matrix& y) {
  std::vector<double> a(static_cast<std::size_t>(K.rows), 0.0);
  for (int sweep = 0; sweep < 20000; ++sweep)
    for (int i = 0; i < K.rows; ++i) {
      double residual = f0(i, 0) - y(i, 0);
      for (int j = 0; j < K.rows; ++j) residual += K(i, j) * a[j];
      a[i] -= residual / K(i, i);
    }
  return a;
}
