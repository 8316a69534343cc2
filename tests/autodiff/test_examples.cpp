// What the tape knows of the examples: for operands of every kind in every place, either the rows of each example are those of the example
// alone, or one sentence says why there are none.
#include "autodiff/batch_norm.h"
#include "autodiff/segment.h"
#include "tests/autodiff/toy_ops.h"
#include "tests/thrown.h"

using namespace tangentplane;
using check::Real;

namespace {

constexpr Index examples = 4;
using Vars = std::vector<Var<Real>>;
/// A function of parameters and images [N, 3, 2] -> [N, ...].
using Model = std::function<Var<Real>(const Vars& p, const Var<Real>& x)>;

std::vector<Real> draw_all(const std::vector<Shape>& shapes) {
  RandomStream random(6, "examples");
  std::vector<Real> p;
  for (const Shape& s : shapes) p.push_back(check::draw(s, random));
  return p;
}

/// What asking for rows says, "right" where there are rows and those of each image alone agree with them; then for one image too.
std::string rows_of(const Model& model, const std::vector<Shape>& shapes, Index n = examples) {
  const auto p = draw_all(shapes);
  const Real images = draw_all({{n, 3, 2}})[0];
  const auto run = [&](const Real& x) {
    return Pullback<Real>(
        [&](const Vars& q) {
          const Var<Real> y = model(q, as_examples(Var<Real>(x), q));
          REQUIRE(y.at.tape);
          return row_sums(mul(y, y));
        },
        p);
  };
  const Pullback<Real> back = run(images);
  const std::string line = thrown([&] { back.tape().require_per_example("rows", n); });
  if (line != "nothing thrown") return line;
  const auto factors = back.factors(Real::full({n, 1}, 1));
  for (const auto& f : factors) {
    const std::string refused = thrown([&] { require_example_rows(f, n, "rows", std::to_string(f.parameter)); });
    if (refused != "nothing thrown") return refused;
  }
  const auto all = back(Real::full({n, 1}, 1));
  for (Index i = 0; i < n; ++i) {
    const auto alone = run(images.slice(i, i + 1))(Real::full({1, 1}, 1));
    std::vector<std::optional<Real>> rows(p.size());
    for (const auto& f : factors) {
      std::optional<Real> a;
      if (f.activation) a = f.activation->slice(i, i + 1);
      accumulate(rows[static_cast<std::size_t>(f.parameter)], f.entrance->gradient(a, f.cotangent.slice(i, i + 1)));
    }
    for (std::size_t k = 0; k < p.size(); ++k) {
      REQUIRE(rows[k].has_value() == alone[k].has_value());
      if (rows[k]) check::same(*rows[k], *alone[k], 1e-12);
    }
  }
  return "right";
}
/// The same for a batch and for one image, which must leave the same factors, since plans are made from one.
void right(const Model& model, const std::vector<Shape>& shapes) {
  CHECK(rows_of(model, shapes) == "right");
  CHECK(rows_of(model, shapes, 1) == "right");
}
/// A batch is refused with this sentence.
void refused(const Model& model, const std::vector<Shape>& shapes, const std::string& line) { CHECK(rows_of(model, shapes) == line); }

std::string computed(const std::string& op, const std::string& and_constants = "") {
  return "rows: " + op + " hands every example a value computed from parameters" + and_constants +
         ", whose cotangent is summed over them, so nothing per example exists; let " + op +
         " take the parameter itself and compute on its output";
}
std::string coupled(const std::string& op) {
  return "rows: the examples of this batch are coupled (" + op +
         " hands each of them a value computed from all, as BatchNorm in training mode does), so nothing per example exists; run the "
         "network "
         "in evaluation mode";
}
std::string together(const std::string& op) {
  return "rows: " + op + " takes entries of several examples together, so nothing per example exists; keep each example in its own row";
}
std::string direct(int parameter) {
  return fmt::format(
      "rows: parameter {} enters through an operand that leaves no factor (of a form whose shares_weight is false, or of add), whose "
      "cotangent is summed over the examples",
      parameter);
}
Var<Real> constant(const Shape& s) { return draw_all({s})[0]; }
Var<Real> seen(const Vars& p, const Var<Real>& x) { return tanh(bias(x, p[0])); }  // [N, 3, 2] of the examples, with p[0] [2]
/// The mean over the batch, [3, 2], by matmul with a constant.
Var<Real> batch_mean(const Var<Real>& x) {
  const Index n = shape_of(x)[0];
  return reshape(matmul(Var<Real>(Real::full({1, n}, 1.0 / static_cast<double>(n))), reshape(x, {n, 6})), {3, 2});
}

}  // namespace

