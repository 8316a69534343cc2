// g(x) = x times the slope by y of (x + y) x y, at y = 1. Use `slope` for it, with a function of y: [&](auto y) { ... }.
// y comes from a level that x is not in; the compiler will say so. Lift x.
// At hand: slope(f, x), lift(x). T{1} is the number 1 as a T.
template <class T>
T g(T x) {
  your_turn(x);  // replace this line
}
