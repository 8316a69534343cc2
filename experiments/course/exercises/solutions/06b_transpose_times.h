Parameters transpose_times(const Jacobian& J, const Matrix& u) {
  Parameters sum;
  for (Factor f : J.factors) {
    for (int i = 0; i < u.rows; ++i)
      for (int c = 0; c < f.d.cols; ++c) f.d(i, c) *= u(i, 0);
    sum.push_back(product(transposed(f.a), f.d));
  }
  return sum;
}