TEST_CASE("parameters as weights leave factors, under images, under what is computed of them, and seen through views") {
  right([](const Vars& p, const Var<Real>& x) { return matmul(x, p[0]); }, {{2, 3}});
  right([](const Vars& p, const Var<Real>& x) { return matmul(x, first_last(p[0])); }, {{3, 2}});
  right([](const Vars& p, const Var<Real>& x) { return matmul(seen(p, x), first_last(p[1])); }, {{2}, {3, 2}});
  right([](const Vars& p, const Var<Real>& x) { return channel_scale(bias(x, p[0]), reshape(p[1], {2})); }, {{2}, {1, 2}});
  right([](const Vars& p, const Var<Real>& x) { return matmul(tanh(matmul(x, p[0])), p[0]); }, {{2, 2}});  // one weight, twice
}

TEST_CASE("a position embedding of any shape that repeats it for every example leaves a factor, for one image too") {
  for (const Shape& s : {Shape{3, 2}, Shape{1, 3, 2}, Shape{2}, Shape{1, 1, 2}, Shape{1, 3, 1}, Shape{3, 1}, Shape{1}, Shape{}}) {
    INFO(s.str());
    right([](const Vars& p, const Var<Real>& x) { return plus(x, p[0]); }, {s});
    right([](const Vars& p, const Var<Real>& x) { return plus(seen(p, x), p[1]); }, {{2}, s});
    right([](const Vars& p, const Var<Real>& x) { return add(seen(p, x), broadcast(p[1], shape_of(x))); }, {{2}, s});
    right([](const Vars& p, const Var<Real>& x) { return times(x, p[0], shape_of(x)); }, {s});
    right([](const Vars& p, const Var<Real>& x) { return times(seen(p, x), p[1], shape_of(x)); }, {{2}, s});
    right([](const Vars& p, const Var<Real>& x) { return times(p[1], seen(p, x), shape_of(x)); }, {{2}, s});  // in the other place
    if (s.rank() == 0) continue;
    right([s](const Vars& p, const Var<Real>& x) { return plus(x, reshape(p[0], s)); }, {{s.size()}});
    right([s](const Vars& p, const Var<Real>& x) { return times(x, reshape(p[0], s), shape_of(x)); }, {{s.size()}});
  }
  // Both operands are broadcast: [N, 1, 2] and [1, 3, 1].
  const auto short_rows = [](const Vars& p, const Var<Real>& x) {
    const Index n = shape_of(x)[0];
    return matmul(reshape(seen(p, x), {n, 1, 6}), constant({6, 2}));
  };
  right([&](const Vars& p, const Var<Real>& x) { return times(short_rows(p, x), p[1], {shape_of(x)[0], 3, 2}); }, {{2}, {1, 3, 1}});
  right([&](const Vars& p, const Var<Real>& x) { return times(p[1], short_rows(p, x), {shape_of(x)[0], 3, 2}); }, {{2}, {3, 1}});
  // A class token in front of others: a parameter repeated, then taken by rows.
  right([](const Vars& p, const Var<Real>& x) { return matmul(broadcast(p[1], {shape_of(x)[0], 1, 2}), p[2]); }, {{2}, {1, 1, 2}, {2, 3}});
}

