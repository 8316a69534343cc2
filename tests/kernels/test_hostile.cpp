// Every public function of kernels/ with arguments that cannot be: one line each, and no crash; with the smallest that can: the right
// value.
#include "kernels/alignment.h"
#include "kernels/eigen.h"
#include "kernels/eigen/dense_eigen.h"
#include "kernels/eigen/lanczos.h"
#include "kernels/nads.h"
#include "kernels/nystrom.h"
#include "kernels/tiles/tiled_ntk.h"
#include "tests/line_of.h"
#include "tests/small.h"

using namespace tangentplane;
using namespace tangentplane::kernels;
using Catch::Matchers::ContainsSubstring;
using check::Real;

namespace {

struct Hostile {
  std::string line;  // a part of it
  std::function<void()> call;
};

Variables<double> with(Variables<double> v, std::size_t parameter, double value) {
  v.parameters[parameter] = v.parameters[parameter].clone();
  v.parameters[parameter][0] = value;
  return v;
}
template <class Options, class T>
Options option(T Options::*member, T value) {
  Options o;
  o.*member = std::move(value);
  return o;
}

}  // namespace

TEST_CASE("arguments that cannot be are refused in one line by all of kernels") {
  const auto s = small_models<double>(5)[0];
  const auto& net = s.network;
  const auto& v = s.variables;
  const Real &x = s.images, none = x.slice(0, 0), scalar = Real::full({}, 1), other = Real::zeros({5, 3, 5, 3}),
             vectors = Real::zeros({2, 5});
  const auto nan = with(v, 2, std::nan("")), infinite = with(v, 0, INFINITY);
  const Real k = ntk(net, v, x), square = Real::zeros({3, 3});
  const DenseOperator<double> K(k);
  const std::string empty = "takes images [N,H,W,C] with N > 0", shapes = "parameters: Dense_0/kernel has shape [30,7]",
                    finite = "Dense_1/kernel holds a NaN or an infinity; all weights must be finite";
  const auto tile = option(&NtkOptions::tile, Index(-1)), tight = option(&NtkOptions::memory, 1.0),
             negative = option(&NtkOptions::memory, -1.0);
  const auto which = option(&NtkOptions::outputs, std::optional(Outputs::one(3)));
  const auto lanczos = option(&EigenOptions::method, EigenMethod::lanczos);
  Real broken = square.clone();
  broken[4] = std::nan("");
  std::vector<double> values;
  Real found;
  const Real points = x.slice(0, 1);
  Real bad = points.clone();
  bad[3] = INFINITY;

  const std::vector<Hostile> table{
      {empty, [&] { plan_ntk(net, v, none); }},
      {empty, [&] { plan_ntk(net, v, scalar); }},
      {shapes, [&] { plan_ntk(net, v, other); }},
      {finite, [&] { plan_ntk(net, nan, x); }},
      {"ntk: tiles of -1 images a side; give 0 for the default", [&] { plan_ntk(net, v, x, tile); }},
      {"--memory: the features of two images take", [&] { plan_ntk(net, v, x, tight); }},
      {"--memory: the features of two images take", [&] { plan_ntk(net, v, x, negative); }},
      {"jacobian: output 3 of a network with 1", [&] { plan_ntk(net, v, x, which); }},
      {empty, [&] { ntk(net, v, none); }},
      {empty, [&] { ntk(net, v, scalar); }},
      {shapes, [&] { ntk(net, v, other); }},
      {finite, [&] { ntk(net, nan, x); }},
      {"Dense_0/kernel holds a NaN or an infinity", [&] { ntk(net, infinite, x); }},
      {"ntk: tiles of -1", [&] { ntk(net, v, x, tile); }},
      {"--memory: the features of two images take", [&] { ntk(net, v, x, negative); }},
      {empty, [&] { ntk_rows(net, v, none, 0); }},
      {"ntk: 0 rows for 5 images", [&] { ntk_rows(net, v, x, 0); }},
      {"ntk: 6 rows for 5 images", [&] { ntk_rows(net, v, x, 6); }},
      {"ntk: -1 rows for 5 images", [&] { ntk_rows(net, v, x, -1); }},
      {finite, [&] { ntk_rows(net, nan, x, 2); }},
      {empty, [&] { ntk(net, v, none, x); }},
      {"differ in more than their number", [&] { ntk(net, v, x, none); }},
      {"differ in more than their number", [&] { ntk(net, v, x, other); }},
      {finite, [&] { ntk(net, nan, x, x); }},
      {"--memory: the features of two images take", [&] { ntk(net, v, x, x, negative); }},

      {empty,
       [&] {
         alignment(net, v, none, 0, Real({2, 0}));
       }},
      {"alignment: vectors [2,5] for 4 images", [&] { alignment(net, v, x.slice(0, 4), 2, vectors); }},
      {"alignment: vectors [5] for 5 images", [&] { alignment(net, v, x, 2, Real::zeros({5})); }},
      {"alignment: 6 training images of 5", [&] { alignment(net, v, x, 6, vectors); }},
      {"alignment: -1 training images of 5", [&] { alignment(net, v, x, -1, vectors); }},
      {shapes, [&] { alignment(net, v, other, 2, vectors); }},
      {finite, [&] { alignment(net, nan, x, 2, vectors); }},

      {"nads: takes points [N,H,W,C] with N > 0, got [0,3,5,2]", [&] { nads(net, v, none); }},
      {"nads: takes points [N,H,W,C] with N > 0, got []", [&] { nads(net, v, scalar); }},
      {shapes, [&] { nads(net, v, other); }},
      {"nads: " + finite, [&] { nads(net, nan, points); }},
      {"nads: Dense_0/kernel holds a NaN or an infinity", [&] { nads(net, infinite, points); }},
      {"nads: " + finite, [&] { nads_gram(net, nan, points); }},
      {"nads: " + finite, [&] { plan_nads(net, nan, points); }},
      {"nads: points [1,3,5,2] hold a NaN or an infinity", [&] { nads(net, v, bad); }},
      {"nads: block -1 is negative", [&] { nads(net, v, points, option(&NadsOptions::block, Index(-1))); }},
      {"--memory: the tangents of Dense_0/kernel take", [&] { nads(net, v, points, option(&NadsOptions::memory, -5.0)); }},
      {"nads: the mixed derivative at these weights overflows float64",
       [&] {
         auto huge = v.clone();
         for (auto& p : huge.parameters)
           for (double& w : p.span()) w *= 1e120;
         nads(net, huge, points);
       }},

      {empty, [&] { ntk_fingerprint(net, v, none, {}); }},
      {finite, [&] { ntk_fingerprint(net, nan, x, {}); }},

      {"eigenpairs: 0 pairs of a matrix [5,5]; give 1 to 5", [&] { leading_eigenpairs(k, 0); }},
      {"eigenpairs: 6 pairs of a matrix [5,5]; give 1 to 5", [&] { leading_eigenpairs(k, 6, lanczos); }},
      {"eigenpairs: K is [0,0], must be square",
       [&] {
         leading_eigenpairs(Real({0, 0}), 0);
       }},
      {"eigenpairs: K is [2,5], must be square", [&] { leading_eigenpairs(vectors, 1); }},
      {"eigenpairs: K is [], must be square", [&] { leading_eigenpairs(scalar, 1); }},
      {"eigenpairs: K [3,3] holds a NaN or an infinity", [&] { leading_eigenpairs(broken, 1); }},
      {"eigenpairs: 4 pairs of a matrix [3,3]",
       [&] {
         auto a = square.clone();
         dense_eigenpairs(a, 4, values, found);
       }},
      {"eigenpairs: 0 pairs of a matrix [3,3]",
       [&] {
         auto a = square.clone();
         dense_eigenpairs(a, 0, values, found);
       }},
      {"eigenpairs: 1 pairs of a matrix [2,5]",
       [&] {
         auto a = vectors.clone();
         dense_eigenpairs(a, 1, values, found);
       }},
      {"lanczos: 0 pairs of a matrix [5,5]; give 1 to 5", [&] { block_lanczos(K, 0); }},
      {"lanczos: 6 pairs of a matrix [5,5]; give 1 to 5", [&] { block_lanczos(K, 6); }},
      {"lanczos: block -1 is negative", [&] { block_lanczos(K, 2, option(&EigenOptions::block, Index(-1))); }},
      {"lanczos: a basis of 1 holds no 2 pairs", [&] { block_lanczos(K, 2, option(&EigenOptions::max_basis, Index(1))); }},
      {"eigenpairs: 1 values and vectors [2,5] for a matrix [5,5]", [&] { eigen_residuals<double>(K, {1.0}, vectors); }},
      {"eigenpairs: 2 values and vectors [2,4] for a matrix [5,5]",
       [&] {
         eigen_residuals<double>(K, {1.0, 1.0}, Real::zeros({2, 4}));
       }},
      {"nystrom: 0 points of 5; give 1 to 5", [&] { nystrom_points(5, 0, 1); }},
      {"nystrom: 6 points of 5; give 1 to 5", [&] { nystrom_points(5, 6, 1); }},
      {"nystrom: K_mm is [0,0], must be square",
       [&] {
         nystrom_eigenpairs(Real({0, 0}), Real({5, 0}), 0);
       }},
      {"nystrom: K_nm is [2,3], must be [N,3] with N >= 3",
       [&] {
         nystrom_eigenpairs(square, Real::zeros({2, 3}), 1);
       }},
      {"nystrom: 0 pairs from 3 points; give 1 to 3", [&] { nystrom_eigenpairs(square, square, 0); }},
      {"nystrom: K_mm [3,3] holds a NaN", [&] { nystrom_eigenpairs(broken, square, 1); }},
      {"nystrom: the largest eigenvalue of K_mm is 0, must be positive", [&] { nystrom_eigenpairs(square, square, 1); }},
  };
  for (std::size_t i = 0; i < table.size(); ++i) {
    INFO("line " << i << " of the table");
    CHECK_THAT(line_of(table[i].call), ContainsSubstring(table[i].line));
  }
  CHECK_THROWS_WITH(dense_eigenpairs(broken, 1, values, found), ContainsSubstring("eigenpairs: the matrix is not finite"));
}

