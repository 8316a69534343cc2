// The Jacobian of `outputs` by `inputs`: entry (i, j) is the slope of output i by input j. The tape is there already; pulling back
// along it can be repeated, once for each row.
// At hand: std::vector<double> pull(tape, output, cotangent) gives the cotangents of all places; Matrix constant(rows, cols, value).
Matrix jacobian(const Tape& tape, const std::vector<Var>& outputs, const std::vector<Var>& inputs) {
  your_turn(tape, outputs, inputs);  // replace this line
}
