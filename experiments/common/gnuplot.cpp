#include "experiments/common/gnuplot.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "experiments/common/html.h"
#include "experiments/common/interrupt.h"

namespace tangentplane::experiments {
namespace {

// Files without a name: nothing is left behind however the run ends.
class Scratch {
 public:
  Scratch() : file_(std::tmpfile(), &std::fclose) {
    if (!file_) throw std::runtime_error(fmt::format("no temporary file: {}", std::strerror(errno)));
  }
  int descriptor() const { return fileno(file_.get()); }
  void write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() || std::fflush(file_.get()) != 0)
      throw std::runtime_error(fmt::format("a temporary file cannot be written: {}", std::strerror(errno)));
    std::rewind(file_.get());
  }
  std::string read() {
    std::rewind(file_.get());
    std::string text;
    char buffer[1 << 14];
    while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file_.get())) text.append(buffer, n);
    return text;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

// Replaces every stretch from `begin` to the next `end`, both included.
void replace_between(std::string& text, std::string_view begin, std::string_view end, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(begin, at)) != std::string::npos; at += to.size()) {
    const std::size_t stop = text.find(end, at);
    if (stop == std::string::npos) return;
    text.replace(at, stop + end.size() - at, to);
  }
}

std::string fit_for_a_page(std::string svg, std::string_view title) {
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

std::optional<std::string> gnuplot_svg(std::string_view script, int width, int height, std::string_view title, std::string_view name) {
  Scratch in, out, errors;
  in.write(
      fmt::format("set encoding utf8\nset terminal svg size {},{} font 'sans-serif,13' enhanced standalone\n{}\n", width, height, script));

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.descriptor(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.descriptor(), STDERR_FILENO);
  // -d: the user's own settings would change the drawing. A script, unlike piped input, ends at its first error.
  char program[] = "gnuplot", defaults[] = "-d", from[] = "/dev/stdin";
  char* const arguments[] = {program, defaults, from, nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, program, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    if (error == ENOENT)
      fmt::print(stderr, "{}: not drawn, gnuplot is not installed; apt-get install gnuplot-nox\n", name);
    else
      fmt::print(stderr, "{}: not drawn, gnuplot cannot be run: {}\n", name, std::strerror(error));
    return {};
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  std::string svg = out.read();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && svg.find("</svg>") != std::string::npos)
    return fit_for_a_page(std::move(svg), title);
  check_interrupt();
  std::string reason = errors.read();
  for (char& c : reason)
    if (c == '\n') c = ' ';
  fmt::print(stderr, "{}: not drawn, gnuplot failed: {}\n", name, reason.empty() ? "no reason given" : reason);
  return {};
}

}  // namespace tangentplane::experiments
