// Reverse passes one output at a time: their factors are those of the Jacobian of all outputs, and what is refused.
#include "linearize/output_passes.h"

#include "linearize/example_rows.h"
#include "tests/line_of.h"
#include "tests/several_outputs.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using check::Real;

TEST_CASE("each output's pass has the factors, bit for bit, that the Jacobian has of that output") {
  const check::Poison poison;
  const Index n = 5, count = 3;
  for (const auto& s : networks_of(count, n))
    for (const Outputs& outputs : {Outputs::one(1), Outputs::sum(), Outputs::trace(), Outputs::full()}) {
      INFO(s.name << " " << outputs.str());
      const OutputPasses<double> passes(s.network, s.variables, s.images, outputs);
      const FactoredJacobian<double> jacobian(s.network, s.variables, s.images, outputs);
      REQUIRE(passes.outputs() == jacobian.outputs());
      CHECK(passes.examples() == n);
      CHECK(passes.kind() == outputs.kind);
      CHECK(same_bits(passes.value(), jacobian.value()));
      for (Index o : {passes.outputs() - 1, Index(0)}) {  // in any order
        std::size_t k = 0;
        passes.factors(o, [&](const Factor<Real>& f) {
          REQUIRE(k < jacobian.factors().size());
          const auto expected = factor_of_output(jacobian.factors()[k++], passes.outputs(), o);
          CHECK(f.parameter == expected.parameter);
          CHECK(same_bits(f.cotangent, expected.cotangent));
          REQUIRE(f.activation.has_value() == expected.activation.has_value());
          if (f.activation) CHECK(same_bits(*f.activation, *expected.activation));
        });
        CHECK(k == jacobian.factors().size());
      }
    }
}

TEST_CASE("the rows that come of a pass are the gradients of its output") {
  const Index n = 4, count = 3;
  const auto s = networks_of(count, n)[1];
  const OutputPasses<double> passes(s.network, s.variables, s.images, Outputs::full());
  const Real rows = rows_by_gradients(s.network, s.variables, s.images);
  for (Index o = 0; o < count; ++o) {
    std::vector<Real> parts(s.variables.parameters.size());
    passes.factors(o, [&](const Factor<Real>& f) {
      Real part = example_rows(f);
      Real& sum = parts[static_cast<std::size_t>(f.parameter)];
      sum = sum.empty() ? part : add(sum, part);
    });
    Index offset = 0;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const Index size = s.variables.parameters[p].size();
      for (Index i = 0; i < n; ++i)
        for (Index k = 0; k < size; ++k) check::same(parts[p][i * size + k], rows[(i * count + o) * rows.shape()[1] + offset + k], 1e-12);
      offset += size;
    }
  }
}

TEST_CASE("passes of outputs that there are not are refused") {
  const auto s = networks_of(3, 2)[0];
  const OutputPasses<double> passes(s.network, s.variables, s.images, Outputs::full());
  const auto nowhere = [](const Factor<Real>&) {};
  CHECK_THAT(line_of([&] { passes.factors(3, nowhere); }), ContainsSubstring("jacobian: reverse pass 3 of 3"));
  CHECK_THAT(line_of([&] { passes.factors(-1, nowhere); }), ContainsSubstring("jacobian: reverse pass -1 of 3"));
  CHECK_THAT(line_of([&] { OutputPasses<double>(s.network, s.variables, s.images, Outputs::one(3)); }), ContainsSubstring("output 3"));
}
