// Constants that a file makes for the whole batch, and formulas that depend on its size.
#include "tests/nn/onnx/graphs.h"

using namespace tangentplane;
using namespace tangentplane::onnx_test;
using Catch::Matchers::ContainsSubstring;
using check::Real;

namespace {

/// softmax(mask(x w)) v of tokens [N, T, 2], summed over the tokens, where the causal mask [N, T, T] is made by `mask` from `scores` and
/// `shape`, theirs, as `masked`.
template <class F>
GraphWriter causal(Index tokens, const F& mask) {
  GraphWriter g(17, {-1, tokens, 2});
  g.weight("w", {2, 2});
  g.node("MatMul", {"x", "w"}, {"q"});
  set(g.node("Transpose", {"x"}, {"k"}), "perm", Integers{0, 2, 1});
  g.node("MatMul", {"q", "k"}, {"scores"});
  g.node("Shape", {"scores"}, {"shape"});
  mask(g);
  set(g.node("Softmax", {"masked"}, {"p"}), "axis", std::int64_t(-1));
  g.node("MatMul", {"p", "x"}, {"o"});
  g.integers("axes", {1});
  set(g.node("ReduceSum", {"o", "axes"}, {"y"}), "keepdims", std::int64_t(0));
  return g;
}

/// The same by loops.
Real causal_by_loops(const onnx::Loaded<double>& l, const Real& x) {
  const Index N = x.shape()[0], T = x.shape()[1];
  const Real& w = l.variables["w"];
  Real y = Real::zeros({N, 2});
  for (Index n = 0; n < N; ++n)
    for (Index i = 0; i < T; ++i) {
      std::vector<double> e;
      double sum = 0;
      for (Index j = 0; j <= i; ++j) {
        double s = 0;
        for (Index a = 0; a < 2; ++a)
          for (Index b = 0; b < 2; ++b) s += x[(n * T + i) * 2 + a] * w[a * 2 + b] * x[(n * T + j) * 2 + b];
        e.push_back(std::exp(s));
        sum += e.back();
      }
      for (Index j = 0; j <= i; ++j)
        for (Index b = 0; b < 2; ++b) y[n * 2 + b] += e[static_cast<std::size_t>(j)] / sum * x[(n * T + j) * 2 + b];
    }
  return y;
}

}  // namespace

TEST_CASE("onnx: a causal mask that is made for the whole batch is read, however many tokens there are") {
  for (const Index tokens : {3, 12, 40}) {
    const auto lower = [&](GraphWriter& g) {
      auto* t = g.tensor("lower", {1, tokens, tokens}, 9);
      for (Index i = 0; i < tokens; ++i)
        for (Index j = 0; j < tokens; ++j) t->add_int32_data(j <= i);
      g.reals("inf", {}, {-INFINITY});
    };
    const std::vector<std::function<void(GraphWriter&)>> masks{
        [&](GraphWriter& g) {  // expanded, and chosen by
          lower(g);
          g.node("Expand", {"lower", "shape"}, {"mask"});
          g.node("Where", {"mask", "scores", "inf"}, {"masked"});
        },
        [&](GraphWriter& g) {  // the other way round
          lower(g);
          g.node("Expand", {"lower", "shape"}, {"mask"});
          g.node("Not", {"mask"}, {"upper"});
          g.node("Where", {"upper", "inf", "scores"}, {"masked"});
        },
        [&](GraphWriter& g) {  // minus infinity above the diagonal
          auto& c = g.node("ConstantOfShape", {"shape"}, {"full"});
          auto* a = c.add_attribute();
          a->set_name("value"), a->set_type(onnx::proto::AttributeProto::TENSOR);
          a->mutable_t()->set_data_type(1), a->mutable_t()->add_dims(1), a->mutable_t()->add_float_data(-INFINITY);
          g.integers("above", {1}, true);
          set(g.node("Trilu", {"full", "above"}, {"mask"}), "upper", std::int64_t(1));
          g.node("Add", {"scores", "mask"}, {"masked"});
        },
        [&](GraphWriter& g) {  // a comparison of places, as numbers
          Integers places;
          for (Index i = 0; i < tokens; ++i) places.push_back(i);
          g.integers("columns", places);
          g.integers("turned", {-1, 1}), g.integers("rows", places);
          g.node("Reshape", {"rows", "turned"}, {"down"});
          g.node("Expand", {"columns", "shape"}, {"across"});
          g.node("Greater", {"across", "down"}, {"upper"});
          set(g.node("Cast", {"upper"}, {"ones"}), "to", std::int64_t(1));
          g.reals("much", {}, {-1e30});
          g.node("Mul", {"ones", "much"}, {"mask"});
          g.node("Add", {"scores", "mask"}, {"masked"});
        }};
    for (std::size_t m = 0; m < masks.size(); ++m) {
      INFO(tokens << " tokens, mask " << m);
      const TemporaryFolder folder;
      const auto l = onnx::load_onnx<double>(causal(tokens, masks[m]).write(folder), {.train = {}, .freeze = {}});
      RandomStream random(5, "images");
      const Real images = check::draw({3, tokens, 2}, random);
      close_to(evaluate(l.network, l.variables, images), causal_by_loops(l, images), 1e-12);
    }
  }
}

