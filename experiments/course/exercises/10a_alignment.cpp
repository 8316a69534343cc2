// 10a. Alignment from the factors, without a kernel.
#include "network.h"

#ifdef SOLVED
#include "solutions/10a_alignment.h"
#else
#include "holes/10a_alignment.h"
#endif

int main() {
  return exercise("10a_alignment", [] {
    const Parameters theta{draw(4, 5), draw(6, 1)};
    const Matrix x = draw(5, 3), y = draw(5, 1);
    const Jacobian J = jacobian(theta, x);
    Matrix K = constant(5, 5, 0);  // by the kernel: y^T K y / y^T y
    for (const Factor& f : J.factors)
      for (int i = 0; i < 5; ++i)
        for (int j = 0; j < 5; ++j) K(i, j) += product(f.a, transposed(f.a))(i, j) * product(f.d, transposed(f.d))(i, j);
    expect("alignment", alignment(J, y), inner(y, product(K, y)) / inner(y, y));
    Matrix one = constant(5, 1, 0);
    one(2, 0) = 3;
    expect("with a target that only example 2 has: K(2, 2)", alignment(J, one), K(2, 2));
  });
}
