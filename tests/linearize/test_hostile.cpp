// Every public function of linearize/ with arguments that cannot be: one line each, and no crash; with the smallest that can: the right
// value.
#include "linearize/example_rows.h"
#include "linearize/function_space.h"
#include "linearize/linearized_learner.h"
#include "nn/layers.h"
#include "tests/line_of.h"
#include "tests/small.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using check::Real;

namespace {

struct Hostile {
  std::string line;  // a part of it
  std::function<void()> call;
};

Variables<double> with(Variables<double> v, std::size_t parameter, double value) {
  v.parameters[parameter] = v.parameters[parameter].clone();
  v.parameters[parameter][v.parameters[parameter].size() - 1] = value;
  return v;
}

}  // namespace

TEST_CASE("arguments that cannot be are refused in one line by all of linearize") {
  const auto s = small_models<double>(5)[0], r = small_models<double>(5)[2];
  const auto& net = s.network;
  const auto& v = s.variables;
  const Real &x = s.images, none = x.slice(0, 0), scalar = Real::full({}, 1), other = Real::zeros({5, 3, 5, 3}), one = Real::zeros({5, 1});
  const auto nan = with(v, 2, std::nan("")), infinite = with(v, 0, -INFINITY);
  auto statistics = r.variables;
  statistics.statistics.begin()->second = Real::full(statistics.statistics.begin()->second.shape(), std::nan(""));
  const FactoredJacobian<double> jacobian(net, v, x);
  const auto kept = std::make_shared<const KeptJacobian<double>>(net, v, x);
  const auto k = jacobian.gram();
  const auto& p = v.parameters;
  using J = FactoredJacobian<double>;
  using Kept = KeptJacobian<double>;
  using Linear = LinearizedLearner<double>;
  using Space = FunctionSpaceLearner<double>;
  LinearizedLearner<double> linear(net, v, x, 3, false);
  Space space(k, jacobian.value(), 3, 2);
  const std::vector<Index> beyond{0, 5}, negative{-1};
  auto few = p;
  few.pop_back();

  const std::vector<Hostile> table{
      {"jacobian: takes images [N,H,W,C] with N > 0, got [0,3,5,2]", [&] { J(net, v, none); }},
      {"jacobian: takes images [N,H,W,C] with N > 0, got []", [&] { J(net, v, scalar); }},
      {"parameters: Dense_0/kernel has shape [30,7], this network on these images takes [45,7]", [&] { J(net, v, other); }},
      {"jacobian: output 1 of a network with 1", [&] { J(net, v, x, 1); }},
      {"jacobian: output -1 of a network with 1", [&] { J(net, v, x, -1); }},
      {"jacobian: Dense_1/kernel holds a NaN or an infinity; all weights must be finite", [&] { J(net, nan, x); }},
      {"jacobian: Dense_0/kernel holds a NaN or an infinity", [&] { J(net, infinite, x); }},
      {"holds a NaN or an infinity", [&] { J(r.network, statistics, r.images); }},
      {"jacobian: takes the outputs [N] or [N,R] of N > 0 examples, got [0]", [&] { J(Real({0}), {}, {}); }},
      {"jacobian: takes the outputs [N] or [N,R] of N > 0 examples, got [5,1,1]",
       [&] {
         J(one.reshaped({5, 1, 1}), jacobian.factors(), jacobian.parameter_shapes());
       }},
      {"jacobian: a factor of parameter 5 of 5",
       [&] {
         J(jacobian.value(), jacobian.factors(), {p[0].shape(), p[1].shape(), p[2].shape(), p[3].shape(), p[4].shape()});
       }},
      {"meets 5 rows", [&] { J(Real::zeros({4}), jacobian.factors(), jacobian.parameter_shapes()); }},
      {"jacobian: 5 tangents for 6 parameters", [&] { jacobian.times(few); }},
      {"jacobian: cotangent [4] for 5 examples", [&] { jacobian.transpose_times(Real::zeros({4})); }},

      {"jacobian: takes images [N,H,W,C] with N > 0", [&] { Kept(net, v, none); }},
      {"jacobian: takes images [N,H,W,C] with N > 0", [&] { Kept(net, v, scalar); }},
      {"jacobian: batch 0 is below 1", [&] { Kept(net, v, x, 0); }},
      {"jacobian: batch -3 is below 1", [&] { Kept(net, v, x, -3); }},
      {"parameters: Dense_0/kernel has shape", [&] { Kept(net, v, other); }},
      {"Dense_1/kernel holds a NaN", [&] { Kept(net, nan, x); }},
      {"jacobian: takes images [N,H,W,C] with N > 0", [&] { Kept::cost(net, v, none); }},
      {"Dense_1/kernel holds a NaN", [&] { Kept::cost(net, nan, x); }},
      {"take_rows: row 5 of", [&] { kept->of(beyond); }},
      {"take_rows: row -1 of", [&] { kept->of(negative); }},
      {"with N > 0|of N > 0 examples", [&] { kept->of(std::vector<Index>{}); }},
      {"slice: [3, 6) of", [&] { kept->of(3, 6); }},
      {"slice: [3, 2) of", [&] { kept->of(3, 2); }},
      {"of N > 0 examples", [&] { kept->of(2, 2); }},

      {"train: takes images [N,H,W,C] with N > 0", [&] { Linear(net, v, none, 0, false); }},
      {"train: 0 training images of 5; give 1 to 5", [&] { Linear(net, v, x, 0, false); }},
      {"train: 6 training images of 5; give 1 to 5", [&] { Linear(net, v, x, 6, false); }},
      {"train: Dense_1/kernel holds a NaN", [&] { Linear(net, nan, x, 3, false); }},
      {"parameters: Dense_0/kernel has shape", [&] { Linear(net, v, other, 3, false); }},
      {"train: a Jacobian of 5 images was kept, there are 4", [&] { Linear(net, v, x.slice(0, 4), 3, false, kept); }},
      {"take_rows: row 5 of", [&] { linear.logits(beyond); }},
      {"train: a step needs the logits of its batch first", [&] { linear.step(one, 0.1); }},
      {"state: change/Dense_0/kernel is missing|is missing", [&] { linear.restore({}); }},

      {"linearize: batch 0 is below 1", [&] { linearized_logits(net, v, p, x, false, 0); }},
      {"linearize: a change of 5 tensors for 6 parameters", [&] { linearized_logits(net, v, few, x, false); }},
      {"parameters: Dense_0/kernel has shape", [&] { linearized_logits(net, v, p, other, false); }},

      {"function space: 0 training images of 5", [&] { Space(k, jacobian.value(), 0, 1); }},
      {"function space: 6 training images of 5", [&] { Space(k, jacobian.value(), 6, 1); }},
      {"function space: 3 training images of 5, 0 tasks", [&] { Space(k, jacobian.value(), 3, 0); }},
      {"function space: 1 training images of 0",
       [&] {
         Space(Real({0, 0}), Real({0}), 1, 1);
       }},
      {"function space: kernel [5] for 3 training images of 5", [&] { Space(Real::zeros({5}), jacobian.value(), 3, 1); }},
      {"train: image 5 of 3 training images", [&] { space.logits(beyond); }},
      {"train: image -1 of 3 training images", [&] { space.logits(negative); }},
      {"state: coefficients is missing", [&] { space.restore({}); }},

      {"function space: takes images [N,H,W,C] with N > 0",
       [&] {
         parameters_of(net, v, none, Real({0, 1}), 0, 1);
       }},
      {"function space: columns 0 to 1 of coefficients [5] for 5 images", [&] { parameters_of(net, v, x, Real::zeros({5}), 0, 1); }},
      {"function space: columns 0 to 2 of coefficients [5,1] for 5 images", [&] { parameters_of(net, v, x, one, 0, 2); }},
      {"function space: columns 1 to 0", [&] { parameters_of(net, v, x, one, 1, 0); }},
      {"function space: columns -1 to 1", [&] { parameters_of(net, v, x, one, -1, 1); }},
      {"function space: batch 0 is below 1", [&] { parameters_of(net, v, x, one, 0, 1, 0); }},
      {"Dense_1/kernel holds a NaN", [&] { parameters_of(net, nan, x, one, 0, 1); }},
      {"parameters: Dense_0/kernel has shape", [&] { parameters_of(net, v, other, one, 0, 1); }},
  };
  for (std::size_t i = 0; i < table.size(); ++i) {
    INFO("line " << i << " of the table: " << table[i].line);
    const auto either = table[i].line.find('|');
    const std::string line = line_of(table[i].call);
    INFO(line);
    CHECK((line.find(table[i].line.substr(0, either)) != std::string::npos ||
           (either != std::string::npos && line.find(table[i].line.substr(either + 1)) != std::string::npos)));
  }
}

