// The tiled product against the definition, over transposes, odd sizes and sizes that are cut into tiles.
#include "autodiff/cpu/blas.h"
#include "autodiff/cpu/gemm.h"
#include "autodiff/random.h"
#include "autodiff/tensor.h"
#include "tests/catch.h"

using namespace tangentplane;
using cpu::Op;

TEST_CASE("parallel_gemm equals the definition") {
  RandomStream random(0, "gemm");
  const auto draw = [&](Index rows, Index columns) {
    Tensor<double> t({rows, columns});
    for (double& v : t.span()) v = random.normal();
    return t;
  };
  for (auto [m, n, k] : {std::array<Index, 3>{1, 1, 1}, {3, 5, 7}, {33, 1, 130}, {901, 70, 33}, {70, 1701, 19}, {130, 129, 128}})
    for (Op op_a : {Op::none, Op::transpose})
      for (Op op_b : {Op::none, Op::transpose}) {
        const auto a = op_a == Op::none ? draw(m, k) : draw(k, m), b = op_b == Op::none ? draw(k, n) : draw(n, k), c0 = draw(m, n);
        auto c = c0.clone();
        cpu::parallel_gemm(op_a, op_b, m, n, k, 1.5, a.data(), a.shape()[1], b.data(), b.shape()[1], -0.5, c.data(), n);
        double worst = 0;
        for (Index i = 0; i < m; ++i)
          for (Index j = 0; j < n; ++j) {
            double sum = 0;
            for (Index l = 0; l < k; ++l)
              sum += (op_a == Op::none ? a[i * k + l] : a[l * m + i]) * (op_b == Op::none ? b[l * n + j] : b[j * k + l]);
            worst = std::max(worst, std::abs(c[i * n + j] - (1.5 * sum - 0.5 * c0[i * n + j])));
          }
        CHECK(worst < 1e-12 * static_cast<double>(k + 10));
      }
}

TEST_CASE("the BLAS at hand is known and runs the kernels that this CPU deserves") {
  const auto report = cpu::blas_report();
  CHECK(!report.core.empty());
  CHECK(report.warning == "");
}
