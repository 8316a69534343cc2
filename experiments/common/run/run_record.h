// run.json: what a run was made with, on which machine, and how long each stage took.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "autodiff/cpu/split/measured.h"
#include "experiments/common/plans/plan.h"
#include "experiments/common/run/fingerprints.h"
#include "experiments/common/run/results.h"

namespace tangentplane::experiments {

/// Collects what run.json holds and writes it when the run finishes, and what there is of it when the run ends early. The stages of
/// earlier, interrupted runs into the same folder stay in the list, and their commits, if they were others, in `earlier_commits`.
class RunRecord {
 public:
  /// `folder` is claimed. Notes experiment, command, date (UTC), versions, machine and BLAS; prints the BLAS's warning, if any, to standard
  /// error.
  explicit RunRecord(ResultsFolder& folder);
  ~RunRecord();
  RunRecord(const RunRecord&) = delete;
  RunRecord& operator=(const RunRecord&) = delete;

  /// A fact of the run, e.g. set("parameters", 136121.) or set("class_balance", 0.5): integers are written as such.
  void set(std::string_view key, double value);
  void set(std::string_view key, std::string_view value);
  void set(std::string_view key, const std::vector<std::string>& values);
  /// What the run is about to do, under `plan`: rows as --plan prints them, what is held where, and the rate by which times are told.
  void follow(const Plan& plan);
  /// What the run is made from: `inputs` (each file's name and bytes) and `fingerprints`. run.json is written at once, so that no large
  /// file stands in the folder without them, however the run ends.
  void made_from(const Fingerprints& fingerprints, const std::vector<std::filesystem::path>& files);
  /// How a training ended, as an entry of `trainings`: epochs and end_of_training().
  void add_training(std::string_view name, const History& history);
  /// One more, of a file that the run has written.
  void add_fingerprint(std::string_view name, std::uint64_t hash);
  /// Writes run.json, with the name and length of each file that the run left, and marks the folder as finished. Says how far split
  /// products were from float32's.
  void finish();

  /// Times what happens until its end; flops are those that the stage says it did, memory the largest resident size of the process by then.
  /// `planned` stands beside them, and of split products how many there were and how far a sample of them is from float32's.
  class Stage {
   public:
    Stage(RunRecord& record, std::string name, const Costs& planned);
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    void add_flops(double flops) { flops_ += flops; }

   private:
    RunRecord& record_;
    std::string name_;
    Costs planned_;
    std::chrono::steady_clock::time_point start_;
    cpu::split::Measured products_;  // by then
    double flops_ = 0;
  };
  Stage stage(std::string name, const Costs& planned = {}) { return Stage(*this, std::move(name), planned); }

 private:
  void save();
  struct Contents;  // keeps the JSON library out of this header

  ResultsFolder& folder_;
  std::unique_ptr<Contents> contents_;
};

}  // namespace tangentplane::experiments
