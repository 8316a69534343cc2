// 2a. The loop of reverse mode.
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

#ifdef SOLVED
#include "solutions/02a_pull.h"
#else
#include "holes/02a_pull.h"
#endif

int main() {
  return exercise("02a_pull", [] {
    Tape tape;
    const Var x = record(tape, 3), y = record(tape, 4), unused = record(tape, 7);
    const Var square = x * x;
    const Var f = square * y + x;  // slopes 2 x y + 1 and x x
    const std::vector<double> cotangents = pull(tape, f.place, 1);
    expect("number of cotangents", static_cast<double>(cotangents.size()), static_cast<double>(tape.steps.size()));
    if (cotangents.size() != tape.steps.size()) return;
    expect("cotangent of x, which is used three times", cotangents[x.place], 25);
    expect("cotangent of y", cotangents[y.place], 9);
    expect("cotangent of x x", cotangents[square.place], 4);
    expect("cotangent of a value that f does not use", cotangents[unused.place], 0);
    expect("cotangent of x, starting from 10 instead of 1", pull(tape, f.place, 10)[x.place], 250);
  });
}
