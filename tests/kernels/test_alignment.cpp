// Alignment of the kernel with vectors, from tiles, against the kernel itself and against J^T v.
#include "kernels/alignment.h"

#include "tests/small.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;

namespace {

// f(s, vectors [3, 13], K) for each small network and vectors that are drawn.
template <class F>
void for_networks(const F& f) {
  for (const auto& s : small_networks(13)) {
    INFO(s.name);
    RandomStream random(2, "vectors");
    const auto vectors = check::draw({3, 13}, random);
    f(s, vectors, FactoredJacobian<double>(s.network, s.variables, s.images).gram());
  }
}

}  // namespace

TEST_CASE("alignment is v^T K v / v^T v = ||J^T v||^2 / ||v||^2 on the training images, the test images and all") {
  const check::Poison poison;
  const Index n = 13, count = 3;
  for_networks([&](const auto& s, const auto& vectors, const auto& k) {
    for (Index num_train : {1, 6, 8})  // tiles of four: boundaries at an edge and within
      for (double room : {0., 9.}) {
        NtkOptions options;
        options.tile = 4;
        options.memory = room / static_cast<double>(n) * plan_ntk(s.network, s.variables, s.images).feature_bytes;
        CHECK((plan_ntk(s.network, s.variables, s.images, options).panel < n) == (room > 0));
        const auto a = alignment(s.network, s.variables, s.images, num_train, vectors, options);
        REQUIRE(a.shape() == (Shape{3, count}));
        const Index parts[3][2] = {{0, num_train}, {num_train, n}, {0, n}};
        for (Index part = 0; part < 3; ++part) {
          const auto [begin, end] = parts[part];
          const FactoredJacobian<double> jacobian(s.network, s.variables, s.images.slice(begin, end));
          for (Index v = 0; v < count; ++v) {
            double top = 0, norm = 0, squares = 0;
            for (Index i = begin; i < end; ++i) {
              norm += vectors[v * n + i] * vectors[v * n + i];
              for (Index j = begin; j < end; ++j) top += vectors[v * n + i] * k[i * n + j] * vectors[v * n + j];
            }
            check::same(a[part * count + v], top / norm, 1e-11);
            const auto u = vectors.reshaped({count * n}).slice(v * n + begin, v * n + end);
            for (const auto& g : jacobian.transpose_times(u))
              if (g) squares += check::inner(*g, *g);
            check::same(a[part * count + v], squares / norm, 1e-11);
          }
        }
      }
  });
}

TEST_CASE("alignment: the shares of pieces of the test images are those of their rows in v^T K v") {
  const Index n = 13, count = 3;
  for_networks([&](const auto& s, const auto& vectors, const auto& k) {
    for (const Index num_train : {0, 2, 6})
      for (const Index pieces : {1, 3, 5}) {
        NtkOptions options;
        options.tile = 4;
        Tensor<double> shares({pieces, count});
        const auto a = alignment(s.network, s.variables, s.images, num_train, vectors, options, &shares);
        const auto without = alignment(s.network, s.variables, s.images, num_train, vectors, options);
        CHECK(same_bits(a.slice(1, 3), without.slice(1, 3)));  // without training images row 0 is NaN
        for (Index v = 0; v < count; ++v) {
          std::vector<double> of_pieces(static_cast<std::size_t>(pieces));
          double whole = 0;
          for (Index i = num_train; i < n; ++i)
            for (Index j = num_train; j < n; ++j) {
              const double term = vectors[v * n + i] * k[i * n + j] * vectors[v * n + j];
              of_pieces[static_cast<std::size_t>((i - num_train) * pieces / (n - num_train))] += term;
              whole += term;
            }
          for (Index g = 0; g < pieces; ++g) check::same(shares[g * count + v], of_pieces[static_cast<std::size_t>(g)] / whole, 1e-10);
        }
      }
  });
  const auto s = small_models<double>(3)[0];
  auto none = Tensor<double>::full({1, 1}, 7);  // a vector that is 0 on the test images has no share of them
  alignment(s.network, s.variables, s.images, 2, Tensor<double>::from({1, 3}, std::vector<double>{1, 1, 0}), {}, &none);
  CHECK(none[0] == 0);
  Tensor<double> wrong({2, 3});
  CHECK_THROWS_WITH(alignment(s.network, s.variables, s.images, 2, Tensor<double>::zeros({2, 3}), {}, &wrong),
                    ContainsSubstring("alignment: shares [2,3] for 2 vectors"));
}

TEST_CASE("alignment in float, bit by bit the same for any number of threads, a part without images has none") {
  const auto s = small_models<float>(33)[1];
  const auto reference = small_models<double>(33)[1];
  RandomStream random(2, "vectors");
  const auto vectors = check::draw({5, 33}, random);
  NtkOptions options;
  options.tile = 6;
  const auto run = [&](int threads, Index num_train) {
    cpu::set_threads(threads);
    auto a = alignment(s.network, s.variables, s.images, num_train, cast<float>(vectors), options);
    cpu::set_threads(0);
    return a;
  };
  const auto one = run(1, 20);
  CHECK(same_bits(one, run(2, 20)));
  close_to(one, alignment(reference.network, reference.variables, reference.images, 20, vectors), 1e-5);
  const auto all_train = run(2, 33), all_test = run(2, 0);
  for (Index v = 0; v < 5; ++v) {
    CHECK(std::isnan(all_train[5 + v]));
    CHECK(std::isnan(all_test[v]));
    CHECK(all_train[v] == all_train[10 + v]);
    CHECK(all_test[5 + v] == all_test[10 + v]);
  }
}

TEST_CASE("vectors and parts that do not fit are refused") {
  const auto s = small_models<double>(3)[0];
  CHECK_THROWS_WITH(alignment(s.network, s.variables, s.images, 2, Tensor<double>::zeros({2, 4})),
                    ContainsSubstring("vectors [2,4] for 3 images"));
  CHECK_THROWS_WITH(alignment(s.network, s.variables, s.images, 4, Tensor<double>::zeros({2, 3})),
                    ContainsSubstring("4 training images of 3"));
}