TEST_CASE("values of the examples that are broadcast along other axes do not couple them") {
  const auto narrow = [](const Vars& p, const Var<Real>& x) { return matmul(seen(p, x), constant({2, 1})); };  // [N, 3, 1]
  right([&](const Vars& p, const Var<Real>& x) { return plus(seen(p, x), narrow(p, x)); }, {{2}});
  right([&](const Vars& p, const Var<Real>& x) { return plus(x, narrow(p, x)); }, {{2}});
  right([&](const Vars& p, const Var<Real>& x) { return times(seen(p, x), narrow(p, x), shape_of(x)); }, {{2}});
  right([&](const Vars& p, const Var<Real>& x) { return times(narrow(p, x), x, shape_of(x)); }, {{2}});
  right([&](const Vars& p, const Var<Real>& x) { return broadcast(narrow(p, x), {shape_of(x)[0], 3, 5}); }, {{2}});
  right([&](const Vars& p, const Var<Real>& x) { return times(seen(p, x), seen(p, x), shape_of(x)); }, {{2}});
  right([&](const Vars& p, const Var<Real>& x) { return mul(seen(p, x), x); }, {{2}});
  right(
      [&](const Vars& p, const Var<Real>& x) {
        return each_matmul(seen(p, x), broadcast(p[1], {shape_of(x)[0], 2, 3}));
      },
      {{2}, {1, 2, 3}});
}

TEST_CASE("the library's own broadcasting keeps to the same rules") {
  for (const Shape& s : {Shape{3, 2}, Shape{1, 3, 2}, Shape{2}, Shape{1, 1, 2}, Shape{1, 3, 1}, Shape{3, 1}, Shape{1}}) {
    INFO(s.str());
    right([](const Vars& p, const Var<Real>& x) { return broadcast_add(x, p[0]); }, {s});
    right([](const Vars& p, const Var<Real>& x) { return broadcast_add(p[1], seen(p, x)); }, {{2}, s});
    right([](const Vars& p, const Var<Real>& x) { return broadcast_subtract(seen(p, x), permute(p[1], {0})); }, {{2}, {2}});
    right([](const Vars& p, const Var<Real>& x) { return broadcast_mul(x, p[0]); }, {s});
    right([](const Vars& p, const Var<Real>& x) { return broadcast_mul(p[1], seen(p, x)); }, {{2}, s});
    right([](const Vars& p, const Var<Real>& x) { return broadcast_add(seen(p, x), broadcast_to(p[1], shape_of(x))); }, {{2}, s});
  }
  // Squeeze and excite: each example's own scale of its channels.
  const auto gate = [](const Vars& p, const Var<Real>& x) { return sigmoid(mean(seen(p, x), {1}, true)); };
  right([&](const Vars& p, const Var<Real>& x) { return broadcast_mul(seen(p, x), gate(p, x)); }, {{2}});
  right([&](const Vars& p, const Var<Real>& x) { return broadcast_add(gate(p, x), x); }, {{2}});
  // A class token in front of the others, and weights that lie as a file has them.
  right(
      [](const Vars& p, const Var<Real>& x) {
        const Var<Real> token = broadcast_to(p[1], {shape_of(x)[0], 1, 2});
        return matmul(concat(std::vector<Var<Real>>{token, seen(p, x)}, 1), permute(p[2], {1, 0}));
      },
      {{2}, {1, 1, 2}, {3, 2}});
}

TEST_CASE("products of two values of the examples, matrix by matrix, keep them apart") {
  const auto turned = [](const Vars& p, const Var<Real>& x) { return reshape(seen(p, x), {shape_of(x)[0], 2, 3}); };
  right([&](const Vars& p, const Var<Real>& x) { return each_matmul(seen(p, x), turned(p, x)); }, {{2}});
  right([&](const Vars& p, const Var<Real>& x) { return each_matmul(x, turned(p, x)); }, {{2}});
  right([&](const Vars& p, const Var<Real>& x) { return each_matmul(turned(p, x), x); }, {{2}});
  right([&](const Vars& p, const Var<Real>& x) { return solve<Slot::weight>(EachMatMul{3, 2, 2}, seen(p, x), mul(x, x)); }, {{2}});
  refused([&](const Vars& p, const Var<Real>& x) { return each_matmul(seen(p, x), p[1]); }, {{2}, {examples, 2, 3}}, direct(1));
  refused([&](const Vars& p, const Var<Real>& x) { return mul(p[0], x); }, {{examples, 3, 2}}, direct(0));
  refused(
      [&](const Vars& p, const Var<Real>& x) {
        return reshape(each_matmul(reshape(seen(p, x), {1, examples * 3, 2}), constant({1, 2, 2})), {examples, 3, 2});
      },
      {{2}},
      "rows: each_matmul works on 1 row, which 4 examples do not share out evenly, so nothing per example exists; keep the examples as "
      "the first axis");
}

