// Permutations, slices, concatenation, padding and entries by index: the places by loops, derivatives of every order, refusals.
#include "by_index.h"

using namespace tangentplane;
using namespace tangentplane::by_index;
using check::all_orders;

namespace {

template <class S>
void check_values() {
  const check::Poison poison;
  RandomStream random(1, "axes");
  const double exact = 0;
  // Large enough for tiles and tasks, odd everywhere.
  for (const auto& [shape, axes] : std::vector<std::pair<Shape, std::vector<int>>>{{{3, 5, 7}, {0, 2, 1}},
                                                                                   {{3, 5, 7}, {2, 0, 1}},
                                                                                   {{3, 1, 5, 7}, {0, 3, 1, 2}},
                                                                                   {{4, 33, 2, 19}, {0, 2, 3, 1}},
                                                                                   {{4, 33, 2, 19}, {0, -1, 1, 2}},
                                                                                   {{2, 3, 4, 5, 6}, {4, 2, 0, 3, 1}},
                                                                                   {{67, 301}, {1, 0}},
                                                                                   {{6}, {0}},
                                                                                   {{}, {}}}) {
    INFO(shape.str());
    const auto x = reference::draw<S>(random, shape);
    Shape to;
    for (int axis : axes) to.append(shape[axis]);
    equals(permute(x, axes), to, exact, [&, &by = axes](const Indices& p) {
      Indices q(p.size());
      for (std::size_t k = 0; k < p.size(); ++k) q[static_cast<std::size_t>((by[k] + x.shape().rank()) % x.shape().rank())] = p[k];
      return at(x, q);
    });
  }
  const auto x = reference::draw<S>(random, {4, 9, 5});
  for (const auto& [axis, begin, end, step, count] : std::vector<std::tuple<int, Index, Index, Index, Index>>{{1, 2, 7, 1, 5},
                                                                                                              {1, 0, 9, 2, 5},
                                                                                                              {1, 1, 9, 3, 3},
                                                                                                              {1, 8, -1, -1, 9},
                                                                                                              {1, 7, 0, -3, 3},
                                                                                                              {0, 1, 2, 1, 1},
                                                                                                              {-1, 3, 5, 1, 2},
                                                                                                              {-1, 4, -1, -2, 3}}) {
    Shape to;
    const int along = axis < 0 ? axis + 3 : axis;
    for (int i = 0; i < 3; ++i) to.append(i == along ? count : x.shape()[i]);
    equals(slice(x, axis, begin, end, step), to, exact, [&, first = begin, by = step](Indices p) {
      p[static_cast<std::size_t>(along)] = first + by * p[static_cast<std::size_t>(along)];
      return at(x, p);
    });
  }
  for (int axis : {0, 1, 2, -1}) {
    const auto k = static_cast<std::size_t>(axis < 0 ? axis + 3 : axis);
    std::vector<Tensor<S>> pieces;
    Indices starts;
    Index total = 0;
    Shape to;
    for (Index n : {2, 1, 4}) {
      Shape s;
      for (int i = 0; i < 3; ++i) s.append(static_cast<std::size_t>(i) == k ? n : x.shape()[i]);
      pieces.push_back(reference::draw<S>(random, s));
      starts.push_back(total);
      total += n;
    }
    for (int i = 0; i < 3; ++i) to.append(static_cast<std::size_t>(i) == k ? total : x.shape()[i]);
    const auto kept = pieces[0].clone();
    equals(concat(pieces, axis), to, exact, [&](Indices p) {
      std::size_t piece = 2;
      while (p[k] < starts[piece]) --piece;
      p[k] -= starts[piece];
      return at(pieces[piece], p);
    });
    CHECK(reference::same_bits(kept, pieces[0]));
  }
  equals(pad(x, {1, 0, 2}, {0, 3, 1}, -2.5), {5, 12, 8}, exact, [&](const Indices& p) {
    const Indices q{p[0] - 1, p[1], p[2] - 2};
    return q[0] < 0 || q[1] >= 9 || q[2] < 0 || q[2] >= 5 ? -2.5 : at(x, q);
  });
  equals(pad(x, {0, -2, 1}, {0, 1, -1}), {4, 8, 5}, exact, [&](const Indices& p) {
    const Indices q{p[0], p[1] + 2, p[2] - 1};
    return q[1] >= 9 || q[2] < 0 ? 0 : at(x, q);
  });
  CHECK(std::isinf(pad(x, {0, 0, 0}, {0, 1, 0}, -std::numeric_limits<double>::infinity())[9 * 5]));
  const std::vector<Index> indices{3, -1, 0, 3};
  equals(take(x, 1, indices), {4, 4, 5}, exact, [&](Indices p) {
    return at(x, {p[0], (indices[static_cast<std::size_t>(p[1])] + 9) % 9, p[2]});
  });
  const auto table = reference::draw<S>(random, {6, 3});
  equals(embedding(table, {5, 0, -1, 2, 2, 1}, {2, 3}), {2, 3, 3}, exact, [&](const Indices& p) {
    const Index rows[] = {5, 0, 5, 2, 2, 1};
    return at(table, {rows[p[0] * 3 + p[1]], p[2]});
  });
  equals(embedding(table, Tensor<S>::from({2, 1}, {4, 1})), {2, 1, 3}, exact, [&](const Indices& p) {
    return at(table, {p[0] ? 1 : 4, p[2]});
  });
}

}  // namespace

