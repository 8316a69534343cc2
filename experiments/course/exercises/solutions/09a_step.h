void step(std::vector<double>& a, std::vector<double>& p, const std::vector<int>& batch, const std::vector<double>& residual) {
  for (double& entry : p) entry *= mu;
  for (std::size_t b = 0; b < batch.size(); ++b) p[batch[b]] += residual[b];
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= eta * p[i];
}
