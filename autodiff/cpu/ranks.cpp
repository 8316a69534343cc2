#include "autodiff/cpu/ranks.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>

#include "autodiff/cpu/ranks/transport.h"

namespace tangentplane::cpu {
namespace {

/// Adds the time until its end to what was waited for.
class Waiting {
 public:
  explicit Waiting(Traffic& traffic) : traffic_(traffic), start_(std::chrono::steady_clock::now()) {}
  ~Waiting() { traffic_.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  Traffic& traffic_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace

Ranks& Ranks::world() {
  static Ranks ranks;
  return ranks;
}

Ranks& Ranks::alone() {
  static Ranks ranks;
  return ranks;
}

void start_ranks() {
  const transport::Place place = transport::start();
  Ranks::world().rank_ = place.rank;
  Ranks::world().count_ = place.count;
  Ranks::world().on_node_ = place.on_node;
}

bool started_apart() { return transport::started_apart(); }
void end_ranks() { transport::end(); }

void end_all_ranks(int status, const std::string& line, const std::function<void(const std::string&)>& say) {
  transport::end_all(status, line, say);
}

void on_failure_elsewhere(std::function<void(const std::string&)> say) { transport::on_failure_elsewhere(std::move(say)); }

void Ranks::barrier() {
  if (count_ == 1) return;
  const Waiting waiting(traffic_);
  transport::barrier();
}

std::string Ranks::agreed(const std::string& text, int from) {
  std::string common(static_cast<std::size_t>(agreed(text.size(), from)), '\0');
  if (rank_ == from) common = text;
  broadcast(std::span<char>(common), from);
  return common;
}

void Ranks::broadcast_bytes(void* numbers, std::size_t bytes, int from) {
  if (count_ == 1 || bytes == 0) return;
  const Waiting waiting(traffic_);
  transport::broadcast(numbers, bytes, from);
  const double share = static_cast<double>(bytes) * (count_ - 1) / count_;
  traffic_.sent += share, traffic_.received += share;
}

void Ranks::all_gather_bytes(const void* own, std::span<const Index> counts, void* all, std::size_t unit) {
  require(static_cast<int>(counts.size()) == count_, "ranks: counts of {} ranks, there are {}", counts.size(), count_);
  if (count_ == 1) return Ranks::exchange_bytes(own, std::vector<Piece>{{0, counts[0]}}, all, std::vector<Piece>{{0, counts[0]}}, unit);
  const Waiting waiting(traffic_);
  transport::all_gather(own, counts, all, unit);
  const double mine = static_cast<double>(counts[static_cast<std::size_t>(rank_)]) * static_cast<double>(unit),
               whole = static_cast<double>(std::accumulate(counts.begin(), counts.end(), Index(0))) * static_cast<double>(unit);
  traffic_.sent += mine * (count_ - 1), traffic_.received += whole - mine;
}

void Ranks::exchange_bytes(const void* from, std::span<const Piece> out, void* to, std::span<const Piece> in, std::size_t unit) {
  require(static_cast<int>(out.size()) == count_ && in.size() == out.size(), "ranks: pieces of {} and {} ranks, there are {}", out.size(),
          in.size(), count_);
  if (count_ == 1) {
    require(in[0].count == out[0].count, "ranks: {} numbers for {}", out[0].count, in[0].count);
    if (out[0].count > 0)
      std::memmove(static_cast<char*>(to) + static_cast<std::size_t>(in[0].first) * unit,
                   static_cast<const char*>(from) + static_cast<std::size_t>(out[0].first) * unit,
                   static_cast<std::size_t>(out[0].count) * unit);
    return;
  }
  const Waiting waiting(traffic_);
  transport::exchange(from, out, to, in, unit);
  for (int p = 0; p < count_; ++p) {
    if (p == rank_) continue;
    traffic_.sent += static_cast<double>(out[static_cast<std::size_t>(p)].count) * static_cast<double>(unit);
    traffic_.received += static_cast<double>(in[static_cast<std::size_t>(p)].count) * static_cast<double>(unit);
  }
}

// Each rank adds up its share of the numbers, of all ranks in their order, and hands the sums out. A reduction of MPI's own would take as
// many bytes, and an order that depends on its version and on the number of numbers.
void Ranks::sum(std::span<double> numbers) {
  if (count_ == 1 || numbers.empty()) return;
  const auto n = static_cast<Index>(numbers.size());
  std::vector<Piece> shares, copies;
  std::vector<Index> counts;
  const auto [begin, end] = dealt(n, count_, rank_);
  const Index mine = end - begin;
  for (Index p = 0; p < count_; ++p) {
    const auto [first, stop] = dealt(n, count_, p);
    shares.push_back({first, stop - first});
    counts.push_back(stop - first);
    copies.push_back({p * mine, mine});
  }
  std::vector<double> parts(static_cast<std::size_t>(mine * count_)), sums(static_cast<std::size_t>(mine), 0.);
  exchange(numbers.data(), std::span<const Piece>(shares), parts.data(), std::span<const Piece>(copies));
  for (Index p = 0; p < count_; ++p)
    for (Index i = 0; i < mine; ++i) sums[static_cast<std::size_t>(i)] += parts[static_cast<std::size_t>(p * mine + i)];
  all_gather(sums.data(), std::span<const Index>(counts), numbers.data());
}

double Ranks::largest(double number) {
  std::vector<double> all(static_cast<std::size_t>(count_));
  const std::vector<Index> one(all.size(), 1);
  all_gather(&number, std::span<const Index>(one), all.data());
  return *std::max_element(all.begin(), all.end());
}

}  // namespace tangentplane::cpu
