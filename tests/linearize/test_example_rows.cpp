// Rows of single examples: the fast ways against the slices that any op has.
#include "linearize/example_rows.h"

#include <set>

#include "linearize/factored_jacobian.h"
#include "tests/small.h"

using namespace tangentplane;

namespace {

/// An op that nobody has a fast way for: b [C] -> [N, C], in reverse order.
struct Reversed {
  static constexpr const char* name = "reversed";
  static constexpr bool broadcasts_to_examples = true;
  Index examples;
  Tensor<double> apply(const Tensor<double>& b) const {
    Tensor<double> y({examples, b.size()});
    for (Index i = 0; i < y.size(); ++i) y[i] = b[b.size() - 1 - i % b.size()];
    return y;
  }
  Tensor<double> transpose(const Tensor<double>& y) const {
    const Index c = y.shape()[1];
    auto b = Tensor<double>::zeros({c});
    for (Index i = 0; i < y.size(); ++i) b[c - 1 - i % c] += y[i];
    return b;
  }
};

}  // namespace

TEST_CASE("rows of every op of the study's networks equal those by slices, and add up to the gradient") {
  const check::Poison poison;
  std::set<std::string> ops;
  for (const auto& s : small_networks(5)) {
    INFO(s.name);
    const FactoredJacobian<double> jacobian(s.network, s.variables, s.images);
    for (const auto& f : jacobian.factors()) {
      INFO(f.entrance->name());
      ops.insert(f.entrance->name());
      const auto rows = example_rows(f), slices = example_rows_by_slices(f);
      close_to(rows, slices, 1e-13);
      const auto sum = channel_sum(rows);
      close_to(sum, f.gradient().reshaped({sum.size()}), 1e-12);
      // added to what is there, in an array with wider rows
      const Index p = rows.shape()[1], stride = p + 3;
      auto wide = Tensor<double>::full({5, stride}, 2);
      add_example_rows(f, wide.data() + 1, stride);
      for (Index i = 0; i < 5; ++i)
        for (Index k = 0; k < stride; ++k) {
          const bool inside = 1 <= k && k <= p;
          if (wide[i * stride + k] != 2 + (inside ? rows[i * p + k - 1] : 0)) FAIL("row " << i << " entry " << k);
        }
    }
  }
  CHECK(ops == std::set<std::string>{"matmul", "conv2d", "channel_bias", "channel_scale"});
}

TEST_CASE("an op without a fast way has rows all the same") {
  RandomStream random(1, "reversed");
  const auto d = check::draw({4, 3}, random);
  const Factor<Tensor<double>> f{0, std::make_shared<MapEntrance<Reversed, Tensor<double>>>(Reversed{4}), {}, d};
  const auto rows = example_rows(f);
  REQUIRE(rows.shape() == Shape{4, 3});
  for (Index i = 0; i < 4; ++i)
    for (Index k = 0; k < 3; ++k) CHECK(rows[i * 3 + k] == d[i * 3 + 2 - k]);
}
