// Multiplies two matrices with the installed library and checks the product.
#include <autodiff/cpu/blas.h>
#include <autodiff/cpu/gemm.h>
#include <autodiff/tensor.h>

#include <cstdio>

int main() {
  using namespace tangentplane;
  constexpr Index n = 300;
  Tensor<double> a({n, n}), b({n, n}), c({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) {
      a[i * n + j] = static_cast<double>(i + j);
      b[i * n + j] = i == j ? 2 : 0;
    }
  cpu::parallel_gemm(cpu::Op::none, cpu::Op::none, n, n, n, 1.0, a.data(), n, b.data(), n, 0.0, c.data(), n);
  for (Index i = 0; i < n * n; ++i)
    if (c[i] != 2 * a[i]) return 1;
  const cpu::BlasReport report = cpu::blas_report();
  std::printf("%s kernels\n", report.core.c_str());
  return report.warning.empty() ? 0 : 1;  // the library that chooses OpenBLAS's kernels must have been found and loaded
}
