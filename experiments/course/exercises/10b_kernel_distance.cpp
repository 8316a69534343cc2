// 10b. How far a kernel has turned.
#include "exercise.h"

#ifdef SOLVED
#include "solutions/10b_kernel_distance.h"
#else
#include "holes/10b_kernel_distance.h"
#endif

int main() {
  return exercise("10b_kernel_distance", [] {
    const Matrix J = draw(4, 9), K = product(J, transposed(J));
    Matrix larger = K;
    for (double& entry : larger.at) entry *= 7;
    expect("a kernel and itself", distance(K, K), 0);
    expect("a kernel that only grew", distance(K, larger), 0);
    const Matrix along_x{2, 2, {1, 0, 0, 0}}, along_y{2, 2, {0, 0, 0, 1}}, between{2, 2, {0.5, 0.5, 0.5, 0.5}};
    expect("one direction, then another at a right angle", distance(along_x, along_y), 1);
    expect("one direction, then another at 45 degrees", distance(along_x, between), 0.5);
  });
}
