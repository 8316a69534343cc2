// The library that chooses OpenBLAS's kernels must have been installed, found and loaded.
#include <autodiff/cpu/blas.h>

#include <cstdio>

int main() {
  const tangentplane::cpu::BlasReport report = tangentplane::cpu::blas_report();
  std::printf("%s kernels. %s\n", report.core.c_str(), report.warning.c_str());
  return report.warning.empty() ? 0 : 1;
}
