// The fused normalisation with given statistics against its composition.
#include "autodiff/batch_norm.h"
#include "tests/check.h"

using namespace tangentplane;
using check::Real;

namespace {

struct Case {
  Real mean, inverse_deviation;
  std::vector<Real> p;  // x, gamma, beta
};
Case draw_case(const Shape& images) {
  RandomStream random(8, "normalise");
  const Index c = images[-1];
  Case k{check::draw({c}, random),
         check::draw({c}, random),
         {check::draw(images, random), check::draw({c}, random), check::draw({c}, random)}};
  return k;
}

}  // namespace

TEST_CASE("normalisation by given statistics equals its composition: value, cotangents, factors, every nest") {
  const check::Poison poison;
  for (const Shape& images : {Shape{3, 2, 3, 5}, Shape{1, 1, 1, 1}, Shape{4, 17}}) {
    const Case k = draw_case(images);
    const auto fused = [&](const auto& q) { return normalise(q[0], k.mean, k.inverse_deviation, q[1], q[2]); };
    const auto composed = [&](const auto& q) { return normalise_composed(q[0], k.mean, k.inverse_deviation, q[1], q[2]); };
    check::same(fused(k.p), composed(k.p), 1e-14);
    RandomStream random(9, "normalise");
    const Real u = check::draw(images, random);
    const auto a = pullback(fused, k.p), b = pullback(composed, k.p);
    const auto da = a(u), db = b(u);
    for (std::size_t i = 0; i < 3; ++i) check::same(*da[i], *db[i], 1e-13);
    const auto fa = a.factors(u), fb = b.factors(u);
    REQUIRE(fa.size() == fb.size());
    for (std::size_t i = 0; i < fa.size(); ++i) {
      CHECK(fa[i].parameter == fb[i].parameter);
      CHECK(std::string(fa[i].entrance->name()) == fb[i].entrance->name());
      if (fa[i].activation) check::same(*fa[i].activation, *fb[i].activation, 1e-14);
    }
    check::all_orders(fused, {images, {images[-1]}, {images[-1]}});
  }
}

TEST_CASE("a scale of zeros prunes what lies before it, fused as composed") {
  Case k = draw_case({2, 2, 2, 3});
  k.p[1] = Real::zeros({3});
  const auto back = pullback([&](const auto& q) { return normalise(q[0], k.mean, k.inverse_deviation, q[1], q[2]); }, k.p);
  const auto d = back(Real::full({2, 2, 2, 3}, 1));
  CHECK_FALSE(d[0].has_value());
  CHECK(d[1].has_value());
  CHECK(d[2].has_value());
}

TEST_CASE("fused normalisation refuses what has not a number for each channel") {
  const auto t = [](Shape s) { return Real::zeros(s); };
  const Real x = t({2, 3, 3, 4}), right = t({4}), few = t({3}), square = t({2, 2});
  CHECK_THROWS_WITH(normalise(x, few, right, right, right), "batch_norm: input [2,3,3,4] has 4 channels, its mean is [3]");
  CHECK_THROWS_WITH(normalise(x, right, few, right, right), "batch_norm: input [2,3,3,4] has 4 channels, its inverse deviation is [3]");
  CHECK_THROWS_WITH(normalise(x, right, right, square, right), "batch_norm: input [2,3,3,4] has 4 channels, its scale is [2,2]");
  CHECK_THROWS_WITH(normalise(x, right, right, right, few), "batch_norm: input [2,3,3,4] has 4 channels, its bias is [3]");
  CHECK_THROWS_WITH(normalise(t({}), right, right, right, right), "batch_norm: a scalar has no channels");
  CHECK_THROWS_WITH(normalise_by_batch(x, few, right, 1e-5), "batch_norm: input [2,3,3,4] has 4 channels, its scale is [3]");
  CHECK_THROWS_WITH(normalise_by_batch(x, right, t({}), 1e-5), "batch_norm: input [2,3,3,4] has 4 channels, its bias is []");
  CHECK_THROWS_WITH(normalise_by_batch_composed(t({}), right, right, 1e-5), "batch_norm: a scalar has no channels");
  // On a tape too.
  const std::vector<Real> p{x, few, right};
  CHECK_THROWS_WITH(pullback([&](const auto& q) { return normalise(q[0], right, right, q[1], q[2]); }, p),
                    "batch_norm: input [2,3,3,4] has 4 channels, its scale is [3]");
  CHECK_THROWS_WITH(pullback([&](const auto& q) { return normalise(q[0], few, right, q[2], q[2]); }, p),
                    "batch_norm: input [2,3,3,4] has 4 channels, its mean is [3]");
  CHECK_THROWS_WITH(pullback([&](const auto& q) { return normalise_by_batch(q[0], q[1], q[2], 1e-5).y; }, p),
                    "batch_norm: input [2,3,3,4] has 4 channels, its scale is [3]");
}
