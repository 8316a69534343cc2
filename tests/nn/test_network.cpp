// What a model may return: logits [N, O], whatever values it runs on.
#include "autodiff/transforms.h"
#include "nn/layers.h"
#include "nn/network_learner.h"
#include "tests/line_of.h"
#include "tests/small.h"

using namespace tangentplane;
using check::Real;

namespace {

/// A network that hands on its images, with a parameter, under another shape.
template <class Shapes>
Network<double> returning(const Shapes& shape) {
  return Network<double>([shape](const auto& scope, const auto& images) {
    return reshape(bias(images, scope.parameter("b", {shape_of(images)[-1]}, zeros())), shape(shape_of(images)));
  });
}

template <class T>
std::string line_for(const Network<double>& network, const Variables<double>& v, const Real& images) {
  const std::vector<Real>& p = v.parameters;
  return line_of([&] { forward(network, v, std::vector<T>(p.begin(), p.end()), lift<T>(images)); });
}
template <class T>
std::string line_on_a_tape(const Network<double>& network, const Variables<double>& v, const Real& images) {
  const std::vector<T> p(v.parameters.begin(), v.parameters.end());
  return line_of([&] { pullback([&](const auto& q) { return forward(network, v, q, lift<Var<T>>(images)); }, p); });
}

}  // namespace

TEST_CASE("a model that returns anything but a row of logits for each image is refused, whatever values it runs on") {
  Variables<double> v;
  v.paths = {"b"};
  v.parameters = {Real::full({3}, 0.5)};
  const Real images = Real::full({4, 2, 2, 3}, 1);
  const auto refuses = [&](const Network<double>& network, const std::string& out, const std::string& of_two) {
    const auto said = [](const std::string& shape, const char* given) {
      return "network: the model returns " + shape + " for images " + given +
             "; it must return logits [N,O], a row an image and at least one column";
    };
    const std::string line = said(out, "[4,2,2,3]");
    CHECK(line_for<Real>(network, v, images) == line);
    CHECK(line_for<Dual<Real>>(network, v, images) == line);
    CHECK(line_on_a_tape<Real>(network, v, images) == line);
    CHECK(line_on_a_tape<Dual<Real>>(network, v, images) == line);
    CHECK(line_of([&] { evaluate(network, v, images); }) == line);
    CHECK(line_of([&] { NetworkLearner<double>(network, v, images, 2); }) == said(of_two, "[2,2,2,3]"));  // looks at two images
  };
  refuses(returning([](const Shape& s) { return s; }), "[4,2,2,3]", "[2,2,2,3]");
  refuses(returning([](const Shape& s) { return Shape{s.size()}; }), "[48]", "[24]");
  refuses(returning([](const Shape& s) { return Shape{1, s.size()}; }), "[1,48]", "[1,24]");
  refuses(returning([](const Shape& s) { return Shape{s.size(), 1}; }), "[48,1]", "[24,1]");
  refuses(returning([](const Shape& s) { return Shape{s[0], 12, 1}; }), "[4,12,1]", "[2,12,1]");
  refuses(Network<double>([](const auto& scope, const auto& x) { return sum(bias(x, scope.parameter("b", {3}, zeros()))); }), "[]", "[]");
  refuses(Network<double>([](const auto&, const auto& x) {
            return lift<std::decay_t<decltype(x)>>(Real({shape_of(x)[0], 0}));
          }),
          "[4,0]", "[2,0]");
  // As early as the first weights are drawn.
  CHECK(line_of([] {
          initialise(returning([](const Shape& s) { return s; }), {2, 2, 3}, 0);
        }) ==
        "network: the model returns [1,2,2,3] for images [1,2,2,3]; it must return logits [N,O], a row an image and at least one column");
  check::same(evaluate(returning([](const Shape& s) { return Shape{s[0], 12}; }), v, images, 3), Real::full({4, 12}, 1.5), 0);
}

TEST_CASE("a network learner refuses images, parts and networks it cannot train on") {
  const auto s = small_models<double>(4)[0];
  const auto learner = [&](const Real& images, Index num_train) {
    return line_of([&] { NetworkLearner<double>(s.network, s.variables, images, num_train); });
  };
  CHECK(learner(s.images.slice(0, 0), 0) == "train: takes images [N,H,W,C] with N > 0, got [0,3,5,2]");
  CHECK(learner(Real::full({}, 1), 1) == "train: takes images [N,H,W,C] with N > 0, got []");
  CHECK(learner(s.images, 0) == "train: 0 training images of 4; give 1 to 4");
  CHECK(learner(s.images, 5) == "train: 5 training images of 4; give 1 to 4");
  CHECK(learner(s.images, -1) == "train: -1 training images of 4; give 1 to 4");
  CHECK(learner(Real::zeros({4, 3, 5, 3}), 2).find("parameters: Dense_0/kernel has shape [30,7]") == 0);
}

TEST_CASE("a network's images are known to belong to the examples, before any parameter meets them") {
  const auto line = [](const Network<double>& network) {
    const auto s = draw_small<double>("images", network, {2, 2, 3}, 4);
    const Pullback<Real> back([&](const std::vector<Var<Real>>& p) { return forward(network, s.variables, p, Var<Real>(s.images)); },
                              s.variables.parameters);
    return line_of([&] { back.tape().require_per_example("rows", 4); });
  };
  const auto last = [](const auto& scope, const auto& x) { return dense(scope / "last", 1, flatten(x)); };
  CHECK(line(Network<double>([&](const auto& scope, const auto& images) { return last(scope, images); })) == "nothing was thrown");
  CHECK(line(Network<double>(
            [&](const auto& scope, const auto& images) { return last(scope, bias(images, scale(channel_sum(images), -0.25))); })) ==
        "rows: the examples of this batch are coupled (channel_bias hands each of them a value computed from all, as BatchNorm in "
        "training mode does), so nothing per example exists; run the network in evaluation mode");
  CHECK(line(Network<double>([&](const auto& scope, const auto& images) {
          return last(scope, reshape(average_pool(reshape(images, {1, shape_of(images)[0] * 2, 2, 3}), 1), shape_of(images)));
        })) ==
        "rows: average_pool works on 1 row, which 4 examples do not share out evenly, so nothing per example exists; keep the examples "
        "as the first axis");
}
