// What the exercises share: the test, and the matrix of the programs.
#pragma once

#include <cmath>
#include <cstdio>
#include <vector>

struct NotFilled {};
/// Stands in a hole until it is filled. The exercise then says so and ends with status 77, which ctest takes for "skipped".
template <class... Given>
[[noreturn]] void your_turn(const Given&...) {
  throw NotFilled{};
}

inline int mistakes = 0;
/// One line: what was computed, what was expected, what came.
inline void expect(const char* what, double got, double expected, double tolerance = 1e-12) {
  const bool right = std::abs(got - expected) <= tolerance;  // false for NaN
  std::printf("%s %s: expected %.10g, got %.10g\n", right ? "   ok:" : "WRONG:", what, expected, got);
  mistakes += right ? 0 : 1;
}

/// One line, if more entries were looked at than a short way takes.
inline void expect_at_most(const char* what, long got, long allowed) {
  std::printf("%s %s: at most %ld, got %ld\n", got <= allowed ? "   ok:" : "WRONG:", what, allowed, got);
  mistakes += got <= allowed ? 0 : 1;
}

/// Runs the test of an exercise. Status 0: right, 1: wrong, 77: not filled yet.
inline int exercise(const char* name, void (*test)()) {
  try {
    test();
  } catch (const NotFilled&) {
    std::printf("%s is not filled yet: write it in experiments/course/exercises/holes/%s.h\n", name, name);
    if (mistakes == 0) return 77;
  }
  std::printf("%s: %s\n", name, mistakes == 0 ? "right" : "not right yet");
  return mistakes == 0 ? 0 : 1;
}

/// How many entries of matrices were looked at or written: what tells a short way from a long one.
inline long looks = 0;

struct Matrix {
  int rows = 0, cols = 0;
  std::vector<double> at = {};
  double& operator()(int i, int j) { return ++looks, at[i * cols + j]; }
  double operator()(int i, int j) const { return ++looks, at[i * cols + j]; }
};
inline Matrix constant(int rows, int cols, double v) { return {rows, cols, std::vector<double>(rows * cols, v)}; }
inline double inner(const Matrix& a, const Matrix& b) {
  double sum = 0;
  for (int i = 0; i < a.rows; ++i)
    for (int j = 0; j < a.cols; ++j) sum += a(i, j) * b(i, j);
  return sum;
}
inline Matrix product(const Matrix& a, const Matrix& b) {
  Matrix y = constant(a.rows, b.cols, 0);
  for (int i = 0; i < a.rows; ++i)
    for (int k = 0; k < a.cols; ++k)
      for (int j = 0; j < b.cols; ++j) y(i, j) += a(i, k) * b(k, j);
  return y;
}
inline Matrix transposed(const Matrix& a) {
  Matrix t = constant(a.cols, a.rows, 0);
  for (int i = 0; i < a.rows; ++i)
    for (int j = 0; j < a.cols; ++j) t(j, i) = a(i, j);
  return t;
}
/// Numbers scattered in (-1, 1), the same on every machine and other ones in every call.
inline Matrix draw(int rows, int cols) {
  static int n = 0;
  Matrix m = constant(rows, cols, 0);
  for (double& v : m.at) n += 1, v = std::sin(1.7 * n * n);
  return m;
}
