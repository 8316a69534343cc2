double entry(const Matrix& a, const Matrix& d, const Matrix& a2, const Matrix& d2) { return (inner(a, a2) + 1) * inner(d, d2); }
