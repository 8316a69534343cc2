// The folder of a run's results. Two steps, so that bad input leaves nothing behind: check() looks and touches nothing, claim() makes
// the folder once everything else was found good, and keeps other processes out of it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/common/process/lock.h"
#include "experiments/common/run/config.h"

namespace tangentplane::experiments {

/// The plan's rows in a folder in which a run has only begun (plans/plan.h).
inline constexpr const char* plan_file = "plan.csv";

/// A figure of a run: its file, and what leaves it there (figures/figure.h) out of nothing but the run's options, inputs and files. True if
/// it could.
struct RunFigure {
  std::filesystem::path path;
  std::function<bool(const std::filesystem::path&)> leave;
};

class ResultsFolder {
 public:
  enum class State { fresh, unfinished, finished };

  /// `path` is --out as resolved, `config` what configuration() gave. Nothing is touched yet.
  ResultsFolder(std::filesystem::path path, std::string experiment, Config config);
  /// Lets the run that is there be a smaller one: it may have a part of this option's list. claim() then calls make_room before it writes
  /// the longer list down.
  void may_grow_by(std::string option, std::function<void()> make_room) { growing_ = std::move(option), make_room_ = std::move(make_room); }

  /// What the run draws when all else is there; to be said before claim(). A run may be ended while it draws, or have had no gnuplot:
  /// claim() of a finished run draws what is missing, unless another process is at work there.
  void has_figures(std::vector<RunFigure> figures) { figures_ = std::move(figures); }
  /// Draws all of them; after finish(). One that cannot be drawn is one line on standard error (try_figure).
  void draw_figures() const;

  /// What is there: nothing, or this very run (same experiment and configuration but for --out, --threads, --memory and --quiet) to go on
  /// with or finished. Of images, labels, weights and graphs the path does not count where their fingerprint is known, which the run must
  /// compare; another path counts by where it leads from --out, so that folders may be moved together. Finished is a run whose files are
  /// as it left them. What is left of a process that was killed while it wrote is as nothing. Throws std::invalid_argument
  /// naming --out if the folder holds anything else or cannot be written. Of several ranks the first looks, and tells the others; so it is
  /// with claim() and finish().
  State check() const;
  /// check(); if the run is finished, says so on standard output, draws the figures that are missing and returns false; otherwise makes the
  /// folder, locks it until this object ends, removes what a killed process left half written, writes config.toml, marks the run as begun,
  /// and returns true. Throws std::invalid_argument naming --out if another process has it locked or it cannot be written; then nothing is
  /// left of the claim.
  bool claim();
  /// Marks the run as finished. Figures that are there are of fewer targets, or of what was made anew: they go. What comes after it decides
  /// nothing: figures, and words on standard output.
  void finish();

  const std::filesystem::path& path() const { return path_; }
  const std::string& experiment() const { return experiment_; }
  const Config& config() const { return config_; }

 private:
  State look() const;
  bool claim_here();
  void say_finished() const;

  std::filesystem::path path_;
  std::string experiment_;
  Config config_;
  std::string growing_;
  std::function<void()> make_room_;
  std::vector<RunFigure> figures_;
  mutable bool whole_ = false;  ///< its files were found as the run left them: they may be long, and are read once
  std::unique_ptr<FolderLock> lock_;
};

/// Whether this process has claimed a folder that held no results: it is no longer as it was, and whatever ends the run is no refusal.
bool run_has_begun();
void no_run_has_begun();

/// The experiment whose results a config.toml of this text says it belongs to; empty for a file of another kind.
std::string experiment_of(std::string_view config);
/// True unless the run in that folder has begun and not ended.
bool is_finished(const std::filesystem::path& folder);

/// Throws std::invalid_argument naming `option` (--ntk) unless `folder` holds a finished run of `experiment`, or, where that will do, one
/// that has begun.
void require_finished(const std::string& option, const std::filesystem::path& folder, const std::string& experiment,
                      bool begun_will_do = false);

}  // namespace tangentplane::experiments
