Matrix times(const Jacobian& J, const Parameters& v) {
  Matrix y = constant(J.value.rows, 1, 0);
  for (std::size_t l = 0; l < v.size(); ++l) {
    const Matrix change = product(J.factors[l].a, v[l]);
    for (int i = 0; i < y.rows; ++i)
      for (int c = 0; c < change.cols; ++c) y(i, 0) += change(i, c) * J.factors[l].d(i, c);
  }
  return y;
}
