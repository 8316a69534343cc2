// The Jacobian of several outputs: one, their sum, all; kept or not; against gradients of one image and output at a time.
#include "linearize/kept_jacobian.h"
#include "tests/line_of.h"
#include "tests/several_outputs.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using check::Real;

namespace {

Real product(const Real& a, const Real& x, bool transpose) {
  const Index m = a.shape()[0], n = a.shape()[1];
  Real y = Real::zeros({transpose ? n : m});
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) y[transpose ? j : i] += a[i * n + j] * x[transpose ? i : j];
  return y;
}
Real in_a_row(const std::vector<Real>& parts) {
  std::vector<double> all;
  for (const Real& p : parts) all.insert(all.end(), p.data(), p.data() + p.size());
  return Real::from({static_cast<Index>(all.size())}, all);
}
Real in_a_row(const std::vector<std::optional<Real>>& parts, const std::vector<Shape>& shapes) {
  std::vector<Real> whole;
  for (std::size_t i = 0; i < parts.size(); ++i) whole.push_back(parts[i] ? *parts[i] : Real::zeros(shapes[i]));
  return in_a_row(whole);
}

void is_that_of(const FactoredJacobian<double>& jacobian, const Real& rows, const Real& value, RandomStream& random) {
  const Index r = rows.rows() / jacobian.examples();
  CHECK(jacobian.outputs() == r);
  close_to(jacobian.value(), value, 1e-13);
  close_to(jacobian.rows(), rows, 1e-12);
  std::vector<Real> v;
  for (const Shape& s : jacobian.parameter_shapes()) v.push_back(check::draw(s, random));
  const Real jv = jacobian.times(v), u = check::draw({jacobian.examples(), r}, random);
  REQUIRE(jv.shape() == u.shape());
  close_to(jv.reshaped({jv.size()}), product(rows, in_a_row(v), false), 1e-12);
  close_to(in_a_row(jacobian.transpose_times(u), jacobian.parameter_shapes()), product(rows, u.reshaped({u.size()}), true), 1e-12);
}

}  // namespace

TEST_CASE("J, J v and J^T u of one output, of the sum and of all are those of gradients of one image and output at a time") {
  const check::Poison poison;
  const Index n = 5;
  for (Index count : {1, 2, 3, 5})
    for (const auto& s : networks_of(count, n)) {
      const Real all = rows_by_gradients(s.network, s.variables, s.images), logits = evaluate(s.network, s.variables, s.images);
      REQUIRE(logits.shape() == (Shape{n, count}));
      for (const Outputs& outputs : layouts(count)) {
        INFO(s.name << " " << count << " outputs, " << outputs.str());
        RandomStream random(3, "outputs");
        const Real rows = rows_of(all, count, outputs);
        Real value = Real::zeros({n, rows.rows() / n});
        for (Index i = 0; i < n; ++i)
          for (Index o = 0; o < count; ++o) {
            if (outputs.cotangents(count) > 1) value[i * count + o] = logits[i * count + o];
            if (outputs.kind == Outputs::Kind::sum) value[i] += logits[i * count + o] / std::sqrt(static_cast<double>(count));
            if (count == 1 || (outputs.kind == Outputs::Kind::one && o == outputs.which)) value[i] = logits[i * count + o];
          }
        const FactoredJacobian<double> jacobian(s.network, s.variables, s.images, outputs);
        CHECK(jacobian.kind() == outputs.kind);
        is_that_of(jacobian, rows, value, random);
        close_to(jacobian.gram(), kernel_of(all, all, count, outputs), 1e-12);

        for (Index batch : {2, 5}) {
          const KeptJacobian<double> kept(s.network, s.variables, s.images, batch, {}, outputs);
          CHECK(kept.examples() == n);
          CHECK(kept.outputs() == jacobian.outputs());
          is_that_of(kept.of(0, n), rows, value, random);
          const Index r = jacobian.outputs();
          is_that_of(kept.of(1, 4), rows.slice(r, 4 * r), value.slice(1, 4), random);
          const std::vector<Index> order{4, 0, 3};
          is_that_of(kept.of(order), take_rows<double>(rows.reshaped({n, r * rows.shape()[1]}), order).reshaped({3 * r, rows.shape()[1]}),
                     take_rows<double>(value, order), random);
          CHECK(kept.of(order).kind() == outputs.kind);
        }
      }
    }
}