TEST_CASE("one image, fewer images than a tile and a network without parameters have the kernels that follow") {
  const check::Poison poison;
  for (const auto& s : small_networks(4)) {
    INFO(s.name);
    const auto gram = FactoredJacobian<double>(s.network, s.variables, s.images).gram();
    for (Index n : {1, 2, 4})
      for (Index tile : {0, 1, 3, 512}) {
        const auto options = option(&NtkOptions::tile, tile);
        const Real x = s.images.slice(0, n), k = ntk(s.network, s.variables, x, options);
        for (Index i = 0; i < n; ++i)
          for (Index j = 0; j < n; ++j) CHECK(std::abs(k[i * n + j] - gram[i * 4 + j]) <= 1e-12 * largest(gram));
        close_to(ntk(s.network, s.variables, x, s.images.slice(0, 1), options),
                 ntk_rows(s.network, s.variables, x, 1, options).reshaped({n, 1}), 1e-12);
        const auto a = alignment(s.network, s.variables, x, n, Real::full({1, n}, 1), options);
        double sum = 0;
        for (double entry : k.span()) sum += entry;
        CHECK(a[0] == Approx(sum / static_cast<double>(n)).epsilon(1e-11));
        CHECK(alignment(s.network, s.variables, x, n, Real({0, n}), options).shape() == (Shape{3, 0}));
      }
  }
  const Network<double> fixed([](const auto&, const auto& images) { return scale(flatten(images), 2); });
  const Variables<double> nothing;
  const Real x = Real::full({3, 1, 1, 1}, 0.5);
  check::same(ntk(fixed, nothing, x), Real::zeros({3, 3}), 0);
  check::same(ntk_rows(fixed, nothing, x, 2), Real::zeros({2, 3}), 0);
  check::same(ntk(fixed, nothing, x, x), Real::zeros({3, 3}), 0);
  check::same(alignment(fixed, nothing, x, 3, Real::full({1, 3}, 1)).slice(0, 1), Real::zeros({1, 1}), 0);
  const auto directions = nads(fixed, nothing, x);
  CHECK(directions.eigvals == std::vector<double>{0});
  check::same(directions.directions, Real::full({1, 1}, 1), 0);
}
