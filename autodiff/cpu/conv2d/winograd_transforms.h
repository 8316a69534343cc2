// The one-dimensional transforms of Winograd's F(4, 3) (Lavin and Gray, 2016): 4 outputs of a 3-tap correlation from 6 inputs d by 6
// products, y = A^T ((G g) * (B^T d)). Two dimensions apply each along both axes: 36 products where the definition takes 144.
//
// Its transposes compute the weight gradient, dg = G^T ((A dy) * (B^T d)). The points are 0, +-5/8, +-3/2 and infinity: their powers
// are exact in float, and of all pairs +-a, +-b tried on a grid of 1/16 they round least: 0.8e-6 of the norm with 64 channels of normal
// numbers, where 0, +-1, +-2 give 2.0e-6 and the plain sum 0.4e-6 (a float32 model in numpy, 24 November 2026).
#pragma once

#include "autodiff/cpu/conv2d/paths.h"

namespace tangentplane::cpu::paths::winograd {

constexpr Index outputs = 4, taps = 3, inputs = outputs + taps - 1, products = inputs * inputs;

using Vector = Lanes<float>;

// Powers of the points a and b.
constexpr float a1 = 0.625F, a2 = a1 * a1, a3 = a2 * a1, b1 = 1.5F, b2 = b1 * b1, b3 = b2 * b1;
// Rows of G: the inverse of prod_j (p_i - p_j) over the finite points.
constexpr float at_0 = float(1 / (double(a2) * b2)), at_a = float(1 / (2.0 * a2 * (double(a2) - b2))),
                at_b = float(1 / (2.0 * b2 * (double(b2) - a2)));

/// Values at a, -a, b, -b of polynomials given by their even and odd parts at a and b.
inline void at_points(const Vector& even_a, const Vector& odd_a, const Vector& even_b, const Vector& odd_b, Vector* t) {
  t[0] = even_a + odd_a;
  t[1] = even_a - odd_a;
  t[2] = even_b + odd_b;
  t[3] = even_b - odd_b;
}

/// B^T: 6 -> 6.
struct Input {
  static constexpr int from = inputs, to = inputs;
  static void line(const Vector* d, Vector* t) {
    const Vector even_a = d[4] - b2 * d[2], odd_a = d[3] - b2 * d[1], even_b = d[4] - a2 * d[2], odd_b = d[3] - a2 * d[1];
    t[0] = a2 * b2 * d[0] + (d[4] - (a2 + b2) * d[2]);
    at_points(even_a, a1 * odd_a, even_b, b1 * odd_b, t + 1);
    t[5] = a2 * b2 * d[1] + (d[5] - (a2 + b2) * d[3]);
  }
};

/// G: 3 -> 6.
struct Weight {
  static constexpr int from = taps, to = inputs;
  static void line(const Vector* g, Vector* t) {
    const Vector even_a = at_a * (g[0] + a2 * g[2]), odd_a = at_a * a1 * g[1], even_b = at_b * (g[0] + b2 * g[2]), odd_b = at_b * b1 * g[1];
    t[0] = at_0 * g[0];
    at_points(even_a, odd_a, even_b, odd_b, t + 1);
    t[5] = g[2];
  }
};

/// A^T: 6 -> 4.
struct Output {
  static constexpr int from = inputs, to = outputs;
  static void line(const Vector* m, Vector* y) {
    const Vector even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = a1 * odd_a + b1 * odd_b;
    y[2] = a2 * even_a + b2 * even_b;
    y[3] = a3 * odd_a + (b3 * odd_b + m[5]);
  }
};

/// A, the transpose of Output: 4 -> 6.
struct OutputCotangent {
  static constexpr int from = outputs, to = inputs;
  static void line(const Vector* dy, Vector* t) {
    const Vector even_a = dy[0] + a2 * dy[2], odd_a = a1 * dy[1] + a3 * dy[3], even_b = dy[0] + b2 * dy[2], odd_b = b1 * dy[1] + b3 * dy[3];
    t[0] = dy[0];
    at_points(even_a, odd_a, even_b, odd_b, t + 1);
    t[5] = dy[3];
  }
};

/// G^T, the transpose of Weight: 6 -> 3.
struct WeightCotangent {
  static constexpr int from = inputs, to = taps;
  static void line(const Vector* t, Vector* dg) {
    const Vector even_a = at_a * (t[1] + t[2]), odd_a = at_a * (t[1] - t[2]), even_b = at_b * (t[3] + t[4]), odd_b = at_b * (t[3] - t[4]);
    dg[0] = at_0 * t[0] + even_a + even_b;
    dg[1] = a1 * odd_a + b1 * odd_b;
    dg[2] = a2 * even_a + (b2 * even_b + t[5]);
  }
};

/// Both axes of a square of vectors: store(i, j, v) for the square T in T^T of load(i, j).
template <class T, class Load, class Store>
[[gnu::always_inline]] inline void transform(const Load& load, const Store& store) {
  Vector half[T::to][T::from];
#pragma GCC unroll 8
  for (int j = 0; j < T::from; ++j) {
    Vector in[T::from], out[T::to];
#pragma GCC unroll 8
    for (int i = 0; i < T::from; ++i) in[i] = load(i, j);
    T::line(in, out);
#pragma GCC unroll 8
    for (int i = 0; i < T::to; ++i) half[i][j] = out[i];
  }
#pragma GCC unroll 8
  for (int i = 0; i < T::to; ++i) {
    Vector out[T::to];
    T::line(half[i], out);
#pragma GCC unroll 8
    for (int j = 0; j < T::to; ++j) store(i, j, out[j]);
  }
}

}  // namespace tangentplane::cpu::paths::winograd