TEST_CASE("a weight that is computed from parameters is said to be") {
  refused([](const Vars& p, const Var<Real>& x) { return matmul(x, tanh(p[0])); }, {{2, 2}}, computed("matmul"));
  refused([](const Vars& p, const Var<Real>& x) { return matmul(x, matmul(p[0], p[1])); }, {{2, 3}, {3, 2}}, computed("matmul"));
  refused([](const Vars& p, const Var<Real>& x) { return bias(x, reshape(matmul(p[0], tanh(p[1])), {2})); }, {{1, 3}, {3, 2}},
          computed("channel_bias"));
  refused([](const Vars& p, const Var<Real>& x) { return plus(x, matmul(p[0], tanh(p[1]))); }, {{1, 3}, {3, 2}}, computed("broadcast"));
  refused([](const Vars& p, const Var<Real>& x) { return times(x, matmul(p[0], p[1]), shape_of(x)); }, {{1, 3}, {3, 2}}, computed("times"));
  refused([](const Vars& p, const Var<Real>& x) { return times(bias(tanh(p[0]), p[1]), x, shape_of(x)); }, {{3, 2}, {2}},
          computed("times"));
  // Weight normalisation: a direction of unit length in each column, times a length.
  refused([](const Vars& p,
             const Var<Real>& x) { return matmul(x, channel_scale(channel_scale(p[0], rsqrt(channel_sum(mul(p[0], p[0])))), p[1])); },
          {{2, 3}, {3}}, computed("matmul"));
  // The same where the direction is a constant.
  refused(
      [](const Vars& p, const Var<Real>& x) {
        return matmul(x, channel_scale(constant({2, 3}), p[0]));
      },
      {{3}}, computed("matmul", " and constants"));
  refused(
      [](const Vars& p, const Var<Real>& x) {
        return matmul(x, matmul(constant({2, 3}), tanh(p[0])));
      },
      {{3, 2}}, computed("matmul", " and constants"));
  refused(
      [](const Vars& p, const Var<Real>& x) {
        return matmul(x, mul(p[0], constant({2, 3})));
      },
      {{2, 3}}, computed("matmul", " and constants"));
  refused(
      [](const Vars& p, const Var<Real>& x) {
        return matmul(x, mul(constant({2, 3}), broadcast(p[0], {2, 3})));
      },
      {{3}}, computed("matmul", " and constants"));
  // For one image too: a plan made from one must not promise what the batch refuses.
  CHECK(rows_of([](const Vars& p, const Var<Real>& x) { return matmul(x, tanh(p[0])); }, {{2, 2}}, 1) == computed("matmul"));
  // Fused steps say what the composition says.
  refused([](const Vars& p, const Var<Real>& x) { return normalise(x, Real::full({2}, 0.5), Real::full({2}, 2), tanh(p[0]), p[1]); },
          {{2}, {2}}, computed("channel_scale"));
}

