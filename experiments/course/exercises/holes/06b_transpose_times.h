// J^T u: a matrix [I + 1, C] for each layer, the sum over the examples of u_i times the outer product of a_i and d_i.
// It is one matrix product a layer, once u_i has been multiplied into row i of d.
// At hand: J.factors[l].a [N, I + 1] and .d [N, C]; product(a, b); transposed(a).
Parameters transpose_times(const Jacobian& J, const Matrix& u) {
  your_turn(J, u);  // replace this line
}
