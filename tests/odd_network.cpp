#include "tests/odd_network.h"

#include "nn/layers.h"

namespace tangentplane {
namespace {

struct OddNetwork {
  Index outputs;

  template <class T>
  T operator()(const Scope<T>& scope, const T& images) const {
    const T filter = scope.parameter("filter", {2, 3, 2, 2}, lecun_normal());
    T x = flatten(average_pool(tanh(conv2d(tanh(conv2d(images, filter)), filter)), 2));  // [N, 4]
    x = tanh(reshape(bias(reshape(dense(scope / "in", 6, x), {shape_of(x)[0], 2, 3}),    // [N, 2, 3]
                          scope.parameter("group", {3}, zeros())),
                     {shape_of(x)[0], 6}));
    const T loop = scope.parameter("loop", {6, 6}, lecun_normal()), loop_bias = scope.parameter("loop_bias", {6}, zeros());
    for (int i = 0; i < 2; ++i) x = tanh(bias(matmul(x, loop), loop_bias));
    const T linear = matmul(x, scope.parameter("linear", {6, outputs}, lecun_normal()));
    const T curved = matmul(tanh(x), scope.parameter("curved", {6, outputs}, lecun_normal()));
    return bias(add(linear, curved), scope.parameter("bias", {outputs}, zeros()));
  }
};

}  // namespace

Network<double> odd_network(Index outputs) { return Network<double>(OddNetwork{outputs}); }

}  // namespace tangentplane
