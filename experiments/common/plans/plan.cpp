#include "experiments/common/plans/plan.h"

#include <algorithm>
#include <chrono>

#include "autodiff/cpu/gemm.h"
#include "autodiff/tensor.h"
#include "experiments/common/text/parse.h"

namespace tangentplane::experiments {

template <class S>
double measure_gemm_rate() {
  constexpr Index n = 1536;
  const auto a = Tensor<S>::full({n, n}, S(0.5)), b = Tensor<S>::full({n, n}, S(0.25));
  Tensor<S> c({n, n});
  const auto multiply = [&] {
    cpu::parallel_gemm(cpu::Op::none, cpu::Op::none, n, n, n, S(1), a.data(), n, b.data(), n, S(0), c.data(), n);
  };
  multiply();  // starts the threads and touches the pages
  const auto start = std::chrono::steady_clock::now();
  double seconds = 0, flops = 0;
  while (seconds < 0.2) {
    multiply();
    flops += 2.0 * n * n * n;
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return flops / seconds;
}
template double measure_gemm_rate<float>();
template double measure_gemm_rate<double>();

std::string format_plan(const std::vector<PlanStage>& stages, double gemm_rate) {
  std::vector<std::vector<std::string>> rows{{"stage", "work", "memory", "disk", "time"}};
  PlanStage all{.name = "all"};
  const auto row = [&](const PlanStage& s, double seconds) {
    rows.push_back({s.name, format_flops(s.flops), format_size(s.memory), format_size(s.disk), format_duration(seconds)});
  };
  for (const PlanStage& s : stages) {
    require(s.efficiency > 0, "plan: the efficiency of {} is {}; give a share of the gemm rate above 0", s.name, s.efficiency);
    const double seconds = s.seconds + s.flops / (gemm_rate * s.efficiency);
    row(s, seconds);
    all.flops += s.flops, all.disk += s.disk, all.seconds += seconds, all.memory = std::max(all.memory, s.memory);
  }
  row(all, all.seconds);
  std::array<std::size_t, 5> widths{};
  for (const auto& r : rows)
    for (std::size_t i = 0; i < r.size(); ++i) widths[i] = std::max(widths[i], r[i].size());
  std::string text;
  for (const auto& r : rows) {
    text += fmt::format("{:<{}}", r[0], widths[0]);
    for (std::size_t i = 1; i < r.size(); ++i) text += fmt::format("  {:>{}}", r[i], widths[i]);
    text += "\n";
  }
  return text + fmt::format("at this machine's {}/s of matrix products\n", format_flops(gemm_rate));
}

}  // namespace tangentplane::experiments
