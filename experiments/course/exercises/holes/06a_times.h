// J v [N, 1]. In layer l the step v[l] changes the output by product(a, v[l]) [N, C]. The inner product of its row i with row i of d
// is what f(example i) gains from that. Sum over the layers.
// At hand: J.factors[l].a [N, I + 1] and .d [N, C]; product(a, b); constant(rows, cols, value).
Matrix times(const Jacobian& J, const Parameters& v) {
  your_turn(J, v);  // replace this line
}
