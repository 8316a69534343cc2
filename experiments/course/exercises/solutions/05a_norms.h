std::vector<double> squared_norms(const Matrix& a, const Matrix& d) {
  std::vector<double> norms;
  for (int i = 0; i < a.rows; ++i) {
    double of_a = 0, of_d = 0;
    for (int k = 0; k < a.cols; ++k) of_a += a(i, k) * a(i, k);
    for (int c = 0; c < d.cols; ++c) of_d += d(i, c) * d(i, c);
    norms.push_back(of_a * of_d);
  }
  return norms;
}
