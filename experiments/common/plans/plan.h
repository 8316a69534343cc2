// What --plan prints: what each stage will cost, before anything is computed.
#pragma once

#include <string>
#include <vector>

namespace tangentplane::experiments {

struct PlanStage {
  std::string name;
  double flops = 0;
  double efficiency = 1;  ///< share of the machine's gemm rate that this stage reaches
  double memory = 0;      ///< bytes resident while it runs
  double disk = 0;        ///< bytes that it leaves in the results folder
  double seconds = 0;     ///< beyond the flops: reading, waiting for memory, or all of them if they were measured (efficiency infinite)
};

/// flop/s of a product of two square matrices on all threads, measured over at least 0.2 s.
template <class S>
double measure_gemm_rate();

/// A line for each stage and one for all (times and disk added, the largest memory).
std::string format_plan(const std::vector<PlanStage>& stages, double gemm_rate);

}  // namespace tangentplane::experiments
