// The slope of exp is exp itself. By the chain rule it is multiplied with how fast x moves.
// At hand: struct Dual {primal, tangent}, std::exp.
Dual exp(Dual x) {
  your_turn(x);  // replace this line
}
