// 8a. How many steps a linear model needs for an eigenfunction.
#include "exercise.h"

#ifdef SOLVED
#include "solutions/08a_steps.h"
#else
#include "holes/08a_steps.h"
#endif

int main() {
  return exercise("08a_steps", [] {
    const double eta = 0.05;
    for (const double lambda : {12.0, 3.0, 0.4, 0.01}) {
      int t = 0;
      for (double left = 1; left > 0.01; ++t) left *= 1 - eta * lambda;  // training itself
      expect("steps until a hundredth is left", steps(eta, lambda, 0.01), t, 0);
    }
    expect("nothing to do if all of it may be left", steps(eta, 3, 1), 0, 0);
    std::printf("   some nine million million steps: if nothing follows, they are being run\n");
    std::fflush(stdout);
    expect("steps for lambda = 1e-11", steps(eta, 1e-11, 0.01), std::log(100) / (eta * 1e-11), 1e10);  // left = exp(-eta lambda t), nearly
  });
}
