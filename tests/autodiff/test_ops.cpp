// One line an op: its derivatives of both modes and of second order, over odd shapes.
#include "tests/check.h"

using namespace tangentplane;
using check::all_orders;

// A smooth function around the op, so that second derivatives are not all zero.
#define OP(expression)                                             \
  [=](const auto& p) {                                             \
    const auto a = tanh(p[0]);                                     \
    [[maybe_unused]] const auto b = p.size() > 1 ? tanh(p[1]) : a; \
    return expression;                                             \
  }

TEST_CASE("forms") {
  all_orders(OP(matmul(a, b)), {{4, 3}, {3, 5}});
  all_orders(OP(matmul(a, b)), {{1, 1}, {1, 1}});
  all_orders(OP(mul(a, b)), {{3, 2}, {3, 2}});
  all_orders(OP(mul(a, a)), {{5}});
  all_orders(OP(channel_scale(a, b)), {{2, 3, 1, 3}, {3}});
  all_orders(OP(channel_scale(a, b)), {{7, 1}, {1}});
  all_orders(OP(conv2d(a, b)), {{2, 5, 4, 3}, {3, 3, 3, 2}});
  all_orders(OP(conv2d(a, b, 2)), {{1, 5, 4, 1}, {3, 3, 1, 2}});
  all_orders(OP(conv2d(a, b, 1, Padding{0, 1, 1, 0})), {{3, 3, 3, 2}, {2, 2, 2, 1}});
  all_orders(OP(conv2d(a, b, 2, Padding{-1, 0, -2, 1})), {{2, 6, 7, 2}, {3, 2, 2, 1}});
  all_orders(OP(conv2d(a, b, 3, Padding{-2, 1, 1, -1})), {{1, 8, 7, 1}, {3, 3, 1, 2}});
}

TEST_CASE("maps") {
  all_orders(OP(bias(a, b)), {{4, 3}, {3}});
  all_orders(OP(bias(mul(a, a), b)), {{2, 3, 3, 2}, {2}});
  all_orders(OP(apply(ChannelBias{{4, 3}}, a)), {{3}});
  all_orders(OP(average_pool(a, 2)), {{2, 5, 4, 3}});
  all_orders(OP(average_pool(a, 3, 2)), {{1, 7, 6, 1}});
  all_orders(OP(max_pool(a, 2)), {{2, 5, 4, 2}});
  all_orders(OP(max_pool(a, 3, 1)), {{1, 5, 4, 2}});
  all_orders(OP(global_mean(a)), {{2, 3, 5, 2}});
  all_orders(OP(flatten(a)), {{2, 3, 2}});
  all_orders(OP(sum(a)), {{4, 3}});
  all_orders(OP(channel_sum(a)), {{4, 3}});
  all_orders(OP(scale(a, -2.5)), {{3}});
  all_orders(OP(add(a, b)), {{3, 2}, {3, 2}});
  all_orders(OP(add(a, a)), {{3, 2}});
  all_orders(OP(subtract(a, b)), {{1}, {1}});
}

TEST_CASE("a parameter may be shared, unused, or be the output") {
  all_orders([](const auto& p) { return matmul(tanh(matmul(p[0], p[0])), p[0]); }, {{3, 3}});
  all_orders([](const auto& p) { return conv2d(conv2d(p[0], p[1]), p[1]); }, {{2, 4, 4, 2}, {3, 3, 2, 2}});
  all_orders([](const auto& p) { return tanh(p[1]); }, {{2}, {3}});
  all_orders([](const auto& p) { return mul(p[0], p[0]); }, {{2}});
  all_orders([](const auto& p) { return bias(bias(matmul(p[0], p[1]), tanh(p[2])), p[2]); }, {{2, 3}, {3, 2}, {2}});
}

TEST_CASE("wrong shapes are told at the call, in one line with both shapes") {
  using Catch::Matchers::ContainsSubstring;
  const auto t = [](Shape s) { return Tensor<double>::zeros(s); };
  CHECK_THROWS_WITH(conv2d(t({8, 32, 32, 3}), t({5, 5, 6, 16})), "conv2d: input [8,32,32,3] has 3 channels, weight [5,5,6,16] takes 6");
  CHECK_THROWS_WITH(conv2d(t({8, 3}), t({5, 5, 6, 16})), ContainsSubstring("[8,3]") && ContainsSubstring("[5,5,6,16]"));
  CHECK_THROWS_WITH(conv2d(t({1, 2, 2, 1}), t({5, 5, 1, 1}), 1, Padding{}), ContainsSubstring("larger than the padded input [1,2,2,1]"));
  CHECK_THROWS_WITH(conv2d(t({1, 2, 2, 1}), t({1, 1, 1, 1}), 0, Padding{}), ContainsSubstring("stride 0"));
  CHECK_THROWS_WITH(conv2d(t({1, 2, 2, 1}), t({1, 1, 1, 1}), 0), "conv2d: stride 0 is below 1");
  CHECK_THROWS_WITH(matmul(t({2, 3}), t({4, 5})), "matmul: input [2,3] has 3 columns, weight [4,5] takes 4");
  CHECK_THROWS_WITH(matmul(t({2}), t({4, 5})), ContainsSubstring("matmul: takes an input [...,K]"));
  CHECK_THROWS_WITH(bias(t({2, 3}), t({2})), ContainsSubstring("bias: input [2,3]"));
  CHECK_THROWS_WITH(channel_scale(t({2, 3}), t({2})), ContainsSubstring("channel_scale: input [2,3]"));
  CHECK_THROWS_WITH(mul(t({2}), t({3})), "mul: shapes [2] and [3] differ");
  CHECK_THROWS_WITH(add(t({2}), t({3})), "add: shapes [2] and [3] differ");
  CHECK_THROWS_WITH(average_pool(t({1, 1, 1, 1}), 2), ContainsSubstring("window 2 does not fit into [1,1,1,1]"));
  CHECK_THROWS_WITH(max_pool(t({1, 1, 1, 1}), 2), ContainsSubstring("window 2 does not fit into [1,1,1,1]"));
  CHECK_THROWS_WITH(average_pool(t({1, 4, 4, 1}), 2, -1), "average_pool: stride -1 is negative");
  CHECK_THROWS_WITH(max_pool(t({1, 4, 4, 1}), 2, -1), "max_pool: stride -1 is negative");
  CHECK_THROWS_WITH(global_mean(t({1, 1})), ContainsSubstring("images [N,H,W,C]"));
  CHECK_THROWS_WITH(reshape(t({2, 3}), {7}), "reshape: [2,3] to [7] changes the size");
  CHECK_THROWS_WITH(grad([](const auto& p) { return p[0]; }, std::vector{t({2})}), ContainsSubstring("use pullback"));
  CHECK_THROWS_WITH(pullback([](const auto& p) { return p[0]; }, std::vector{t({2})})(t({3})),
                    ContainsSubstring("cotangent [3] for an output [2]"));
  CHECK_THROWS_WITH(jvp([](const auto& p) { return p[0]; }, std::vector{t({2})}, {t({3})}), ContainsSubstring("tangent 0 has shape [3]"));
}
