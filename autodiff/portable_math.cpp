// Additions, multiplications and divisions alone, which IEEE 754 rounds exactly; compiled without contraction (CMakeLists.txt). The leading
// terms are unevaluated sums of two doubles (Dekker, "A floating-point technique for extending the available precision", 1971), around the
// points of tables which the compiler computes from the series.
#include "autodiff/portable_math.h"

#include <array>
#include <bit>
#include <cstdint>

#include "autodiff/check.h"

namespace tangentplane::portable {
namespace {

/// high + low, |low| at most half a unit in the last place of high.
struct Pair {
  double high, low;
};

/// a + b exactly, for |a| >= |b| or a = 0.
constexpr Pair quick_sum(double a, double b) {
  const double s = a + b;
  return {s, b - (s - a)};
}
/// a + b exactly.
constexpr Pair exact_sum(double a, double b) {
  const double s = a + b, t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}
/// a b exactly.
constexpr Pair exact_product(double a, double b) {
  constexpr double split = 134217729;  // 2^27 + 1
  const double p = a * b, u = split * a, v = split * b, ah = u - (u - a), bh = v - (v - b), al = a - ah, bl = b - bh;
  return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

constexpr Pair plus(Pair a, Pair b) {
  const Pair s = exact_sum(a.high, b.high);
  return quick_sum(s.high, s.low + (a.low + b.low));
}
constexpr Pair times(Pair a, Pair b) {
  const Pair p = exact_product(a.high, b.high);
  return quick_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}
constexpr Pair times(Pair a, double b) { return times(a, Pair{b, 0}); }
constexpr Pair over(Pair a, Pair b) {
  const double q = a.high / b.high;
  const Pair rest = plus(a, times(b, -q));
  return quick_sum(q, rest.high / b.high);
}

/// The sum over i of first (-square)^i / ((start + 1) (start + 2) ... (start + 2 i)): the series of sine and cosine.
constexpr Pair alternating(Pair first, double square, int start) {
  Pair sum = first, term = first;
  for (int i = start + 1; i < start + 32; i += 2) {
    term = over(times(term, -square), Pair{static_cast<double>(i * (i + 1)), 0});
    sum = plus(sum, term);
  }
  return sum;
}

constexpr int steps = 64;  // points of the tables to a unit

/// Sines and cosines of i / 64, to pi / 4 and half a step.
constexpr int angles = 52;
constexpr auto sines = [] {
  std::array<Pair, angles> table{};
  for (int i = 0; i < angles; ++i) {
    const double x = static_cast<double>(i) / steps;
    table[static_cast<std::size_t>(i)] = alternating({x, 0}, x * x, 1);
  }
  return table;
}();
constexpr auto cosines = [] {
  std::array<Pair, angles> table{};
  for (int i = 0; i < angles; ++i) {
    const double x = static_cast<double>(i) / steps;
    table[static_cast<std::size_t>(i)] = alternating({1, 0}, x * x, 0);
  }
  return table;
}();

/// c = 64 / i, rounded, and -log(c) as 2 atanh((1 - c) / (1 + c)), for the i = 64 m of each m in [sqrt(1/2), sqrt(2)].
constexpr int first_inverse = 45, last_inverse = 91;
struct Inverse {
  double c;
  Pair minus_log;
};
constexpr auto inverses = [] {
  std::array<Inverse, last_inverse - first_inverse + 1> table{};
  for (int i = first_inverse; i <= last_inverse; ++i) {
    const double c = static_cast<double>(steps) / i;
    const Pair s = over(exact_sum(1, -c), exact_sum(1, c)), square = times(s, s);
    Pair power = s, sum = s;
    for (int n = 3; n < 50; n += 2) {
      power = times(power, square);
      sum = plus(sum, over(power, Pair{static_cast<double>(n), 0}));
    }
    table[static_cast<std::size_t>(i - first_inverse)] = {c, times(sum, 2)};
  }
  return table;
}();

}  // namespace

double log(double x) {
  // x = 2^k m with m in [sqrt(1/2), sqrt(2)), and m c = 1 + r with |r| < 0.012.
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int k = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xfffffffffffffu) | 0x3ff0000000000000u);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++k;
  }
  const Inverse& at = inverses[static_cast<std::size_t>(static_cast<int>(m * steps + 0.5) - first_inverse)];
  const Pair product = exact_product(m, at.c), r = quick_sum(product.high - 1, product.low), square = exact_product(r.high, r.high);
  double series = 0;  // log(1 + r) = r - r^2 / 2 + r^3 series
  for (int n = 12; n >= 3; --n) series = (n % 2 ? 1.0 : -1.0) / n + r.high * series;
  constexpr double log2_high = 0x1.62e42fefa38p-1, log2_low = 0x1.ef35793c7673p-45;  // the high part times k is exact
  const Pair a = exact_sum(k * log2_high, at.minus_log.high), b = exact_sum(a.high, r.high), c = exact_sum(b.high, -0.5 * square.high);
  const double rest = at.minus_log.low + k * log2_low + (r.low - 0.5 * square.low - r.high * r.low + square.high * r.high * series);
  return c.high + (a.low + b.low + c.low + rest);
}

SineCosine sine_cosine(double angle) {
  require(0 <= angle && angle <= 100, "sine and cosine: angle {} is not in 0 to 100", angle);
  // angle = k pi / 2 + r with |r| <= pi / 4; pi / 2 in three parts, of which k times the first two are exact.
  constexpr double part1 = 0x1.921fb544p+0, part2 = 0x1.0b4611a6p-34, part3 = 0x1.3198a2e037073p-69;
  const int k = static_cast<int>(angle * 0.63661977236758134 + 0.5);
  const Pair shifted = exact_sum(angle - k * part1, -k * part2);
  const Pair r = quick_sum(shifted.high, shifted.low - k * part3);
  const double sign = r.high < 0 ? -1 : 1;
  const int i = static_cast<int>(sign * r.high * steps + 0.5);
  // |r| = i / 64 + t: the theorems of addition, sin t = t - w, cos t = 1 - v.
  const Pair t = quick_sum(sign * r.high - static_cast<double>(i) / steps, sign * r.low);
  const double square = t.high * t.high;
  const double v = square * (0.5 - square * (1.0 / 24 - square * (1.0 / 720 - square / 40320)));
  const double w = square * t.high * (1.0 / 6 - square * (1.0 / 120 - square * (1.0 / 5040 - square / 362880)));
  const Pair s = sines[static_cast<std::size_t>(i)], c = cosines[static_cast<std::size_t>(i)];
  const Pair ct = exact_product(c.high, t.high), st = exact_product(s.high, t.high);
  const Pair a = exact_sum(s.high, ct.high), b = exact_sum(c.high, -st.high);
  const double sine = sign * (a.high + (a.low + (s.low + ct.low + c.low * t.high + c.high * t.low - s.high * v - c.high * w)));
  const double cosine = b.high + (b.low + (c.low - st.low - s.low * t.high - s.high * t.low - c.high * v + s.high * w));
  switch (k % 4) {
    case 0:
      return {sine, cosine};
    case 1:
      return {cosine, -sine};
    case 2:
      return {-sine, -cosine};
    default:
      return {-cosine, sine};
  }
}

}  // namespace tangentplane::portable
