// 2b. Two outputs on one tape: the rows of a Jacobian.
#include "exercise.h"

struct Step {
  int operand[2];   // places on the tape; -1: none
  double slope[2];  // how fast the result moves if that operand moves by 1
};
struct Tape {
  std::vector<Step> steps;
};
struct Var {
  double value;
  int place;
  Tape* tape;
};
Var record(Tape& tape, double value, Step step = {{-1, -1}, {0, 0}}) {
  tape.steps.push_back(step);
  return {value, static_cast<int>(tape.steps.size()) - 1, &tape};
}
Var operator+(Var x, Var y) { return record(*x.tape, x.value + y.value, {{x.place, y.place}, {1, 1}}); }
Var operator*(Var x, Var y) { return record(*x.tape, x.value * y.value, {{x.place, y.place}, {y.value, x.value}}); }

std::vector<double> pull(const Tape& tape, const Var& output, double cotangent) {
  std::vector<double> arrived(tape.steps.size(), 0.0);
  arrived[output.place] = cotangent;
  for (int i = output.place; i >= 0; --i)
    for (int k = 0; k < 2; ++k)
      if (const int to = tape.steps[i].operand[k]; to >= 0) arrived[to] += tape.steps[i].slope[k] * arrived[i];
  return arrived;
}

#ifdef SOLVED
#include "solutions/02b_rows.h"
#else
#include "holes/02b_rows.h"
#endif

int main() {
  return exercise("02b_rows", [] {
    Tape tape;
    const std::vector<Var> x{record(tape, 2), record(tape, 3), record(tape, 5)};
    const std::vector<Var> y{x[0] * x[1], x[1] * x[2] + x[0]};
    const Matrix J = jacobian(tape, y, x);
    expect("rows", J.rows, 2);
    expect("columns", J.cols, 3);
    if (J.rows != 2 || J.cols != 3) return;
    const double right[2][3] = {{3, 2, 0}, {1, 5, 3}};
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 3; ++j) expect("an entry", J(i, j), right[i][j]);
  });
}
