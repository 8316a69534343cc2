Dual exp(Dual x) {
  const double e = std::exp(x.primal);
  return {e, e * x.tangent};
}
