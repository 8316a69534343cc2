double distance(const Matrix& K, const Matrix& L) { return 1 - inner(K, L) / std::sqrt(inner(K, K) * inner(L, L)); }
