// The checker speaks: each way in which an op may be wrong is named, and nothing else is.
#include <filesystem>

#include "autodiff/ops.h"
#include "tests/check.h"
#include "tests/places.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using check::entrywise;
using check::Findings;
using check::Real;

namespace {

/// Whether some finding has all the words.
bool named(const Findings& found, const std::vector<std::string>& words) {
  return std::any_of(found.begin(), found.end(), [&](const std::string& line) {
    return std::all_of(words.begin(), words.end(), [&](const std::string& word) { return line.find(word) != std::string::npos; });
  });
}

/// Values and derivatives of f, in both precisions.
template <class F>
Findings all_that_is_wrong(const F& f, const std::vector<Shape>& shapes, const check::Reference& reference) {
  const check::FloatFunction in_float(f);
  return check::wrong(f, shapes, 1, reference, &in_float);
}

/// 0.7 tanh(0.3 x): its derivatives are right, and it is not a sigmoid.
struct NoSigmoid {
  template <class X>
  X operator()(const X& x) const {
    return X(0.7) * tanh(X(0.3) * x);
  }
};

/// x + 1 entry by entry, as a map, which it is not.
struct Affine {
  static constexpr const char* name = "affine";
  Reach reach() const { return Reach::entry; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    Tensor<S> y(x.shape());
    for (Index i = 0; i < x.size(); ++i) y[i] = x[i] + 1;
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return y.clone();
  }
};

/// Three times x, and twice on the way back.
struct WrongTranspose {
  static constexpr const char* name = "wrong_transpose";
  Reach reach() const { return Reach::entry; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    return Scale{3}.apply(x);
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return Scale{2}.apply(y);
  }
};

/// The product, whose second operand's gradient is the cotangent times the wrong operand.
struct WrongWeight {
  static constexpr const char* name = "wrong_weight";
  static constexpr bool shares_weight = false;
  Reach reach() const { return Reach::entry; }
  template <Slot s, class S>
  Tensor<S> solve(const Tensor<S>& p, const Tensor<S>& q) const {
    return s == Slot::weight ? Mul{}.solve<s>(q, q) : Mul{}.solve<s>(p, q);
  }
};

/// x^3 whose slope is taken for a constant.
struct FlatSlope {
  template <class X>
  X operator()(const X& x) const {
    if constexpr (std::is_floating_point_v<X>) {
      return x * x * x;
    } else {
      const auto slope = 3 * innermost(x) * innermost(x);
      using Inner = std::decay_t<decltype(x.primal)>;
      return X((*this)(x.primal), Inner(slope) * x.tangent);
    }
  }
};

/// tanh, and half as much more in one nest.
template <class Nest, class T>
T wrong_in(const T& x) {
  return std::is_same_v<T, Nest> ? scale(tanh(x), 1.5) : tanh(x);
}

/// tanh with six per cent more in float: of the value, or of the slope alone.
template <bool of_slope>
struct WrongFloat {
  template <class X>
  X operator()(const X& x) const {
    if constexpr (std::is_same_v<X, float>)
      return of_slope ? tanh(x) : 1.06f * tanh(x);
    else if constexpr (std::is_same_v<X, ScalarDual<float>>)
      return X(tanh(x.primal), 1.06f * tanh(x).tangent);
    else
      return tanh(x);
  }
};

/// The identity that forgets its first entry.
struct Forgetful {
  static constexpr const char* name = "forgetful";
  Reach reach() const { return Reach::entry; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    Tensor<S> y(x.shape());
    for (Index i = 1; i < x.size(); ++i) y[i] = x[i];
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return y.clone();
  }
};

/// [N, C] as it is, and [N C] on the way back.
struct Flattening {
  static constexpr const char* name = "flattening";
  Reach reach() const { return Reach::entry; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    return x.clone();
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    return y.reshaped({y.size()}).clone();
  }
};

/// Each example's row plus the next one's, which says that examples stay apart.
struct Neighbours {
  static constexpr const char* name = "neighbours";
  Reach says;
  Reach reach() const { return says; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    Tensor<S> y(x.shape());
    const Index n = x.rows(), size = x.size() / n;
    for (Index i = 0; i < x.size(); ++i) y[i] = x[i] + x[(i + size) % x.size()];
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    Tensor<S> x(y.shape());
    const Index n = y.rows(), size = y.size() / n;
    for (Index i = 0; i < y.size(); ++i) x[i] = y[i] + y[(i + y.size() - size) % y.size()];
    return x;
  }
};

template <class T>
T no_duals(const T& x) {
  require(!std::is_same_v<T, Dual<Real>>, "no_duals: takes no duals");
  return tanh(x);
}

double sigmoid_as_defined(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

TEST_CASE("a wrong value is found where the test gives a reference") {
  const auto f = [](const auto& p) { return pointwise(NoSigmoid{}, p[0]); };
  CHECK(check::wrong(f, {{3, 5}}).empty());
  const Findings found = all_that_is_wrong(f, {{3, 5}}, entrywise(sigmoid_as_defined));
  CHECK(found.size() == 1);
  CHECK(named(found, {"values: f(p) = the reference's", "in place of", "where 1.0e-13 is allowed", "15 of 15 entries"}));
  const auto transposed = [](const auto& p) { return reshape(p[0], {2, 3}); };
  CHECK(named(all_that_is_wrong(transposed, {{3, 2}}, [](const auto& p) { return p[0]; }), {"values", "shape [2,3] in place of [3,2]"}));
}

TEST_CASE("a wrong forward mode is named, and the reverse mode that is right is not") {
  const Findings found = check::wrong(
      [](const auto& p) { return mul(apply(Affine{}, p[1]), lift<std::decay_t<decltype(p[0])>>(Real::full({4}, 2))); }, {{3}, {4}});
  CHECK(named(found, {"forward mode, Dual<Tensor>: J v = the central difference of f along v", "4 of 4"}));
  CHECK(named(found, {"of these, along operand 1 of 2, [4]"}));
  CHECK_FALSE(named(found, {"operand 0"}));
  CHECK_FALSE(named(found, {"reverse"}));
}

TEST_CASE("a wrong reverse mode is named with its operand") {
  const Findings map = check::wrong([](const auto& p) { return apply(WrongTranspose{}, p[0]); }, {{2, 3}});
  CHECK(map.size() == 1);
  CHECK(named(map, {"reverse mode, Var<Tensor>: <u, J v> = <J^T u, v>", "where", "is allowed"}));
  const Findings form = check::wrong([](const auto& p) { return solve<Slot::output>(WrongWeight{}, p[0], p[1]); }, {{5}, {5}});
  CHECK(form.size() == 2);
  CHECK(named(form, {"reverse mode, Var<Tensor>: <u, J v> = <J^T u, v>"}));
  CHECK(named(form, {"of these, by operand 1 of 2, [5]"}));
}

TEST_CASE("a wrong second order is named with its nest, and the first is right") {
  const Findings found = check::wrong([](const auto& p) { return pointwise(FlatSlope{}, p[0]); }, {{3}});
  CHECK(named(found, {"second order, forward over reverse, Var<Dual<Tensor>>: <v, H w> = the central difference of the gradient along w"}));
  CHECK_FALSE(named(found, {"<u, J v>"}));
  const auto only = [](const Findings& one, const char* nest) { return one.size() == 1 && named(one, {"second order", nest}); };
  CHECK(only(check::wrong([](const auto& p) { return wrong_in<Var<Dual<Real>>>(p[0]); }, {{3}}),
             "Var<Dual<Tensor>>: <v, H w> = the central"));
  CHECK(only(check::wrong([](const auto& p) { return wrong_in<Dual<Var<Real>>>(p[0]); }, {{3}}),
             "Dual<Var<Tensor>>: <v, H w> = that of Var<Dual"));
  CHECK(only(check::wrong([](const auto& p) { return wrong_in<Dual<Dual<Real>>>(p[0]); }, {{3}}),
             "forward over forward, Dual<Dual<Tensor>>"));
  CHECK(only(check::wrong([](const auto& p) { return wrong_in<Var<Var<Real>>>(p[0]); }, {{3}}), "reverse over reverse, Var<Var<Tensor>>"));
}

TEST_CASE("a nest whose value is another is named") {
  CHECK(named(check::wrong([](const auto& p) { return wrong_in<Dual<Real>>(p[0]); }, {{3}}), {"Dual<Tensor>: its primal = f(p)"}));
  CHECK(named(check::wrong([](const auto& p) { return wrong_in<Var<Real>>(p[0]); }, {{3}}), {"Var<Tensor>: its value = f(p)"}));
}

TEST_CASE("an op that is wrong in float alone is named") {
  const auto reference = entrywise([](double x) { return std::tanh(x); });
  const Findings value = all_that_is_wrong([](const auto& p) { return pointwise(WrongFloat<false>{}, p[0]); }, {{3, 2}}, reference);
  CHECK(named(value, {"float, plain, Tensor<float>: f(p) = that in double", "6 of 6"}));
  const Findings slope = all_that_is_wrong([](const auto& p) { return pointwise(WrongFloat<true>{}, p[0]); }, {{3, 2}}, reference);
  CHECK_FALSE(named(slope, {"plain"}));
  CHECK(named(slope, {"float, forward mode, Dual<Tensor<float>>: J v = that in double"}));
  CHECK(named(slope, {"float, reverse mode, Var<Tensor<float>>: J^T u = that in double, by operand 0 of 1, [3,2]"}));
}

TEST_CASE("an entry that is not written, a wrong shape and a throw are findings") {
  CHECK(named(check::wrong([](const auto& p) { return apply(Forgetful{}, p[0]); }, {{4}}), {"nan in place of", "[0]", "1 of 4"}));
  CHECK(named(check::wrong([](const auto& p) { return apply(Flattening{}, p[0]); }, {{2, 3}}),
              {"reverse mode, Var<Tensor>: the gradient by operand 0 of 1, [2,3] has shape [6]"}));
  const Findings thrown = check::wrong([](const auto& p) { return no_duals(p[0]); }, {{4}});
  CHECK(named(thrown, {"forward mode, Dual<Tensor> throws: no_duals: takes no duals"}));
  CHECK_FALSE(named(thrown, {"reverse"}));
}

TEST_CASE("an op that reaches further than it says is found, though its derivatives are right") {
  CHECK(check::wrong([](const auto& p) { return apply(Neighbours{Reach::row}, p[0]); }, {{4, 3}}).empty());
  RandomStream random(1, "test");
  const auto reach_of_neighbours = [&](Reach says) {
    return check::wrong_reach(
        says, [&](const Real& x) { return Neighbours{says}.apply(x); }, check::draw({4, 3}, random), random);
  };
  CHECK(named(reach_of_neighbours(Reach::row), {"reach: says row, but row 3 of the output changes with row 0 of the input"}));
  CHECK(named(reach_of_neighbours(Reach::entry), {"reach: says entry, but entry 9 of the output changes with entry 0"}));
  CHECK(reach_of_neighbours(Reach::batch).empty());
  const auto sums = [](const Real& x) { return Real::zeros({x.rows()}); };
  CHECK(named(check::wrong_reach(Reach::entry, sums, check::draw({4, 3}, random), random), {"another number of them", "[4]", "[4,3]"}));
}

TEST_CASE("ops reach no further than they say") {
  using check::honest_reach;
  honest_reach(Reshape{{3, 4}, {3, 2, 2}}, {3, 4});
  honest_reach(Scale{3}, {3, 4});
  honest_reach(GlobalMean{4, 5}, {3, 4, 5, 2});
  honest_reach(Permute{{3, 4, 2}, {0, 2, 1}}, {3, 4, 2});
  honest_reach(Permute{{3, 4}, {1, 0}}, {3, 4});  // says batch
  honest_reach(Slice{{3, 5}, {3, 2}, {0, 1}, {1, 2}}, {3, 5});
  honest_reach(Embed{Slice{{3, 5}, {3, 2}, {0, 1}, {1, 2}}}, {3, 2});
  honest_reach(Broadcast{{3, 1, 2}, {3, 4, 2}}, {3, 1, 2});
  honest_reach(Take{{3, 4}, 1, std::make_shared<const std::vector<Index>>(std::vector<Index>{2, 0, 2})}, {3, 4});
  honest_reach(MatMul{}, {3, 5, 4}, {4, 2});
  honest_reach(Mul{}, {3, 4}, {3, 4});
  honest_reach(ChannelScale{}, {3, 5, 4}, {4});
  honest_reach(BatchMatMul{}, {3, 2, 4}, {3, 4, 5});
  honest_reach(BroadcastMul{{3, 4}, {4}, {3, 4}}, {3, 4}, {4});
  honest_reach(Conv2d{ops_detail::conv_geometry("conv2d", 5, 4, {3, 3, 2, 2}, {})}, {3, 5, 4, 2}, {3, 3, 2, 2});
}

TEST_CASE("the line of source that asked names the op") {
  // Where the compiler was run: it may have been told the file from there.
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(std::filesystem::path(places::binaries()).parent_path());
  const check::Place here = {__builtin_FILE(), __builtin_LINE()};  // of wrong_transpose, say
  const std::string words = check::in_words({"reverse mode: wrong"}, here);
  CHECK_THAT(words, ContainsSubstring(fmt::format("test_check.cpp:{}: const check::Place here", here.line)));
  CHECK_THAT(words, ContainsSubstring("of wrong_transpose, say\nreverse mode: wrong"));
  CHECK(check::in_words({}, here).empty());
  CHECK_THAT(check::in_words({"wrong"}, {"no such file", 3}), ContainsSubstring("no such file:3: \nwrong"));
  std::filesystem::current_path(before);
}

TEST_CASE("ops with a reference pass in all orders and both precisions") {
  const auto of = [](auto f) { return [f](const auto& p) { return f(p[0]); }; };
  check::all_orders(of([](const auto& x) { return sigmoid(x); }), {{7, 3}}, entrywise(sigmoid_as_defined));
  check::all_orders(of([](const auto& x) { return tanh(x); }), {{7, 3}}, entrywise([](double x) { return std::tanh(x); }));
  check::all_orders(of([](const auto& x) { return softplus(x); }), {{7, 3}}, entrywise([](double x) { return std::log1p(std::exp(x)); }));
  check::all_orders(of([](const auto& x) { return relu(x); }), {{7, 3}}, entrywise([](double x) { return x > 0 ? x : 0; }));
  check::all_orders(of([](const auto& x) { return log(softplus(x)); }), {{7, 3}},
                    entrywise([](double x) { return std::log(std::log1p(std::exp(x))); }));
  check::all_orders(of([](const auto& x) { return gelu(x); }), {{7, 3}},
                    entrywise([](double x) { return x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))) / 2; }));
  check::all_orders([](const auto& p) { return matmul(p[0], p[1]); }, {{4, 3}, {3, 2}},
                    [](const std::vector<Real>& p) {
                      Real y = Real::zeros({4, 2});
                      for (Index i = 0; i < 4; ++i)
                        for (Index j = 0; j < 2; ++j)
                          for (Index k = 0; k < 3; ++k) y[i * 2 + j] += p[0][i * 3 + k] * p[1][k * 2 + j];
                      return y;
                    });
}
