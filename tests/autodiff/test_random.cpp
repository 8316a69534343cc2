// Random numbers: known ones, computed apart from this code (xoshiro256** in Python's integers, log, sine and cosine to fifty digits),
// which every machine and build must give to the last bit; and their distributions.
#include "autodiff/random.h"

#include <cmath>
#include <map>

#include "autodiff/portable_math.h"
#include "tests/catch.h"
#include "tests/checksum.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a stream's numbers are the known ones") {
  RandomStream random(2026, "known numbers", 7);
  for (std::uint64_t expected : {0x7f8fbb1e813b227eu, 0xaf76731a2607f94cu, 0xb86f72278c049783u, 0x93b5bd0d23e622c2u})
    CHECK(random.bits() == expected);
  for (double expected : {0x1.732ee64c8da7dp-1, 0x1.c1b4298dbeaffp-1, 0x1.b87bb5810e890p-2}) CHECK(random.uniform() == expected);
  for (double expected : {0x1.615ab9b33ea62p-1, -0x1.5573d98fa7029p-1, -0x1.08d9c3706aacbp-2, 0x1.9550518dd5cbfp-3, -0x1.91ae706092191p-2})
    CHECK(random.normal() == expected);
  CHECK(random.permutation(12) == std::vector<Index>{5, 1, 0, 6, 4, 2, 11, 7, 9, 10, 8, 3});
  for (Index expected : {568, 176, 603, 596, 595}) CHECK(random.below(1000) == expected);
}

TEST_CASE("four thousand normal numbers have the known checksum") {
  RandomStream random(3, "many");
  std::vector<double> z(4096);
  for (double& v : z) v = random.normal();
  CHECK(checksum<double>(z) == 0xec33d0c317f37655u);
}

TEST_CASE("logarithm, sine and cosine are the nearest numbers") {
  // Long double is exact enough to say which of two doubles is nearer, but for arguments where it hardly matters.
  const auto units = [](double value, long double exact) {
    return std::abs(static_cast<double>((value - exact) / (std::nextafter(std::abs(value), 1e300) - std::abs(value))));
  };
  RandomStream random(1, "nearest");
  double worst = 0;
  for (int i = 0; i < 20000; ++i) {
    const double x = i % 2 ? random.uniform() : std::ldexp(1 + random.uniform(), -(i % 53)), angle = 6.283185307179586 * random.uniform();
    const auto direction = portable::sine_cosine(angle);
    worst = std::max({worst, units(portable::log(x), std::log(static_cast<long double>(x))),
                      units(direction.sine, std::sin(static_cast<long double>(angle))),
                      units(direction.cosine, std::cos(static_cast<long double>(angle)))});
  }
  CHECK(worst < 0.502);
  CHECK(portable::log(1) == 0);
  CHECK(portable::sine_cosine(0).sine == 0);
  CHECK(portable::sine_cosine(0).cosine == 1);
  CHECK(portable::sine_cosine(3.141592653589793).sine == 1.2246467991473532e-16);
  CHECK_THROWS_WITH(portable::sine_cosine(-1), ContainsSubstring("angle -1"));
}

TEST_CASE("permutations of three come in all six orders equally often") {
  std::map<std::vector<Index>, int> times;
  RandomStream random(5, "orders");
  constexpr int draws = 60000;
  for (int i = 0; i < draws; ++i) ++times[random.permutation(3)];
  REQUIRE(times.size() == 6);
  // 10000 each, deviation 91; swapping with any place instead of those left would give 5/27 or 4/27: 11111 and 8889.
  for (const auto& [order, n] : times) CHECK(std::abs(n - draws / 6) < 5 * 91);
}

TEST_CASE("below is uniform where the bound does not divide the range and normal numbers are normal") {
  RandomStream random(6, "below");
  constexpr Index bound = 3 * (Index(1) << 61);  // without rejection the lower third would come twice as often as each of the others
  int low = 0;
  for (int i = 0; i < 30000; ++i) low += random.below(bound) < bound / 3;
  CHECK(std::abs(low - 10000) < 5 * 82);
  double mean = 0, square = 0, fourth = 0, product = 0, before = 0;
  constexpr int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double z = random.normal();
    mean += z / n;
    square += z * z / n;
    fourth += z * z * z * z / n;
    product += z * before / n;
    before = z;
  }
  CHECK(std::abs(mean) < 5 / std::sqrt(n));
  CHECK(std::abs(square - 1) < 5 * std::sqrt(2.0 / n));
  CHECK(std::abs(fourth - 3) < 5 * std::sqrt(96.0 / n));
  CHECK(std::abs(product) < 5 / std::sqrt(n));
}

TEST_CASE("there is no number below zero and no permutation of fewer than none") {
  RandomStream random(0, "none");
  CHECK_THROWS_WITH(random.below(0), ContainsSubstring("a number below 0"));
  CHECK_THROWS_WITH(random.below(-3), ContainsSubstring("a number below -3"));
  CHECK_THROWS_WITH(random.permutation(-1), ContainsSubstring("a permutation of -1"));
  CHECK(random.permutation(0).empty());
  CHECK(random.below(1) == 0);
}