TEST_CASE("a value of the whole batch that is handed to its examples couples them") {
  const std::vector<Shape> shapes{{2}};
  refused([](const Vars& p, const Var<Real>& x) { return plus(x, batch_mean(seen(p, x))); }, shapes, coupled("matmul"));
  refused([](const Vars& p, const Var<Real>& x) { return bias(x, channel_sum(seen(p, x))); }, shapes, coupled("channel_bias"));
  refused([](const Vars& p, const Var<Real>& x) { return channel_scale(x, channel_sum(seen(p, x))); }, shapes, coupled("channel_scale"));
  const auto sum_over_batch = [](const Var<Real>& x) { return apply(transposed(ToyBroadcast{{1, 3, 2}, shape_of(x)}), x); };
  refused([&](const Vars& p, const Var<Real>& x) { return plus(x, sum_over_batch(seen(p, x))); }, shapes, coupled("broadcast"));
  refused([&](const Vars& p, const Var<Real>& x) { return times(x, sum_over_batch(seen(p, x)), shape_of(x)); }, shapes, coupled("times"));
  refused([&](const Vars& p, const Var<Real>& x) { return plus(bias(x, p[0]), sum_over_batch(x)); }, shapes, coupled("broadcast"));
  refused([](const Vars& p, const Var<Real>& x) { return normalise_by_batch(bias(x, p[0]), constant({2}), constant({2}), 1e-5).y; }, shapes,
          coupled("batch_norm"));
  // Of the images alone, before anything is on the tape.
  refused([](const Vars& p, const Var<Real>& x) { return bias(bias(x, channel_sum(x)), p[0]); }, shapes, coupled("channel_bias"));
  refused([](const Vars& p, const Var<Real>& x) { return bias(normalise_by_batch(x, constant({2}), constant({2}), 1e-5).y, p[0]); }, shapes,
          coupled("batch_norm"));
  refused([](const Vars& p, const Var<Real>& x) { return plus(bias(x, p[0]), batch_mean(x)); }, shapes, coupled("matmul"));
  // Rows of one example as those of another: a value [N, 2] at the second axis of [N, N, 2].
  refused(
      [](const Vars& p, const Var<Real>& x) {
        const Index n = shape_of(x)[0];
        const Var<Real> y = matmul(reshape(seen(p, x), {n, 6}), constant({6, 2}));
        return times(matmul(reshape(y, {n, 1, 2}), constant({2, 2})), y, {n, n, 2});
      },
      shapes, coupled("times"));
  refused(
      [](const Vars& p, const Var<Real>& x) {
        const Index n = shape_of(x)[0];
        const Var<Real> y = matmul(reshape(seen(p, x), {n, 6}), constant({6, 2}));
        return times(y, broadcast(reshape(y, {n, 1, 2}), {n, n, 2}), {n, n, 2});
      },
      shapes, together("times"));
  // One example has nobody to mix with.
  CHECK(rows_of([&](const Vars& p, const Var<Real>& x) { return plus(x, sum_over_batch(seen(p, x))); }, shapes, 1) == "right");
  CHECK(rows_of([](const Vars& p, const Var<Real>& x) { return channel_scale(x, channel_sum(seen(p, x))); }, shapes, 1) == "right");
}

TEST_CASE("constants stay constants, and images that go through constants alone are still known to belong to the examples") {
  const auto p = draw_all({{2}});
  const Real images = draw_all({{examples, 3, 2}})[0];
  const Pullback<Real> back(
      [&](const Vars& q) {
        const Var<Real> x = as_examples(Var<Real>(images), q);
        CHECK(x.at.constant());
        for (const Var<Real>& y :
             {matmul(x, constant({2, 5})), bias(x, constant({2})), add(x, x), tanh(x), scale(x, 2), mul(x, constant({examples, 3, 2})),
              reshape(x, {examples, 6}), plus(x, constant({1, 3, 2})), times(constant({3, 2}), x, shape_of(x)),
              convolve_activate_pool(Tanh{}, reshape(x, {examples, 3, 2, 1}), constant({1, 1, 1, 2}), constant({2})),
              normalise(x, Real::full({2}, 0), Real::full({2}, 1), constant({2}), constant({2}))}) {
          CHECK(y.at.constant());
          CHECK(y.at.examples == Examples::some);
        }
        for (const Var<Real>& y : {add(constant({2}), constant({2})), mul(constant({2}), constant({2})), tanh(constant({2}))}) {
          CHECK(y.at.constant());
          CHECK(y.at.examples == Examples::perhaps);
        }
        CHECK(tanh(q[0]).at.shared());
        CHECK(add(q[0], q[0]).at.shared());
        CHECK(scale(first_last(reshape(q[0], {1, 2})), 3).at.shared());
        return bias(x, q[0]);
      },
      p);
  CHECK_FALSE(back.tape().batch_coupled());
  CHECK(back.factors(images).size() == 1);
}
