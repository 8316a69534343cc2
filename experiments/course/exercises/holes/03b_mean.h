// apply:      x [N, cols] -> [N, 1], the mean of each row.
// transpose:  y [N, 1] -> [N, cols], so that <y, apply(x)> = <transpose(y), x> for all x and y. It is what reverse mode needs.
// Hint: what does x[n, k] contribute to the mean of row n?
struct RowMean {
  int cols;
  Matrix apply(const Matrix& x) const {
    your_turn(x);  // replace this line
  }
  Matrix transpose(const Matrix& y) const {
    your_turn(y);  // and this one
  }
};
