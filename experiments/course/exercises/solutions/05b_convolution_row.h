Matrix row(const Matrix& a, const Matrix& d) { return product(transposed(a), d); }  // the sum of outer products is a matrix product
