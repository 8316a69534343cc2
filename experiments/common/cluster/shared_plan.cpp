#include "experiments/common/cluster/shared_plan.h"

#include <bit>
#include <cmath>
#include <limits>

#include "experiments/common/plans/kernel_stages.h"
#include "experiments/common/process/memory.h"
#include "kernels/eigen/lanczos.h"
#include "kernels/tiles/tiled_operator.h"

namespace tangentplane::experiments {
namespace {

using kernels::Deal;

/// The part with the most to do.
Index largest_part(const Deal& deal) {
  Index most = 0;
  for (Index p = 1; p < deal.parts(); ++p)
    if (deal.numbers_of(p) > deal.numbers_of(most)) most = p;
  return most;
}

/// What the same eigenpairs would take otherwise.
void add_alternatives(SharedPlan& plan, double bytes_of_k) {
  const double n = static_cast<double>(plan.images), k = static_cast<double>(plan.eigen), parts = static_cast<double>(plan.parts);
  // Two passes a pair, each as long as reading a rank's share of K takes: memory gives a byte for 200 flops.
  const double passes = 2 * k, pass = bytes_of_k / parts / (plan.rate / 200);
  // 4/3 N^3 at a quarter of the rate, for half of the reduction waits for memory; and the back-transformation.
  const double full = (4. / 3 * n * n * n * 4 + 4 * n * n * k) / (parts * plan.rate);
  plan.remarks.push_back(
      fmt::format("one vector at a time (Krylov-Schur): {:.0f} passes over the kernel, about {}", passes, format_duration(passes * pass)));
  plan.remarks.push_back(fmt::format("a full reduction (ELPA, ScaLAPACK): about {}", format_duration(full)));
}

}  // namespace

Index shared_tile(const FeaturePlan& features, Index images, Index parts) {
  const auto fine = static_cast<Index>(std::bit_floor(static_cast<std::uint64_t>(std::max<Index>(1, images / (8 * parts)))));
  const Index rows = std::clamp<Index>(fine, features.long_rows() ? 128 : 16, 512);
  return std::max<Index>(1, rows / features.side());
}

template <class S>
double lanczos_sent_bytes(const Deal& rows, Index k, Index basis, Index block, Index checks) {
  const double ranks = static_cast<double>(rows.parts()), share = (ranks - 1) / ranks, m = static_cast<double>(basis),
               b = static_cast<double>(block), pairs = static_cast<double>(k), steps = m / b;
  // Each block is orthogonalised twice: coefficients of all vectors before it, and a Gram matrix. A sum sends every number twice.
  const double sums = steps * 2 * (m / 2 * b + b * b) * 8 * 2 * share;
  const double ritz = static_cast<double>(checks) * m * pairs * 8 * share;
  const double vectors = share * pairs * static_cast<double>(rows.size()) / ranks * sizeof(S);
  return kernels::TiledOperator<S>::sent_bytes(rows, basis + k) + sums + ritz + vectors;
}

template <class S>
SharedPlan plan_shared(const CommonOptions& o, const KernelOptions& kernel, const ClusterOptions& cluster, const Subject<S>& subject,
                       Index parts, Index part, bool eigenpairs) {
  cpu::Ranks& ranks = cpu::Ranks::world();
  const Index n = subject.data.num_train + subject.data.num_test, k = *kernel.eigen;
  const Shape image = subject.data.image();
  SharedPlan plan;
  plan.images = n, plan.eigen = k, plan.parts = parts, plan.save = kernel.save_ntk;
  NtkOptions options;
  options.contraction = plan.contraction = kernel.way();
  options.outputs = plan.outputs = kernel.outputs;
  const FeaturePlan features = plan_ntk_features(subject.network, subject.init, subject.data.images, options);
  const Deal deal(n, shared_tile(features, n, parts), parts);
  options.tile = deal.tile();
  const NtkPlan alone = fit_ntk<S>(features, n, n, options);
  const PassCost pass = measure_pass(subject.network, subject.init, image, alone, options.outputs);
  Plan measured;
  measured.stages = {{.name = "kernel", .flops = static_cast<double>(n) * static_cast<double>(n) / 2 * features.pair_flops}};
  measure_rate<S>(measured, o);
  const double here = ranks.agreed(o.is_split() ? measured.split_rate : measured.gemm_rate);
  plan.rate = cluster.node_gflops ? *cluster.node_gflops * 1e9 : here;
  plan.network = cluster.network_gbits * 1e9 / 8;
  const double image_seconds = ranks.agreed(pass.seconds) * here / plan.rate;

  const double pixels = static_cast<double>(n) * static_cast<double>(image.size()) * sizeof(S),
               inputs = pixels + static_cast<double>(subject.init.size()) * sizeof(S), base = program_bytes + inputs,
               passes = 1.2 * pass.bytes, memory = static_cast<double>(cluster.node_memory ? cluster.node_memory : o.memory);
  require_room(fmt::format("{} images take", n),
               {{"the program", program_bytes},
                {"images and weights", inputs, fewer_images},
                {"passes over some images", passes, smaller_network(o)}},
               static_cast<std::uint64_t>(memory));
  const Index worst = ranks.several() || cluster.shard ? part : largest_part(deal);
  const Deal rows(n * features.side(), deal.tile() * features.side(), parts);
  const auto [first, end] = rows.columns(worst);
  const Index width = std::max<Index>(1, end - first), size = rows.size(), block = kernels::lanczos_block(size, k),
              basis = kernels::lanczos_basis(size, k);
  const auto lanczos = [&](Index vectors, Index batch) {
    return kernels::lanczos_bytes<S>(size, k, vectors, batch, width) +
           kernels::TiledOperator<S>::bytes(size, rows.tile(), std::max(block, batch), static_cast<int>(parts));
  };
  plan.batch = std::min<Index>(k, 128);
  const double solving = eigenpairs ? lanczos(basis, plan.batch) : 0, tiles = kernels::TileMemory<S>::bytes(rows, worst),
               two = static_cast<double>(6 * deal.tile() * features.image_numbers) * sizeof(S) + alone.tile_bytes;
  plan.in_memory = !cluster.shard && base + tiles + std::max(solving, passes + two) <= memory;
  const double held = base + (plan.in_memory ? tiles : 0);
  require(held + solving <= memory,
          "--memory: {} eigenpairs of {} images on {} ranks take {} on each, {} are allowed; give more, or more ranks", k, n, parts,
          format_size(held + solving), format_size(memory));
  // The least of all ranks: what is passed on is cut alike.
  options.memory = -ranks.largest(-(memory - held - passes));
  require(options.memory > 0, "--memory: a pass over some images takes {} more; give more", format_size(passes));
  plan.part = plan_part<S>(features, deal, worst, options, eigenpairs ? PassOn::cheaper : PassOn::never, image_seconds, 1 / plan.network);
  Index vectors = 0;  // for which all ranks have room; 0 in the plan: as many as there are
  while (eigenpairs && vectors < size && lanczos(vectors + block, plan.batch) + held <= memory) vectors += block;
  vectors = static_cast<Index>(-ranks.largest(-static_cast<double>(vectors)));
  plan.max_basis = vectors >= size ? 0 : std::max(basis, vectors - 2 * block);

  const NtkPlan& ntk = plan.part.ntk;
  const double file = plan.in_memory ? 0 : kernels::TileFile<S>::disk_bytes(rows, worst);
  plan.stages.push_back({.name = "features",
                         .flops = ntk.feature_flops,
                         .seconds = ntk.feature_images * image_seconds,
                         .sent = plan.part.sent_bytes,
                         .memory = held + passes + ntk.feature_bytes});
  plan.stages.push_back({.name = "kernel",
                         .flops = ntk.pair_flops,
                         .seconds = ntk.pair_flops / (pair_efficiency * plan.rate),
                         .memory = held + passes + ntk.feature_bytes,
                         .disk = file});
  if (eigenpairs) {
    const Index expected = kernels::lanczos_expected(size, k);
    const double order = static_cast<double>(size), m = static_cast<double>(expected),
                 shared = kernels::lanczos_flops(size, k) + 2 * m * order * static_cast<double>(k),
                 flops = shared / static_cast<double>(parts) + 4. / 3 * m * m * m;
    plan.stages.push_back(
        {.name = "eigenpairs",
         .flops = flops,
         .seconds = flops / (eigen_efficiency(static_cast<double>(size) / std::sqrt(static_cast<double>(parts))) * plan.rate),
         .sent = parts > 1 ? lanczos_sent_bytes<S>(rows, k, expected, block, 2) : 0,
         .memory = held + solving,
         .disk = static_cast<double>(k) * static_cast<double>(size) * sizeof(S)});
  }
  plan.remarks.push_back(fmt::format("tiles of {} images a side, {} on each {}", deal.tile(), plan.in_memory ? "in memory" : "on the disk",
                                     cluster.shard ? "job" : "rank"));
  if (parts > 1)
    plan.remarks.push_back(plan.part.passed_on
                               ? "features are computed once and passed on"
                               : fmt::format("features are computed {:.1f} times over, which is cheaper than passing them on",
                                             ntk.feature_images * static_cast<double>(parts) / static_cast<double>(n)));
  if (eigenpairs && cluster.ranks) add_alternatives(plan, static_cast<double>(size) * static_cast<double>(size) / 2 * sizeof(S));
  return plan;
}

Plan SharedPlan::plan() const {
  Plan all;
  for (const SharedStage& s : stages)
    all.stages.push_back({.name = s.name,
                          .stage = s.name == "features" ? "kernel" : s.name,
                          .flops = s.flops,
                          .efficiency = std::numeric_limits<double>::infinity(),
                          .memory = s.memory,
                          .disk = s.disk,
                          .seconds = seconds_of(s)});
  all.gemm_rate = rate;
  all.choices = {{"ranks", std::to_string(parts)},
                 {"kernel", in_memory ? "in the memory of the ranks" : "on the disks of the ranks"},
                 {"features", part.passed_on ? "passed on" : "computed anew"},
                 {"eigenpairs", "lanczos"}};
  all.remarks = remarks;
  return all;
}

std::string format_stages(const std::vector<SharedStage>& stages, const std::function<double(const SharedStage&)>& seconds) {
  std::vector<std::vector<std::string>> rows{{"stage", "work", "sent", "received", "memory", "disk", "time"}};
  SharedStage all{.name = "all"};
  const auto row = [&](const SharedStage& s, double time) {
    rows.push_back({s.name, format_flops(s.flops), format_size(s.sent), format_size(s.sent), format_size(s.memory), format_size(s.disk),
                    format_duration(time)});
  };
  double together = 0;
  for (const SharedStage& s : stages) {
    row(s, seconds(s));
    all.flops += s.flops, all.sent += s.sent, all.disk += s.disk, all.memory = std::max(all.memory, s.memory);
    together += seconds(s);
  }
  row(all, together);
  return format_table(rows);
}

std::string format_shared_plan(const SharedPlan& plan) {
  std::string text = format_stages(plan.stages, [&](const SharedStage& s) { return plan.seconds_of(s); });
  text += fmt::format("on each of {} ranks, at {}/s of matrix products and {}/s of network\n", plan.parts, format_flops(plan.rate),
                      format_size(plan.network));
  for (const std::string& line : plan.remarks) text += line + "\n";
  return text;
}

#define INSTANTIATE(S)                                                            \
  template double lanczos_sent_bytes<S>(const Deal&, Index, Index, Index, Index); \
  template SharedPlan plan_shared(const CommonOptions&, const KernelOptions&, const ClusterOptions&, const Subject<S>&, Index, Index, bool);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::experiments
