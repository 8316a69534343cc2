// What passes between ranks: run by mpirun on 1 to 4 of them, all of which make the same calls.
#include <numeric>

#include "autodiff/cpu/ranks.h"
#include "tests/check.h"

using namespace tangentplane;
using cpu::Piece;
using cpu::Ranks;

namespace {

/// Different on every rank and in every place.
double value(Index rank, Index i) { return static_cast<double>(1000 * rank + i) / 7; }

TEST_CASE("a broadcast gives all ranks the same") {
  Ranks& ranks = Ranks::world();
  for (int from = 0; from < ranks.count(); ++from) {
    std::vector<double> numbers(100);
    for (Index i = 0; i < 100; ++i) numbers[i] = value(ranks.rank(), i);
    ranks.broadcast(std::span<double>(numbers), from);
    for (Index i = 0; i < 100; ++i) CHECK(numbers[i] == value(from, i));
    CHECK(ranks.agreed(ranks.rank(), from) == from);
    CHECK(ranks.agreed(std::string(static_cast<std::size_t>(3 * ranks.rank()), 'x'), from) ==
          std::string(static_cast<std::size_t>(3 * from), 'x'));
  }
  int calls = 0;
  CHECK(ranks.by_first([&] { return ++calls + 5; }) == 6);
  CHECK(calls == (ranks.first() ? 1 : 0));
}

TEST_CASE("gathering takes as many numbers from each rank as it has") {
  Ranks& ranks = Ranks::world();
  std::vector<Index> counts;
  for (Index p = 0; p < ranks.count(); ++p) counts.push_back(p == 1 ? 0 : 3 * p + 1);
  std::vector<float> own, all(static_cast<std::size_t>(std::accumulate(counts.begin(), counts.end(), Index(0))));
  for (Index i = 0; i < counts[ranks.rank()]; ++i) own.push_back(static_cast<float>(value(ranks.rank(), i)));
  ranks.all_gather(own.data(), std::span<const Index>(counts), all.data());
  std::size_t at = 0;
  for (Index p = 0; p < ranks.count(); ++p)
    for (Index i = 0; i < counts[p]; ++i) CHECK(all[at++] == static_cast<float>(value(p, i)));
}

TEST_CASE("an exchange brings each piece to its rank and counts its bytes") {
  Ranks& ranks = Ranks::world();
  const Index n = ranks.count(), me = ranks.rank();
  // p sends p + q + 1 numbers to q, but none from 1 to 0; pieces to all begin at the same place.
  const auto length = [](Index p, Index q) { return p == 1 && q == 0 ? 0 : p + q + 1; };
  std::vector<double> from(20);
  for (Index i = 0; i < 20; ++i) from[i] = value(me, i);
  std::vector<Piece> out, in;
  Index place = 2;
  double sent = 0, received = 0;
  for (Index p = 0; p < n; ++p) {
    out.push_back({3, length(me, p)});
    in.push_back({place, length(p, me)});
    place += length(p, me) + 1;
    if (p != me) sent += 8. * static_cast<double>(length(me, p)), received += 8. * static_cast<double>(length(p, me));
  }
  std::vector<double> to(static_cast<std::size_t>(place), -1);
  const auto before = ranks.traffic();
  ranks.exchange(from.data(), std::span<const Piece>(out), to.data(), std::span<const Piece>(in));
  CHECK(ranks.traffic().sent - before.sent == sent);
  CHECK(ranks.traffic().received - before.received == received);
  CHECK(ranks.traffic().seconds >= before.seconds);
  CHECK(to[0] == -1);
  for (Index p = 0; p < n; ++p) {
    for (Index i = 0; i < length(p, me); ++i) CHECK(to[in[p].first + i] == value(p, 3 + i));
    CHECK(to[in[p].first + length(p, me)] == -1);
  }
}

TEST_CASE("sums are added in the order of the ranks, the same bits on all") {
  Ranks& ranks = Ranks::world();
  for (Index n : {0, 1, 2, 3, 50, 1001}) {
    std::vector<double> numbers(static_cast<std::size_t>(n));
    const auto term = [](Index p, Index i) {
      return std::sin(static_cast<double>(1 + i) * 1e3) * std::pow(10., static_cast<double>(5 * p));
    };
    for (Index i = 0; i < n; ++i) numbers[i] = term(ranks.rank(), i);
    ranks.sum(numbers);
    for (Index i = 0; i < n; ++i) {
      double sum = 0;
      for (Index p = 0; p < ranks.count(); ++p) sum += term(p, i);
      if (ranks.several()) CHECK(numbers[i] == sum);
    }
  }
  CHECK(ranks.largest(value(ranks.rank(), 3)) == value(ranks.count() - 1, 3));
  ranks.barrier();
}

TEST_CASE("what is dealt is dealt evenly") {
  for (Index n : {0, 1, 5, 17})
    for (Index parts : {1, 2, 3, 20}) {
      Index next = 0;
      for (Index p = 0; p < parts; ++p) {
        const auto [first, end] = cpu::dealt(n, parts, p);
        CHECK(first == next);
        CHECK((n / parts <= end - first && end - first <= n / parts + 1));
        next = end;
      }
      CHECK(next == n);
    }
}

}  // namespace
