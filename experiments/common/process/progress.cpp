#include "experiments/common/process/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "experiments/common/process/interrupt.h"
#include "experiments/common/text/parse.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {
namespace {

std::atomic<bool> wanted{true};

constexpr double bar_period = 0.1, line_period = 10;  // seconds

double fraction(double done, double total) { return total > 0 ? std::clamp(done / total, 0.0, 1.0) : 1; }

std::string count(double n) { return fmt::format("{:.{}f}", n, n == std::floor(n) ? 0 : 1); }

std::string rate(double done, const std::string& units, double seconds) {
  if (done <= 0 || seconds <= 0) return "- " + units + "/s";
  const double r = done / seconds;
  // A slow loop is better read as seconds a unit.
  if (r < 0.1) return fmt::format("{} each", format_duration(1 / r));
  return fmt::format("{:.{}f} {}/s", r, r < 9.95 ? 1 : 0, units);
}

std::string left(double done, double total, double seconds) {
  return done > 0 ? format_duration(seconds * std::max(0.0, total / done - 1)) + " left" : "- left";
}

int terminal_width(std::FILE* to) {
  winsize size{};
  return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

void show_progress(bool on) { wanted = on; }

std::string progress_line(const std::string& name, double done, double total, const std::string& units, double seconds) {
  return fmt::format("{}: {:.0f} % ({} of {} {}), {}, {}", name, std::floor(100 * fraction(done, total)), count(done), count(total), units,
                     rate(done, units, seconds), left(done, total, seconds));
}

std::string progress_bar(const std::string& name, double done, double total, const std::string& units, double seconds, int width) {
  const std::string text =
      fmt::format("{:3.0f} %  {}  {}", std::floor(100 * fraction(done, total)), rate(done, units, seconds), left(done, total, seconds));
  const int cells = std::min(40, width - static_cast<int>(name.size() + text.size()) - 6);
  if (cells < 5) return (name + " " + text).substr(0, static_cast<std::size_t>(std::max(0, width)));
  const auto filled = static_cast<std::size_t>(std::floor(fraction(done, total) * cells)), all = static_cast<std::size_t>(cells);
  std::string bar(filled, '=');
  if (filled < all) bar += '>';
  bar.resize(all, ' ');
  return fmt::format("{}  [{}] {}", name, bar, text);
}

Progress::Progress(std::string name, double total, std::string units, ProgressStyle style, std::FILE* to)
    : name_(std::move(name)), units_(std::move(units)), total_(total), style_(style), to_(to), start_(std::chrono::steady_clock::now()) {
  if (!wanted || !cpu::Ranks::world().first())
    style_ = ProgressStyle::none;
  else if (style == ProgressStyle::automatic)
    style_ = isatty(fileno(to)) ? ProgressStyle::bar : ProgressStyle::lines;
}

Progress::~Progress() {
  if (open_) std::fputc('\n', to_);
}

double Progress::seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

void Progress::advance(double units) {
  std::lock_guard lock(mutex_);
  done_ += units;
  if (style_ == ProgressStyle::none) return;
  const double now = seconds();
  if (now - shown_at_ < (style_ == ProgressStyle::bar ? bar_period : line_period)) return;
  shown_at_ = now;
  if (style_ == ProgressStyle::bar) {
    put(to_, fmt::format("\r{}\x1b[K", progress_bar(name_, done_, total_, units_, now, terminal_width(to_) - 1)));
    open_ = true;
  } else {
    put(to_, progress_line(name_, done_, total_, units_, now) + "\n");
  }
  std::fflush(to_);
}

void Progress::finish() {
  std::lock_guard lock(mutex_);
  if (style_ == ProgressStyle::none) return;
  const double now = seconds();
  put(to_,
      fmt::format("{}{}: {} {} in {}{}\n", open_ ? "\r" : "", name_, count(done_), units_, format_duration(now), open_ ? "\x1b[K" : ""));
  std::fflush(to_);
  open_ = false;
  style_ = ProgressStyle::none;
}

std::function<void(double)> shown(Progress& progress) {
  return [&progress, done = 0.0](double fraction) mutable {
    check_interrupt();
    if (100 * fraction <= done) return;  // what was said before stands
    progress.advance(100 * fraction - done);
    done = 100 * fraction;
  };
}

}  // namespace tangentplane::experiments
