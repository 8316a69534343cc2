// How far a long loop is, on standard error: on a terminal one bar that is redrawn, otherwise a line now and then.
#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <mutex>
#include <string>

namespace tangentplane::experiments {

/// --quiet: nothing at all from now on.
void show_progress(bool on);

enum class ProgressStyle { automatic, bar, lines, none };

class Progress {
 public:
  /// `total` units of work, e.g. Progress("ntk", tiles, "tiles"); `units` is the plural. A run that goes on counts what is left alone.
  Progress(std::string name, double total, std::string units, ProgressStyle style = ProgressStyle::automatic, std::FILE* to = stderr);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `units` more are done. From any thread.
  void advance(double units = 1);
  /// Says how long all of it took.
  void finish();

 private:
  double seconds() const;

  std::string name_, units_;
  double total_, done_ = 0, shown_at_ = 0;
  ProgressStyle style_;
  std::FILE* to_;
  std::chrono::steady_clock::time_point start_;
  bool open_ = false;  // a bar stands on the current line
  std::mutex mutex_;
};

/// What shows a fraction done, told from time to time, on a progress whose total is 100, and lets Ctrl-C stop what is being done.
std::function<void(double)> shown(Progress& progress);

/// "ntk: 42 % (420 of 1000 tiles), 35 tiles/s, 17 s left"; the time left assumes that the rate so far holds.
std::string progress_line(const std::string& name, double done, double total, const std::string& units, double seconds);
/// The same behind a bar "[=====>    ]", at most `width` characters.
std::string progress_bar(const std::string& name, double done, double total, const std::string& units, double seconds, int width);

}  // namespace tangentplane::experiments
