// Split products of float32 matrices against float64, and where they are taken.
#include <bit>
#include <cmath>

#include "autodiff/cpu/parallel.h"
#include "autodiff/cpu/split/measured.h"
#include "autodiff/cpu/split/product.h"
#include "autodiff/random.h"
#include "autodiff/tensor.h"
#include "tests/autodiff/reference.h"
#include "tests/relative.h"

using namespace tangentplane;
using namespace tangentplane::cpu;
using reference::same_bits, test::relative;

namespace {

Tensor<float> draw(const Shape& shape, const char* name, double scale = 1) {
  RandomStream random(0, name);
  Tensor<float> t(shape);
  for (float& v : t.span()) v = static_cast<float>(scale * random.normal());
  return t;
}

/// C as double BLAS computes it from the same numbers.
Tensor<double> exact_product(Op op_a, Op op_b, Index m, Index n, Index k, const Tensor<float>& a, const Tensor<float>& b) {
  const auto x = cast<double>(a), y = cast<double>(b);
  Tensor<double> c({m, n});
  parallel_gemm(op_a, op_b, m, n, k, 1., x.data(), x.shape()[1], y.data(), y.shape()[1], 0., c.data(), n);
  return c;
}

Tensor<float> split_product(Index m, Index n, Index k, const Tensor<float>& a, const Tensor<float>& b) {
  auto c = Tensor<float>::full({m, n}, NAN);
  split::parallel_gemm(Op::none, Op::none, m, n, k, 1, a.data(), k, b.data(), n, 0, c.data(), n);
  return c;
}

}  // namespace

TEST_CASE("split: products of random matrices are float64's to 2e-5, whatever the inner size, and nowhere as coarse as one part") {
  for (const Index k : {64, 200, 512, 1024, 1100, 4096}) {
    const auto a = draw({150, k}, "left"), b = draw({k, 130}, "right");
    const double off = relative(split_product(150, 130, k, a, b), exact_product(Op::none, Op::none, 150, 130, k, a, b));
    WARN("inner size " << k << ": relative Frobenius difference from float64 " << off);
    CHECK(off < 2e-5);
    CHECK(off < 6e-6);  // 4.5e-6 was seen: a part that is left out makes 1e-3
  }
}

TEST_CASE("split: any layout, alpha, beta, strides and sizes beyond a panel, and nothing is touched beside C") {
  struct Sizes {
    Index m, n, k;
  };
  for (const auto& [m, n, k] : {Sizes{1, 1, 1}, {70, 300, 33}, {2100, 20, 40}, {20, 4200, 70}, {257, 260, 2050}})
    for (const Op op_a : {Op::none, Op::transpose})
      for (const Op op_b : {Op::none, Op::transpose}) {
        INFO(m << " x " << n << " x " << k);
        const auto a = draw(op_a == Op::none ? Shape{m, k} : Shape{k, m}, "a"), b = draw(op_b == Op::none ? Shape{k, n} : Shape{n, k}, "b");
        const Index ldc = n + 3;
        const auto before = draw({m, ldc}, "c");
        auto c = before.clone(), serial = before.clone();
        split::parallel_gemm(op_a, op_b, m, n, k, -0.5F, a.data(), a.shape()[1], b.data(), b.shape()[1], 2.F, c.data(), ldc);
        split::gemm(op_a, op_b, m, n, k, -0.5F, a.data(), a.shape()[1], b.data(), b.shape()[1], 2.F, serial.data(), ldc);
        CHECK(same_bits(c, serial));
        const auto exact = exact_product(op_a, op_b, m, n, k, a, b);
        double worst = 0;
        for (Index i = 0; i < m; ++i)
          for (Index j = 0; j < ldc; ++j) {
            const double was = before[i * ldc + j], is = c[i * ldc + j];
            worst = std::max(worst, std::abs(is - (j < n ? 2 * was - 0.5 * exact[i * n + j] : was)));
          }
        CHECK(worst < 1e-4 * std::sqrt(static_cast<double>(k)));
      }
}

TEST_CASE("split: the same bits for 1, 2 and 3 threads") {
  const auto a = draw({530, 1500}, "a"), b = draw({1500, 310}, "b");
  set_threads(1);
  const auto one = split_product(530, 310, 1500, a, b);
  for (const int threads : {2, 3}) {
    set_threads(threads);
    CHECK(same_bits(split_product(530, 310, 1500, a, b), one));
  }
  set_threads(0);
}

