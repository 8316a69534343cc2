// 2. A scalar tape: every slope of one number, from one walk backwards.
//
// Needs: program 1 (a rule for each step replaces calculus by hand).
// Words:
//   tape: the list of all steps that a program took, in order.
//   cotangent: the gradient of the final number by this value; PyTorch's .grad. It says how much the final number changes
//     if this value changes by a little.
//   pull back: to walk the tape from its end to its start, handing cotangents from results to operands.
//   reverse mode: recording a tape and pulling back along it. PyTorch's loss.backward().
//   Jacobian: the table of all slopes of a function, called J: a row for each output, a column for each input. Forward mode
//     computes J v, the slopes along a direction v. Reverse mode computes J^T u, the rows added up with weights u.
//
// The idea. In z = x y, let z have the cotangent z~. If x moves by 1, z moves by y, so the final number moves by y z~. Hence
//   x receives y z~,  y receives x z~:   the local slope times what came back.
// A value that is used twice receives twice, and what it receives adds up.
// The final number's own cotangent is 1. So start there and walk backwards; at the end every input holds its slope.
//
// Prints: the tape of a small function with the cotangents; the gradient by 1000 inputs and what it cost in each mode.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

struct Tape;
struct Var {  // a value and its place on a tape
  double value;
  int place;
  Tape* tape;
};

struct Tape {
  struct Step {
    const char* name;
    double value;
    int operand[2];   // places on this tape; -1: none
    double slope[2];  // how fast the result moves if that operand moves by 1
  };
  std::vector<Step> steps;

  Var record(const char* name, double value, int a = -1, double slope_a = 0, int b = -1, double slope_b = 0) {
    steps.push_back({name, value, {a, b}, {slope_a, slope_b}});
    return {value, static_cast<int>(steps.size()) - 1, this};
  }
  // The cotangents of all values, given the output's. This loop is reverse mode.
  std::vector<double> pull(const Var& output, double cotangent) const {
    std::vector<double> arrived(steps.size(), 0.0);
    arrived[output.place] = cotangent;
    for (int i = output.place; i >= 0; --i)
      for (int k = 0; k < 2; ++k)
        if (steps[i].operand[k] >= 0) arrived[steps[i].operand[k]] += steps[i].slope[k] * arrived[i];
    return arrived;
  }
};

Var operator+(Var x, Var y) { return x.tape->record("+", x.value + y.value, x.place, 1, y.place, 1); }
Var operator*(Var x, Var y) { return x.tape->record("*", x.value * y.value, x.place, y.value, y.place, x.value); }
Var sin(Var x) { return x.tape->record("sin", std::sin(x.value), x.place, std::cos(x.value)); }
// That was the tape, in thirty lines.

// A chain of n numbers: sum of x_i x_{i+1} + sin x_i. Its slope by x_i is x_{i-1} + x_{i+1} + cos x_i.
template <class T>
T chain(const std::vector<T>& x) {
  using std::sin;
  T total = sin(x[0]);
  for (std::size_t i = 1; i < x.size(); ++i) total = total + x[i - 1] * x[i] + sin(x[i]);
  return total;
}

int wrong = 0;
void check(const char* what, double got, double expected, double tolerance) {
  const bool right = std::abs(got - expected) <= tolerance;
  std::printf("%s %s\n", right ? "   ok:" : "WRONG:", what);
  if (!right) std::printf("       got %.17g, expected %.17g\n", got, expected);
  wrong += right ? 0 : 1;
}

int main() {
  Tape tape;
  const Var x = tape.record("x", 1.5), y = tape.record("y", 0.5);
  const Var product = x * y, wave = sin(x);
  const Var f = product + wave;
  const std::vector<double> cotangents = tape.pull(f, 1);
  std::printf("the tape of f = x y + sin x, in the order in which it was recorded\n");
  std::printf("place  step  operands     value  cotangent\n");
  for (std::size_t i = 0; i < tape.steps.size(); ++i) {
    const auto& [name, value, operand, slope] = tape.steps[i];
    char operands[16] = "";
    if (operand[1] >= 0)
      std::snprintf(operands, sizeof operands, "%d, %d", operand[0], operand[1]);
    else if (operand[0] >= 0)
      std::snprintf(operands, sizeof operands, "%d", operand[0]);
    std::printf("%5d  %-4s  %-8s  %8.4f   %8.4f\n", static_cast<int>(i), name, operands, value, cotangents[i]);
  }
  check("x, which is used twice, has received y + cos x", cotangents[x.place], y.value + std::cos(x.value), 1e-15);
  check("y has received x", cotangents[y.place], x.value, 1e-15);

  const int n = 1000;
  std::vector<double> values(n);
  for (int i = 0; i < n; ++i) values[i] = std::sin(0.1 * i * i);
  Tape long_tape;
  std::vector<Var> inputs;
  for (double v : values) inputs.push_back(long_tape.record("x", v));
  const Var total = chain(inputs);
  const std::vector<double> gradient = long_tape.pull(total, 1);  // inputs come first: entry i belongs to input i

  double largest = 0;  // the largest difference between gradient and formula
  for (int i = 0; i < n; ++i) {
    const double formula = (i > 0 ? values[i - 1] : 0) + (i + 1 < n ? values[i + 1] : 0) + std::cos(values[i]);
    largest = std::max(largest, std::abs(gradient[i] - formula));
  }
  const int steps = static_cast<int>(long_tape.steps.size()) - n;
  std::printf("a chain of %d inputs takes %d steps\n", n, steps);
  std::printf("its gradient in forward mode: %d runs, %d steps\n", n, n * steps);
  std::printf("its gradient in reverse mode: one run and one walk back, %d steps\n", 2 * steps);
  check("all 1000 slopes agree with the formula, to 1e-14", largest, 0, 1e-14);
  const double h = 1e-5;
  std::vector<double> above = values, below = values;
  above[500] += h, below[500] -= h;
  check("slope 500 agrees with a difference, to 1e-8", gradient[500], (chain(above) - chain(below)) / (2 * h), 1e-8);
  return wrong;
}

// The price: the tape remembers every value until the walk back. That is the memory which training a network takes.
//
// Exercises: exercises/02a_pull.cpp (the loop), exercises/02b_rows.cpp (two outputs: the rows of a Jacobian from one tape).
// Open autodiff/tape.h: it is this, for tensors. `Tape::pull` is the loop; a step is a function instead of two slopes.