TEST_CASE("onnx: a weight that is computed is named, and one that is only turned or repeated for the examples is none") {
  const auto computed = [](const std::function<void(GraphWriter&)>& make) {
    GraphWriter g(17, {-1, 3});
    g.weight("w", {2, 3}), g.weight("g", {2, 1}), g.weight("b", {2});
    make(g);
    const TemporaryFolder folder;
    return onnx::describe_onnx(g.write(folder)).computed_weight;
  };
  CHECK(computed([](GraphWriter& g) {
          g.node("Mul", {"w", "g"}, {"scaled"});
          g.node("Transpose", {"scaled"}, {"turned"});
          g.node("MatMul", {"x", "turned"}, {"p"});
          g.node("Add", {"p", "b"}, {"y"});
        }) == "node node_MatMul_3 (MatMul) takes turned");
  CHECK(computed([](GraphWriter& g) {
          g.node("Transpose", {"w"}, {"turned"});
          g.node("MatMul", {"x", "turned"}, {"p"});
          g.node("Exp", {"b"}, {"e"});
          g.node("Mul", {"p", "e"}, {"y"});
        }) == "");
}

TEST_CASE("onnx: what depends on the size of the batch, or tells one example from another, is refused") {
  const auto refused = [](const std::function<void(GraphWriter&)>& choose) {
    GraphWriter g(17, {-1, 3});
    g.weight("w", {3, 2});
    g.reals("two", {}, {2});
    g.node("MatMul", {"x", "w"}, {"a"});
    g.node("Mul", {"a", "two"}, {"b"});
    g.node("Shape", {"x"}, {"shape"});
    choose(g);
    const TemporaryFolder folder;
    return thrown([&] { onnx::load_onnx<double>(g.write(folder)); });
  };
  const std::string depends = "depends on the size of the batch";
  const auto size = [](GraphWriter& g) {
    g.integers("first", {0}, true), g.integers("one", {1}, true);
    g.node("Gather", {"shape", "first"}, {"n"});
  };
  CHECK_THAT(refused([&](GraphWriter& g) {
               size(g);
               g.node("Equal", {"n", "one"}, {"single"});
               g.node("Where", {"single", "a", "b"}, {"y"});
             }),
             ContainsSubstring(depends) && ContainsSubstring("Where"));
  CHECK_THAT(refused([&](GraphWriter& g) {
               size(g);
               set(g.node("Cast", {"n"}, {"real"}), "to", std::int64_t(1));
               g.node("Div", {"a", "real"}, {"y"});
             }),
             ContainsSubstring(depends));
  CHECK_THAT(refused([&](GraphWriter& g) {  // the first example is another than all others
               size(g);
               g.integers("start", {0}, true);
               g.node("Range", {"start", "n", "one"}, {"numbers"});
               g.integers("column", {-1, 1});
               g.node("Reshape", {"numbers", "column"}, {"down"});
               g.node("Less", {"down", "one"}, {"is_first"});
               g.node("Where", {"is_first", "a", "b"}, {"y"});
             }),
             ContainsSubstring(depends));
}