TEST_CASE("split: infinities, NaNs and products that overflow are what float32 makes of them, and stay in their row and column") {
  const Index m = 40, n = 50, k = 70;
  const auto clean_a = draw({m, k}, "a"), clean_b = draw({k, n}, "b");
  const auto clean = split_product(m, n, k, clean_a, clean_b);
  const auto check = [&](const Tensor<float>& a, const Tensor<float>& b, const auto& touched) {
    const auto c = split_product(m, n, k, a, b);
    Tensor<float> plain({m, n});
    gemm(Op::none, Op::none, m, n, k, 1.F, a.data(), k, b.data(), n, 0.F, plain.data(), n, Products::float32);
    Index wrong = 0, not_finite = 0;
    for (Index i = 0; i < m; ++i)
      for (Index j = 0; j < n; ++j) {
        const float is = c[i * n + j], was = plain[i * n + j];
        not_finite += !std::isfinite(was);
        if (std::isnan(was))
          wrong += !std::isnan(is);
        else if (std::isinf(was))
          wrong += is != was;
        else if (touched(i, j))
          wrong += std::abs(is - was) > 1e-4F * std::abs(was) + 1e-4F;
        else
          wrong += std::bit_cast<std::uint32_t>(is) != std::bit_cast<std::uint32_t>(clean[i * n + j]);
      }
    CHECK(wrong == 0);
    return not_finite;
  };
  auto a = clean_a.clone(), b = clean_b.clone();
  a[3 * k + 5] = INFINITY;  // times numbers of either sign, one of them without a low part, one zero, one denormal
  b[5 * n + 7] = 1, b[5 * n + 8] = 0, b[5 * n + 9] = 1e-40F;
  CHECK(check(a, b, [](Index i, Index j) { return i == 3 || (j >= 7 && j <= 9); }) == n);
  a = clean_a.clone();
  a[39 * k + 69] = NAN;
  CHECK(check(a, clean_b, [](Index i, Index) { return i == 39; }) == n);
  a = clean_a.clone(), b = clean_b.clone();
  a[0] = 1e30F, b[0] = 1e30F, b[1] = -1e30F, b[2] = 1e-30F, b[3] = 0;  // overflow, though the parts' products have both signs
  CHECK(check(a, b, [](Index i, Index j) { return i == 0 || j <= 3; }) == 2);
  a = clean_a.clone(), b = clean_b.clone();
  a[0] = std::numeric_limits<float>::max(), b[0] = 1, b[1] = 0.5F;
  CHECK(check(a, b, [](Index i, Index j) { return i == 0 || j <= 1; }) > 0);
}

TEST_CASE("split: numbers of 1e30 and denormals keep a product's accuracy as far as float32 has it") {
  const Index m = 30, n = 40, k = 100;
  const auto a = draw({m, k}, "a", 1e30), b = draw({k, n}, "b", 1e-30);
  CHECK(relative(split_product(m, n, k, a, b), exact_product(Op::none, Op::none, m, n, k, a, b)) < 2e-5);
  auto mixed = draw({m, k}, "a");
  for (Index i = 0; i < mixed.size(); i += 3) mixed[i] *= 1e-40F;
  const auto y = draw({k, n}, "b");
  CHECK(relative(split_product(m, n, k, mixed, y), exact_product(Op::none, Op::none, m, n, k, mixed, y)) < 2e-5);
  const auto denormal = draw({m, k}, "a", 1e-40);
  const auto nothing = split_product(m, n, k, denormal, y);
  for (const float v : nothing.span()) CHECK(v == 0);
}

TEST_CASE("split: the setting of the process decides for float products that are large enough, and for no others") {
  const Index m = 200, n = 210, k = 300;
  const auto a = draw({m, k}, "a"), b = draw({k, n}, "b");
  const auto product = [&](const auto& how, Index rows, const auto&... setting) {
    Tensor<float> c({rows, n});
    how(Op::none, Op::none, rows, n, k, 1.F, a.data(), k, b.data(), n, 0.F, c.data(), n, setting...);
    return c;
  };
  const auto serial = [](auto... args) { gemm(args...); };
  const auto parallel = [](auto... args) { parallel_gemm(args...); };
  const auto plain = product(serial, m), plain_tiles = product(parallel, m), small = product(serial, 8);
  REQUIRE(products() == Products::float32);
  const ProductsInScope now(Products::split);
  const auto before = split::measured();
  const auto in_parts = split_product(m, n, k, a, b);
  CHECK(!same_bits(in_parts, plain));
  CHECK(same_bits(product(serial, m), in_parts));
  CHECK(same_bits(product(parallel, m), in_parts));
  CHECK(same_bits(product(serial, m, Products::float32), plain));
  CHECK(same_bits(product(parallel, m, Products::float32), plain_tiles));
  CHECK(same_bits(product(serial, 8), small));
  {
    const Float32InScope slopes, nested;
    CHECK(products() == Products::float32);
  }
  CHECK(products() == Products::split);
  const auto measured = split::measured();
  CHECK(measured.since(before).split_flops == 2. * 2 * m * n * k);
  CHECK(measured.since(before).float32_flops == 2. * 8 * n * k);
  const auto x = cast<double>(a), y = cast<double>(b);
  Tensor<double> c({m, n});
  gemm(Op::none, Op::none, m, n, k, 1., x.data(), k, y.data(), n, 0., c.data(), n);
  CHECK(relative(plain, c) < 1e-6);
  CHECK(split::measured().since(measured).float32_flops == 0);
}

TEST_CASE("split: a few tiles of a run are computed both ways, and the difference is that of the whole") {
  const Index n = 600;
  const auto a = draw({n, n}, "a"), b = draw({n, n}, "b");
  split::measure_anew();
  const auto before = split::measured();
  const auto c = split_product(n, n, n, a, b);
  const auto measured = split::measured();
  CHECK(measured.since(before).samples == 9);  // all tiles of 256 x 256: fewer than 16
  Tensor<float> plain({n, n});
  gemm(Op::none, Op::none, n, n, n, 1.F, a.data(), n, b.data(), n, 0.F, plain.data(), n, Products::float32);
  const double off = relative(c, cast<double>(plain));
  CHECK(measured.since(before).relative() == Approx(off).epsilon(0.1));
  for (int i = 0; i < 10; ++i) split_product(n, n, n, a, b);
  CHECK(split::measured().since(measured).samples == 7 + 2);  // the rest of the first 16; the 32nd and the 64th of 99
  CHECK(split::Measured{}.relative() == 0);
}
