// 3a. A form of your own: the product entry by entry.
#include "exercise.h"

enum class Slot { input, weight, output };

#ifdef SOLVED
#include "solutions/03a_entrywise.h"
#else
#include "holes/03a_entrywise.h"
#endif

int main() {
  return exercise("03a_entrywise", [] {
    const Matrix x = draw(3, 4), w = draw(3, 4), y = draw(3, 4);
    const Matrix out = Entrywise().solve<Slot::output>(x, w);
    expect("an entry of the output", out(1, 2), x(1, 2) * w(1, 2));
    // What makes it a form: the sum of y x w is one number, whichever slot is solved for.
    double number = 0;
    for (std::size_t i = 0; i < x.at.size(); ++i) number += y.at[i] * x.at[i] * w.at[i];
    expect("<y, output>", inner(y, out), number);
    expect("<x, input>, from w and y", inner(x, Entrywise().solve<Slot::input>(w, y)), number);
    expect("<w, weight>, from x and y", inner(w, Entrywise().solve<Slot::weight>(x, y)), number);
    // And the entries themselves: the slope of <y, output> by one of them.
    expect("an entry of the input's cotangent", Entrywise().solve<Slot::input>(w, y)(2, 0), y(2, 0) * w(2, 0));
    expect("an entry of the weight's cotangent", Entrywise().solve<Slot::weight>(x, y)(2, 0), y(2, 0) * x(2, 0));
  });
}
