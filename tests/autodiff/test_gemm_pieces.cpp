// Products whose result is one tile are cut along their inner extent where that is long, else along their longer side.
#include "autodiff/cpu/gemm.h"
#include "autodiff/cpu/parallel.h"
#include "autodiff/random.h"
#include "autodiff/tensor.h"
#include "tests/catch.h"

using namespace tangentplane;
using cpu::Op;

TEST_CASE("parallel_gemm of one tile equals the naive triple loop, whatever the number of threads") {
  RandomStream random(3, "gemm pieces");
  const auto draw = [&](Index n) {
    Tensor<double> t({n});
    for (double& v : t.span()) v = random.normal();
    return t;
  };
  struct Sizes {
    Index m, n, k;
  };
  for (const auto& [m, n, k] : {Sizes{33, 17, 3001}, Sizes{1, 130, 8191}, Sizes{128, 100, 3072}, Sizes{5, 1, 300000}, Sizes{64, 64, 300},
                                Sizes{95, 95, 383}, Sizes{80, 70, 384}, Sizes{60, 131, 300}, Sizes{60, 90, 767}, Sizes{90, 60, 768}})
    for (const Op ta : {Op::none, Op::transpose})
      for (const Op tb : {Op::none, Op::transpose})
        for (const double beta : {0., 0.5}) {
          const Index ldc = n + 3;
          const auto a = draw(m * k), b = draw(k * n), c = draw(m * ldc);
          auto y = c.clone(), y1 = c.clone();
          const Index lda = ta == Op::none ? k : m, ldb = tb == Op::none ? n : k;
          cpu::parallel_gemm(ta, tb, m, n, k, 2., a.data(), lda, b.data(), ldb, beta, y.data(), ldc);
          cpu::set_threads(1);
          cpu::parallel_gemm(ta, tb, m, n, k, 2., a.data(), lda, b.data(), ldb, beta, y1.data(), ldc);
          cpu::set_threads(0);
          double worst = 0;
          bool same = true;
          for (Index i = 0; i < m; ++i)
            for (Index j = 0; j < ldc; ++j) {
              double sum = c[i * ldc + j];  // beyond the n-th column nothing is touched
              if (j < n) {
                sum *= beta;
                for (Index p = 0; p < k; ++p)
                  sum += 2 * a[ta == Op::none ? i * lda + p : p * lda + i] * b[tb == Op::none ? p * ldb + j : j * ldb + p];
              }
              worst = std::max(worst, std::abs(y[i * ldc + j] - sum));
              same = same && y[i * ldc + j] == y1[i * ldc + j];
            }
          CHECK(worst < 1e-9);  // sums of 300,000 products
          CHECK(same);
        }
}