TEST_CASE("without a choice it is the only output, or all of them traced") {
  const auto one = networks_of(1, 3)[0], two = networks_of(2, 3)[0];
  CHECK(FactoredJacobian<double>(one.network, one.variables, one.images).kind() == Outputs::Kind::one);
  const FactoredJacobian<double> both(two.network, two.variables, two.images);
  CHECK(both.kind() == Outputs::Kind::trace);
  CHECK(both.value().shape() == (Shape{3, 2}));
  CHECK(KeptJacobian<double>(two.network, two.variables, two.images).of(0, 2).value().shape() == (Shape{2, 2}));
  // One of several by its number has the bits of a network of that output alone.
  const FactoredJacobian<double> by_number(two.network, two.variables, two.images, 1),
      by_name(two.network, two.variables, two.images, Outputs::one(1));
  CHECK(same_bits(by_number.rows(), by_name.rows()));
}

TEST_CASE("several outputs in float, bit by bit the same for any number of threads") {
  const ModelConfig config{.model = "lenet", .features = {3, 4, 6, 5, 3}, .activation = "gelu"};
  const auto s = draw_small<float>("lenet", make_network<float>(config), {9, 7, 3}, 33);
  const auto reference = draw_small<double>("lenet", make_network<double>(config), {9, 7, 3}, 33);
  const auto run = [&](int threads) {
    cpu::set_threads(threads);
    const FactoredJacobian<float> jacobian(s.network, s.variables, s.images, Outputs::full());
    std::vector<Tensor<float>> all{jacobian.rows(), jacobian.times(s.variables.parameters), jacobian.gram()};
    for (const auto& g : jacobian.transpose_times(jacobian.value())) all.push_back(*g);
    cpu::set_threads(0);
    return all;
  };
  const auto one = run(1), two = run(2);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], two[i]));
  const FactoredJacobian<double> exact(reference.network, reference.variables, reference.images, Outputs::full());
  close_to(one[0], exact.rows(), 1e-5);
  close_to(one[1], exact.times(reference.variables.parameters), 1e-5);
}

TEST_CASE("what several outputs take to keep is what keeping them takes") {
  const Index count = 3;
  for (const auto& s : networks_of(count, 4)) {
    INFO(s.name);
    const auto one = KeptJacobian<double>::cost(s.network, s.variables, s.images, Outputs::one(0)),
               all = KeptJacobian<double>::cost(s.network, s.variables, s.images, Outputs::full());
    CHECK(all.bytes > one.bytes);
    CHECK(all.bytes <= count * one.bytes);  // what a layer saw is kept once
    CHECK(all.flops > one.flops);
    CHECK(all.flops <= count * one.flops + 1e-9);
    double bytes = 0;
    const auto kept = KeptJacobian<double>(s.network, s.variables, s.images, 2, {}, Outputs::full()).of(0, 4);
    const Tensor<double>* cotangent = nullptr;
    for (const auto& f : kept.factors()) {
      const bool input = f.activation && f.activation->data() == s.images.data(), rows = f.cotangent.shape() == (Shape{4 * count, 1});
      if (f.activation && !input) bytes += static_cast<double>(f.activation->size()) * 8;
      if (!rows && (!cotangent || cotangent->data() != f.cotangent.data())) bytes += static_cast<double>(f.cotangent.size()) * 8;
      cotangent = &f.cotangent;
    }
    CHECK(bytes + 8 * 4 * count == 4 * all.bytes);
  }
}

TEST_CASE("outputs are named as they are given") {
  for (const Outputs& o : {Outputs::one(0), Outputs::one(12), Outputs::sum(), Outputs::trace(), Outputs::full()})
    CHECK(Outputs::parse(o.str()) == o);
  for (const char* word : {"", "-1", "1.5", "all", "3 ", "trace2", "99999999999999999999"})
    CHECK_THAT(line_of([&] { Outputs::parse(word); }), ContainsSubstring("outputs: '" + std::string(word) + "' is none; give the number"));
}

TEST_CASE("factors and products of several outputs that do not fit are refused") {
  const auto s = networks_of(2, 3)[0];
  const FactoredJacobian<double> jacobian(s.network, s.variables, s.images);
  CHECK_THAT(line_of([&] { jacobian.transpose_times(Real::zeros({3})); }),
             ContainsSubstring("jacobian: cotangent [3] for 3 examples of 2 outputs"));
  CHECK_THAT(line_of([&] {
               FactoredJacobian<double>(Real::zeros({3, 3}), jacobian.factors(), jacobian.parameter_shapes());
             }),
             ContainsSubstring("where the batch has 3 examples of 3 outputs"));
  CHECK_THAT(line_of([&] {
               FactoredJacobian<double>(Real::zeros({3, 1, 1}), {}, {});
             }),
             ContainsSubstring("takes the outputs [N] or [N,R]"));
}
