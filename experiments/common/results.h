// The folder of a run's results. Two steps, so that bad input leaves nothing behind: check() looks and touches nothing, claim() makes
// the folder once everything else was found good.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "experiments/common/config.h"

namespace tangentplane::experiments {

class ResultsFolder {
 public:
  enum class State { fresh, unfinished, finished };

  /// `path` is --out as resolved, `config` what configuration() gave. Nothing is touched yet.
  ResultsFolder(std::filesystem::path path, std::string experiment, Config config);

  /// What is there: nothing, or this very run (same experiment and configuration but for --out, --threads, --memory and --quiet) to go on
  /// with or finished. Throws std::invalid_argument naming --out if the folder holds anything else or cannot be written.
  State check() const;
  /// check(); if the run is finished, says so on standard output and returns false; otherwise makes the folder, writes config.toml,
  /// marks the run as begun, and returns true.
  bool claim();
  /// Marks the run as finished; the last thing that a run does.
  void finish();

  const std::filesystem::path& path() const { return path_; }
  const std::string& experiment() const { return experiment_; }
  const Config& config() const { return config_; }

 private:
  std::filesystem::path path_;
  std::string experiment_;
  Config config_;
};

/// The experiment whose results a config.toml of this text says it belongs to; empty for a file of another kind.
std::string experiment_of(std::string_view config);
/// True unless the run in that folder has begun and not ended.
bool is_finished(const std::filesystem::path& folder);

/// Throws std::invalid_argument naming `option` (--ntk) unless `folder` holds a finished run of `experiment`.
void require_finished(const std::string& option, const std::filesystem::path& folder, const std::string& experiment);

}  // namespace tangentplane::experiments
