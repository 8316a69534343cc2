#include "experiments/common/plans/plan.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "autodiff/cpu/gemm.h"
#include "autodiff/tensor.h"
#include "experiments/common/process/memory.h"
#include "experiments/common/text/csv.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {

void Costs::add(const Costs& other, double times) {
  flops += times * other.flops, seconds += times * other.seconds, disk += times * other.disk;
  memory = std::max(memory, other.memory);
}

Costs PlanStage::costs(double gemm_rate, double split_rate) const {
  require(efficiency > 0, "plan: the efficiency of {} is {}; give a share of the gemm rate above 0", name, efficiency);
  const double in_parts = split_rate > 0 ? split : 0,
               work = flops / efficiency * ((1 - in_parts) / gemm_rate + (in_parts > 0 ? in_parts / split_rate : 0));
  return {.flops = flops, .seconds = seconds + std::max(reading, work), .memory = memory, .disk = disk};
}

std::vector<std::pair<std::string, Costs>> Plan::rows() const {
  std::vector<std::pair<std::string, Costs>> all;
  for (const PlanStage& s : stages) {
    auto row = std::find_if(all.begin(), all.end(), [&](const auto& r) { return r.first == s.name; });
    if (row == all.end()) row = all.insert(row, {s.name, {}});
    row->second.add(s.costs(gemm_rate, split_rate), s.times);
  }
  return all;
}

Costs Plan::all() const {
  Costs sum;
  for (const auto& [name, costs] : rows()) sum.add(costs);
  return sum;
}

Costs Plan::of(std::string_view stage) const {
  Costs sum;
  for (const PlanStage& s : stages)
    if ((s.stage.empty() ? s.name : s.stage) == stage) sum.add(s.costs(gemm_rate, split_rate));
  return sum;
}

template <class S>
double measure_gemm_rate(Index n, double least, cpu::Products how) {
  const auto a = Tensor<S>::full({n, n}, S(0.5)), b = Tensor<S>::full({n, n}, S(0.25));
  Tensor<S> c({n, n});
  const auto multiply = [&] {
    cpu::parallel_gemm(cpu::Op::none, cpu::Op::none, n, n, n, S(1), a.data(), n, b.data(), n, S(0), c.data(), n, how);
  };
  multiply();  // starts the threads and touches the pages
  const auto start = std::chrono::steady_clock::now();
  double seconds = 0, flops = 0;
  do {
    multiply();
    flops += 2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  } while (seconds < least);
  return flops / seconds;
}
template double measure_gemm_rate<float>(Index, double, cpu::Products);
template double measure_gemm_rate<double>(Index, double, cpu::Products);

template <class S>
void measure_rate(Plan& plan, const CommonOptions& o) {
  if (o.plan) {
    plan.gemm_rate = measure_gemm_rate<S>();
    if (o.is_split()) plan.split_rate = measure_gemm_rate<S>(1536, 0.2, cpu::Products::split);
  } else {
    plan.gemm_rate = 1;
    const double products = 2, share = plan.all().flops / 100 / products,
                 room = static_cast<double>(o.memory) - static_cast<double>(peak_memory());
    const double n = std::min(std::cbrt(share / 2), std::sqrt(std::max(0., room) / (6 * sizeof(S))));
    const Index side = std::clamp<Index>(static_cast<Index>(std::min(n, 1e6)), 128, 1536);
    plan.gemm_rate = measure_gemm_rate<S>(side, 0);
    if (o.is_split()) plan.split_rate = measure_gemm_rate<S>(side, 0, cpu::Products::split);
  }
  cpu::trim_memory();
}
template void measure_rate<float>(Plan&, const CommonOptions&);
template void measure_rate<double>(Plan&, const CommonOptions&);

std::string format_plan(const Plan& plan) {
  std::vector<std::vector<std::string>> rows{{"stage", "work", "memory", "disk", "time"}};
  const auto row = [&](const std::string& name, const Costs& c) {
    rows.push_back({name, format_flops(c.flops), format_size(c.memory), format_size(c.disk), format_duration(c.seconds)});
  };
  for (const auto& [name, costs] : plan.rows()) row(name, costs);
  row("all", plan.all());
  std::string text = format_table(rows);
  const std::string split = plan.split_rate > 0 ? fmt::format(", {}/s of split ones", format_flops(plan.split_rate)) : "";
  text += fmt::format("at this machine's {}/s of matrix products{}\n", format_flops(plan.gemm_rate), split);
  for (const std::string& line : plan.remarks) text += line + "\n";
  return text;
}

void save_plan(const std::filesystem::path& path, const Plan& plan) {
  Csv table({"stage", "flops", "seconds", "memory_bytes", "disk_bytes"});
  for (const auto& [name, costs] : plan.rows()) table.add(name, costs.flops, costs.seconds, costs.memory, costs.disk);
  table.save(path);
}

void print_plan(const Plan& plan) { tell("{}", format_plan(plan)); }

}  // namespace tangentplane::experiments
