// 3b. A map and its transpose: the mean of each row.
#include "exercise.h"

#ifdef SOLVED
#include "solutions/03b_mean.h"
#else
#include "holes/03b_mean.h"
#endif

int main() {
  return exercise("03b_mean", [] {
    const RowMean mean{4};
    const Matrix x{2, 4, {1, 2, 3, 6, 0, -1, 5, 0}};
    const Matrix y = mean.apply(x);
    expect("rows of the means", y.rows, 2), expect("columns of the means", y.cols, 1);
    expect("mean of 1, 2, 3, 6", y.at.at(0), 3);
    expect("mean of 0, -1, 5, 0", y.at.at(1), 1);
    const Matrix u = draw(2, 1), back = mean.transpose(u);
    expect("rows of the transpose", back.rows, 2), expect("columns of the transpose", back.cols, 4);
    expect("<u, A x> = <A^T u, x>", inner(back, x), 3 * u(0, 0) + u(1, 0));
    expect("each entry of a row has the same part in its mean", back.at.at(5), u(1, 0) / 4);
  });
}