TEST_CASE("axes: numbers go where the definition says") {
  check_values<double>();
  check_values<float>();
}

TEST_CASE("axes: derivatives of every order") {
  all_orders(OP(permute(a, {0, 2, 1})), {{2, 3, 4}});
  all_orders(OP(permute(a, {3, 1, 0, 2})), {{2, 3, 1, 4}});
  all_orders(OP(slice(a, 1, 1, 6, 2)), {{3, 7}});
  all_orders(OP(slice(a, -1, 5, -1, -3)), {{3, 7}});
  all_orders(OP(concat(std::vector{a, b, mul(a, a)}, 1)), {{2, 3, 2}, {2, 1, 2}});
  all_orders(OP(concat(std::vector{a, a}, 0)), {{2, 3}});
  all_orders(OP(pad(a, {1, -1}, {0, 2}, 3)), {{2, 5}});
  all_orders(OP(take(a, 1, {2, 0, 2, -1})), {{2, 3, 2}});
  all_orders(OP(take(a, 0, {1, 1})), {{2, 3}});
  all_orders(OP(embedding(a, {0, 2, 2, 1}, {2, 2})), {{3, 2}});
}

TEST_CASE("an embedding of many tokens sums its cotangents without losing digits, in float") {
  const auto table = Tensor<float>::zeros({2, 1});
  const Index n = 1 << 20;
  const auto back =
      pullback([n](const auto& p) { return embedding(p[0], std::vector<Index>(static_cast<std::size_t>(n), 1), {n}); }, std::vector{table});
  const auto g = back(Tensor<float>::full({n, 1}, 0.1f));
  CHECK((*g[0])[0] == 0);
  CHECK((*g[0])[1] == Approx(double(0.1f) * double(n)).epsilon(1e-7));
}

