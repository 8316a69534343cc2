// What a run will cost, as a value: made before anything is computed, printed by --plan, followed by the run, and written to run.json
// beside what it really took.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autodiff/cpu/split/products.h"
#include "experiments/common/options/options.h"
#include "experiments/common/run/results.h"

namespace tangentplane::experiments {

/// What a part of a run takes. Whatever else it comes to take gets a member here, a term in `add`, and one in PlanStage::costs.
struct Costs {
  double flops = 0;
  double seconds = 0;
  double memory = 0;  ///< bytes resident while it runs
  double disk = 0;    ///< bytes that it leaves in the results folder

  /// Another part, done `times` times: all is added but memory, of which the larger stays.
  void add(const Costs& other, double times = 1);
};

/// A part of a run as planned, done once.
struct PlanStage {
  std::string name;        ///< its row in the table of --plan; parts of one name are added up there
  std::string stage = {};  ///< asked for by the run when it records it; empty: the same name
  double flops = 0;
  double efficiency = 1;  ///< share of the machine's gemm rate that the flops reach; infinite where `seconds` are all of their time
  double memory = 0, disk = 0;
  double seconds = 0;  ///< besides the flops: waiting for memory, or all of them if they were measured
  double reading = 0;  ///< seconds of the disk while the flops are done: the longer of both counts
  double times = 1;    ///< how often the run does it
  double split = 0;    ///< share of the flops that are split products, where the run splits them

  /// `split_rate` as in Plan.
  Costs costs(double gemm_rate, double split_rate = 0) const;
};

struct Plan {
  std::vector<PlanStage> stages;
  double gemm_rate = 0;                                      ///< flop/s of matrix products, by which times are told
  double split_rate = 0;                                     ///< flop/s of split ones; 0 where the run has none
  std::vector<std::pair<std::string, std::string>> choices;  ///< what is held where and cut how, for run.json
  std::vector<std::string> remarks;                          ///< lines below the table

  /// A row for each name, in the order in which names come first: all times that the run does its parts.
  std::vector<std::pair<std::string, Costs>> rows() const;
  /// All rows.
  Costs all() const;
  /// What the run's stage of that name takes, each time; nothing if there is none.
  Costs of(std::string_view stage) const;
};

/// flop/s of a product of two square matrices [n, n] on all threads, measured over at least that time.
template <class S>
double measure_gemm_rate(Index n = 1536, double seconds = 0.2, cpu::Products how = cpu::Products::float32);

/// Sets the rate, and that of split products where they are asked for: as above where the plan is to be printed; a run spends about a
/// hundredth of its own flops on it, and no memory that --memory does not leave.
template <class S>
void measure_rate(Plan& plan, const CommonOptions& o);

/// A line for each row and one for all, then the remarks. Throws std::invalid_argument for an efficiency that is not positive.
std::string format_plan(const Plan& plan);
/// Says it.
void print_plan(const Plan& plan);

/// A row for each of the plan's: stage, flops, seconds, memory_bytes, disk_bytes.
void save_plan(const std::filesystem::path& path, const Plan& plan);

/// Ends a run that only begins, or is only planned: says the plan if that is asked for; with --begin makes the results folder unless it is
/// there, and with both leaves the plan's rows in it.
template <class P>
void only_begin(const P& plan, const CommonOptions& o, ResultsFolder& folder) {
  if (o.plan) print_plan(plan);
  if (!o.begin || folder.check() != ResultsFolder::State::fresh || !folder.claim()) return;
  if (o.plan) save_plan(folder.path() / plan_file, plan);
}

}  // namespace tangentplane::experiments
