#include "experiments/common/figures/gnuplot.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "experiments/common/process/interrupt.h"
#include "experiments/common/text/html.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {
namespace {

// Files in memory: nothing is left behind however the run ends, and no disk need be writable.
class Scratch {
 public:
  Scratch() : descriptor_(memfd_create("gnuplot", MFD_CLOEXEC)) {
    const int error = descriptor_ < 0 ? errno : 0;
    if (error) throw std::runtime_error(fmt::format("no file in memory: {}", std::strerror(error)));
  }
  ~Scratch() { close(descriptor_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  int descriptor() const { return descriptor_; }
  void write(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t n = ::write(descriptor_, text.data() + at, text.size() - at);
      const int error = n < 0 ? errno : 0;
      if (error == EINTR) continue;
      if (error) throw std::runtime_error(fmt::format("a file in memory cannot be written: {}", std::strerror(error)));
      at += static_cast<std::size_t>(n);
    }
    lseek(descriptor_, 0, SEEK_SET);
  }
  std::string read() const {
    std::string text;
    char buffer[1 << 14];
    for (ssize_t n = 0; (n = pread(descriptor_, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0;)
      text.append(buffer, static_cast<std::size_t>(n));
    return text;
  }

 private:
  int descriptor_;
};

// Waits for its end, which Ctrl-C and a minute's patience bring about; nothing where that ran out.
std::optional<int> status_of(pid_t child) {
  const auto start = std::chrono::steady_clock::now();
  for (int status = 0;;) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return status;
    if (ended < 0 && errno != EINTR) return std::nullopt;
    const bool late = std::chrono::steady_clock::now() - start > std::chrono::minutes(1);
    if (late || interrupted()) {
      kill(child, SIGKILL);
      while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
      }
      check_interrupt();
      return std::nullopt;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

// Replaces every stretch from `begin` to the next `end`, both included.
void replace_between(std::string& text, std::string_view begin, std::string_view end, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(begin, at)) != std::string::npos; at += to.size()) {
    const std::size_t stop = text.find(end, at);
    if (stop == std::string::npos) return;
    text.replace(at, stop + end.size() - at, to);
  }
}

// gnuplot calls what has no place in the legend gnuplot_plot_2. Its version 6 gives such a group attributes of its own.
void name_plots(std::string& svg, const std::vector<std::string>& plots) {
  for (std::size_t i = 0; i < plots.size(); ++i) {
    const std::size_t group = svg.find(fmt::format("<g id=\"gnuplot_plot_{}\"", i + 1));
    if (group == std::string::npos) continue;
    constexpr std::string_view title = "><title>";
    const std::size_t at = svg.find('>', group), end = svg.find("</title>", at);
    if (svg.compare(at, title.size(), title) == 0 && end != std::string::npos)
      svg.replace(at + title.size(), end - at - title.size(), escape(plots[i]));
  }
}

std::string fit_for_a_page(std::string svg, std::string_view title, const std::vector<std::string>& plots) {
  name_plots(svg, plots);
  replace_all(svg, "rgb(  1,   2,   3)", "currentColor");
  replace_all(svg, "rgb(1,2,3)", "currentColor");
  replace_all(svg, "fill=\"black\"", "fill=\"currentColor\"");  // a legend's title has no colour of its own
  replace_all(svg, " color=\"black\"", "");                     // would be what currentColor means inside
  replace_between(svg, "\t<filter", "</filter>\n", "");
  replace_between(svg, "<title>$", "</title>", "");
  replace_between(svg, "<desc>", "</desc>", "");
  replace_all(svg, "<title>Gnuplot</title>", "<title>" + escape(title) + "</title>\n<style>.figure{color:#767676}</style>");
  replace_all(svg, "<svg ", "<svg class=\"figure\" role=\"img\"");
  return svg;
}

}  // namespace

std::string gnuplot_string(std::string_view text) {
  std::string s = "'";
  for (char c : text) {
    if (c == '\'') s += '\'';
    s += c == '\n' || c == '\r' ? ' ' : c;
  }
  return s + "'";
}

std::optional<std::string> gnuplot_svg(std::string_view script, int width, int height, std::string_view title,
                                       const std::vector<std::string>& plots, std::string_view name) {
  Scratch in, out, errors;
  in.write(
      fmt::format("set encoding utf8\nset terminal svg size {},{} font 'sans-serif,13' enhanced standalone\n{}\n", width, height, script));

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.descriptor(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.descriptor(), STDERR_FILENO);
  posix_spawnattr_t attributes;  // ignored signals would stay so
  posix_spawnattr_init(&attributes);
  sigset_t ours;
  sigemptyset(&ours);
  for (int signal : {SIGPIPE, SIGXFSZ}) sigaddset(&ours, signal);
  posix_spawnattr_setsigdefault(&attributes, &ours);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  // -d: the user's own settings would change the drawing. A script, unlike piped input, ends at its first error.
  char program[] = "gnuplot", defaults[] = "-d", from[] = "/dev/stdin";
  char* const arguments[] = {program, defaults, from, nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, program, &actions, &attributes, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    if (error == ENOENT)
      remark("{}: not drawn, gnuplot is not installed; apt-get install gnuplot-nox\n", name);
    else
      remark("{}: not drawn, gnuplot cannot be run: {}\n", name, std::strerror(error));
    return {};
  }
  const auto status = status_of(child);
  std::string svg = out.read();
  if (status && WIFEXITED(*status) && WEXITSTATUS(*status) == 0 && svg.find("</svg>") != std::string::npos)
    return fit_for_a_page(std::move(svg), title, plots);
  check_interrupt();
  std::string reason = errors.read();
  for (char& c : reason)
    if (c == '\n') c = ' ';
  remark("{}: not drawn, gnuplot failed: {}\n", name,
         !status          ? "it did not end within a minute"
         : reason.empty() ? "no reason given"
                          : reason);
  return {};
}

}  // namespace tangentplane::experiments