TEST_CASE("axes: no examples give none, and what does not fit is told in one line") {
  const auto t = [](Shape s) { return Real::zeros(s); };
  CHECK(permute(t({0, 2, 3}), {0, 2, 1}).shape() == Shape({0, 3, 2}));
  CHECK(slice(t({0, 3}), 1, 1, 2).shape() == Shape({0, 1}));
  CHECK(concat(std::vector{t({0, 3}), t({0, 2})}, 1).shape() == Shape({0, 5}));
  CHECK(pad(t({0, 3}), {0, 1}, {0, 1}, 1).shape() == Shape({0, 5}));
  CHECK(take(t({0, 3}), 1, {2}).shape() == Shape({0, 1}));
  CHECK(embedding(t({3, 2}), {}, {0, 4}).shape() == Shape({0, 4, 2}));
  CHECK(thrown([&] { permute(t({2, 0}), {1, 0}); }) == "permute: input [2,0] has an axis of 0; at least 1");
  CHECK(thrown([&] { permute(t({2, 3}), {0, 0}); }) == "permute: axes [0,0] for input [2,3]; each of its 2 once");
  CHECK(thrown([&] { permute(t({2, 3}), {0, 2}); }) == "permute: input [2,3] has no axis 2; from -2 to 1");
  CHECK(thrown([&] { slice(t({2, 0}), 0, 0, 1); }) == "slice: input [2,0] has an axis of 0; at least 1");
  CHECK(thrown([&] { slice(t({2, 3}), 1, 2, 4); }) == "slice: [2, 4) by 1 of axis 1 of [2,3]; at least one entry, within [0, 3)");
  CHECK(thrown([&] { slice(t({2, 3}), 1, 2, 2); }) == "slice: [2, 2) by 1 of axis 1 of [2,3]; at least one entry, within [0, 3)");
  CHECK(thrown([&] { slice(t({2, 3}), 1, 2, 3, 0); }) == "slice: a step of 0");
  CHECK(thrown([&] { concat(std::vector<Real>{}, 0); }) == "concat: of nothing; at least one value");
  CHECK(thrown([&] {
          concat(std::vector{t({2, 3}), t({3, 3})}, 1);
        }) == "concat: inputs [2,3] and [3,3] must have the same axes but for axis 1");
  CHECK(thrown([&] { concat(std::vector{t({2, 3}), t({2, 0})}, 1); }) == "concat: input [2,0] has an axis of 0; at least 1");
  CHECK(thrown([&] { pad(t({2, 3}), {0}, {0}); }) == "pad: 1 numbers before and 1 after for input [2,3]; one an axis");
  CHECK(thrown([&] { pad(t({2, 3}), {0, -2}, {0, -1}); }) == "pad: -2 before and -1 after leave nothing of axis 1 of [2,3]");
  CHECK(thrown([&] { pad(t({2, 0}), {0, 1}, {0, 1}); }) == "pad: input [2,0] has an axis of 0; at least 1");
  CHECK(thrown([&] { take(t({2, 3}), 1, {3}); }) == "take: index 3 of axis 1 of [2,3]");
  CHECK(thrown([&] { take(t({2, 3}), 1, {}); }) == "take: no indices; at least one");
  CHECK(thrown([&] { embedding(t({2, 3}), {2}, {1}); }) == "embedding: index 2 in a table [2,3] of 2 rows");
  CHECK(thrown([&] { embedding(t({2, 3}), {1}, {2}); }) == "embedding: 1 indices for shape [2]");
  CHECK(thrown([&] { embedding(t({0, 3}), {1}, {1}); }) == "embedding: weight [0,3] has an axis of 0; at least 1");
  CHECK(thrown([&] { embedding(t({2, 3}), Real::full({1}, 0.5)); }) == "embedding: index 0.5 is not a whole number");
}

TEST_CASE("axes: NaN goes where its number goes") {
  auto x = Real::full({3, 4}, 1);
  x[5] = std::nan("");
  const auto lost = [](const Real& y) { return std::count_if(y.data(), y.data() + y.size(), [](double v) { return std::isnan(v); }); };
  CHECK(lost(permute(x, {1, 0})) == 1);
  CHECK(lost(slice(x, 1, 1, 2)) == 1);
  CHECK(lost(concat(std::vector{x, x}, 0)) == 2);
  CHECK(lost(pad(x, {1, 1}, {0, 0})) == 1);
  CHECK(lost(take(x, 1, {1, 1, 0})) == 2);
  CHECK(lost(embedding(x, {1, 0, 1}, {3})) == 2);
}
