// The cotangents of all values on the tape, one a place, if the value at `output` has the cotangent `cotangent`.
// Walk from the output down to place 0. What has arrived at a step goes on to its operands, times its slope for each of them.
// At hand: tape.steps[i].operand[k] (-1: none) and tape.steps[i].slope[k], for k = 0 and 1.
std::vector<double> pull(const Tape& tape, int output, double cotangent) {
  your_turn(tape, output, cotangent);  // replace this line
}