TEST_CASE("one image, batches that do not divide and a network without parameters have the values that follow") {
  const check::Poison poison;
  for (const auto& s : small_networks(7)) {
    INFO(s.name);
    const auto rows = FactoredJacobian<double>(s.network, s.variables, s.images).rows();
    for (Index n : {1, 2, 7})
      for (Index batch : {1, 3, 5, 7, 100}) {
        const KeptJacobian<double> kept(s.network, s.variables, s.images.slice(0, n), batch);
        close_to(kept.of(0, n).rows(), rows.slice(0, n), 1e-12);
        const auto u = Real::full({n, 1}, 1);
        const auto theta = parameters_of(s.network, s.variables, s.images.slice(0, n), u, 0, 1, batch)[0];
        Index at = 0;
        for (std::size_t p = 0; p < theta.parameters.size(); ++p)
          for (Index e = 0; e < theta.parameters[p].size(); ++e, ++at) {
            double expected = s.variables.parameters[p][e];
            for (Index i = 0; i < n; ++i) expected += rows[i * rows.shape()[1] + at];
            if (std::abs(theta.parameters[p][e] - expected) > 1e-11) FAIL(theta.paths[p] << " entry " << e);
          }
      }
    CHECK(parameters_of(s.network, s.variables, s.images, Real::zeros({7, 2}), 1, 1).empty());
  }
  const Network<double> fixed([](const auto&, const auto& images) { return scale(flatten(images), 2); });
  const Variables<double> nothing;
  const Real x = Real::full({3, 1, 1, 1}, 0.5);
  const FactoredJacobian<double> jacobian(fixed, nothing, x);
  CHECK(jacobian.rows().shape() == (Shape{3, 0}));
  check::same(jacobian.value(), Real::full({3, 1}, 1), 0);
  check::same(jacobian.times({}), Real::zeros({3, 1}), 0);
  CHECK(jacobian.transpose_times(Real::zeros({3})).empty());
  check::same(jacobian.gram(), Real::zeros({3, 3}), 0);
  check::same(KeptJacobian<double>(fixed, nothing, x, 2).of(1, 3).times({}), Real::zeros({2, 1}), 0);
}
