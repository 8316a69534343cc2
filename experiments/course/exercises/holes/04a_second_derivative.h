// f'' at x. Run f on a Dual<Dual<double>>: x moves in the inner level, and it moves in the outer one. Which of the four numbers that
// come out is f''?
// At hand: template <class T> struct Dual {primal, tangent}. f takes any type of number.
template <class F>
double second_derivative(const F& f, double x) {
  your_turn(f, x);  // replace this line
}
