// An op of one's own goes through the checker of the library's ops.
#define CATCH_CONFIG_MAIN
#include <tests/check.h>

using namespace tangentplane;

namespace {

/// x / (1 + x^2).
struct Witch {
  template <class X>
  X operator()(const X& x) const {
    return x / (X(1) + x * x);
  }
};

}  // namespace

TEST_CASE("an op outside the tree is checked as those in it are") {
  check::all_orders([](const auto& p) { return pointwise(Witch{}, p[0]); }, {{3, 5}});
  CHECK(pointwise(Witch{}, Tensor<double>::from({1}, {2.0}))[0] == 0.4);
  check::honest_reach(Scale{2}, {3, 5});
}
