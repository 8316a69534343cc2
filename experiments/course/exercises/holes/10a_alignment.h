// |J^T y|^2 / |y|^2 for a target y [N, 1]. No table of N x N numbers: the library does it so that neither K nor J is ever held.
// At hand: J.factors[l].a [N, I + 1] and .d [N, C]; product, transposed, inner.
double alignment(const Jacobian& J, const Matrix& y) {
  your_turn(J, y);  // replace this line
}
