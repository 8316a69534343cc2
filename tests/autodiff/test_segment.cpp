// The fused convolution, bias, activation and pooling against its composition, value, cotangents and factors.
#include "autodiff/segment.h"

#include "tests/check.h"

using namespace tangentplane;
using check::Real;

namespace {

template <class F>
void fused_equals_composed(const F& f, const std::vector<Shape>& shapes) {
  const check::Poison poison;
  RandomStream random(5, "segment");
  std::vector<Real> p;
  for (const Shape& s : shapes) p.push_back(check::draw(s, random));
  const auto fused = [&](const auto& q) { return convolve_activate_pool(f, q[0], q[1], q[2]); };
  const auto composed = [&](const auto& q) { return convolve_activate_pool_composed(f, q[0], q[1], q[2]); };
  check::same(fused(p), composed(p), 1e-14);
  const auto a = pullback(fused, p), b = pullback(composed, p);
  check::same(a.value(), b.value(), 1e-14);
  const Real u = check::draw(b.value().shape(), random);
  const auto da = a(u), db = b(u);
  for (std::size_t i = 0; i < p.size(); ++i) check::same(*da[i], *db[i], 1e-13);
  // The same factors: a parameter each, in the same order, bias and weight sharing their cotangent.
  const auto fa = a.factors(u), fb = b.factors(u);
  REQUIRE(fa.size() == fb.size());
  for (std::size_t i = 0; i < fa.size(); ++i) {
    CHECK(fa[i].parameter == fb[i].parameter);
    CHECK(std::string(fa[i].entrance->name()) == fb[i].entrance->name());
    CHECK(fa[i].entrance->per_example() == fb[i].entrance->per_example());
  }
  CHECK(fa.front().cotangent.data() == fa.back().cotangent.data());
}

}  // namespace

TEST_CASE("convolution, bias, activation and pooling in one equal their composition") {
  fused_equals_composed(Tanh{}, {{3, 6, 8, 2}, {5, 5, 2, 6}, {6}});
  fused_equals_composed(Relu{}, {{2, 4, 4, 1}, {3, 3, 1, 16}, {16}});
  fused_equals_composed(Gelu{}, {{2, 5, 7, 3}, {3, 3, 3, 5}, {5}});  // an odd last row and column are in no window
  fused_equals_composed(Tanh{}, {{1, 2, 3, 1}, {5, 5, 1, 1}, {1}});
}

TEST_CASE("the fused segment passes the checker of every op") {  // not Relu, whose kink differences cross
  const auto fused = [](const auto& f) { return [f](const auto& q) { return convolve_activate_pool(f, q[0], q[1], q[2]); }; };
  check::all_orders(fused(Tanh{}), {{2, 4, 5, 1}, {3, 3, 1, 2}, {2}});
  check::all_orders(fused(Gelu{}), {{1, 5, 4, 1}, {2, 2, 1, 3}, {3}});
}

TEST_CASE("a constant image, weight or bias gets no cotangent, and per-example factors survive") {
  RandomStream random(6, "segment");
  const Real x = check::draw({3, 4, 4, 2}, random), w = check::draw({3, 3, 2, 4}, random), b = check::draw({4}, random);
  const auto network = [&](const std::vector<Var<Real>>& p) { return convolve_activate_pool(Tanh{}, Var<Real>(x), p[0], Var<Real>(b)); };
  const auto back = pullback(network, std::vector<Real>{w});
  CHECK_FALSE(back.tape().batch_coupled());
  CHECK(back.factors(Real::full(back.value().shape(), 1)).size() == 1);
  const auto coupled = pullback([&](const auto& p) { return convolve_activate_pool(Tanh{}, Var<Real>(x), scale(p[0], 2), Var<Real>(b)); },
                                std::vector<Real>{w});
  CHECK(coupled.tape().batch_coupled());
}

TEST_CASE("the fused segment gives the same bits whatever the number of threads") {
  RandomStream random(7, "segment");
  const Real x = check::draw({37, 14, 14, 3}, random), w = check::draw({5, 5, 3, 6}, random), b = check::draw({6}, random);
  const Real y = convolve_activate_pool(Relu{}, x, w, b);
  cpu::set_threads(1);
  const Real y1 = convolve_activate_pool(Relu{}, x, w, b);
  cpu::set_threads(0);
  check::same(y, y1, 0);
}

TEST_CASE("the fused segment throws as its composition does") {
  const auto t = [](Shape s) { return Real::zeros(s); };
  CHECK_THROWS_WITH(convolve_activate_pool(Relu{}, t({8, 32, 32, 3}), t({5, 5, 6, 16}), t({16})),
                    "conv2d: input [8,32,32,3] has 3 channels, weight [5,5,6,16] takes 6");
  CHECK_THROWS_WITH(convolve_activate_pool(Relu{}, t({8, 32, 32, 3}), t({5, 5, 3, 16}), t({6})),
                    "bias: input [8,32,32,16] has no last axis for a bias [6]");
  CHECK_THROWS_WITH(convolve_activate_pool(Relu{}, t({8, 1, 32, 3}), t({5, 5, 3, 16}), t({16})),
                    "average_pool: window 2 does not fit into [8,1,32,16]");
}
