Pair leading(const Matrix& K, Matrix u) {
  for (int t = 0; t < 500; ++t) {
    u = product(K, u);
    const double length = std::sqrt(inner(u, u));
    for (double& entry : u.at) entry /= length;
  }
  return {inner(u, product(K, u)), u};
}
