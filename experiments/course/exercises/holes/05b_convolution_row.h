// One example. Activation a [S, I]: what the weight sees at each position. Cotangent d [S, C]: what came back to its output there.
// Give the slope of f by the weight [I, C]. A value that is used several times receives several times, and that adds up.
Matrix row(const Matrix& a, const Matrix& d) {
  your_turn(a, d);  // replace this line
}
