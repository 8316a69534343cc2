#include "tests/experiments/hostile/child.h"
#include "tests/places.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace tangentplane::experiments::hostile {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> environment_of(const fs::path& temporary) {
  std::vector<std::string> all{"PATH=/nowhere", "TMPDIR=" + temporary.string()};
  for (char** e = environ; *e; ++e) {
    const std::string entry = *e;
    bool ours = false;
    for (const char* name : {"PATH=", "TMPDIR=", "OPENBLAS", "OMP", "ASAN_OPTIONS=", "UBSAN_OPTIONS="})
      ours = ours || entry.starts_with(name);
    if (!ours) all.push_back(entry);
  }
  // Too big an allocation is to be what it is without the sanitizer: std::bad_alloc.
  all.push_back("ASAN_OPTIONS=exitcode=99:detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=3000");
  all.push_back("UBSAN_OPTIONS=halt_on_error=1:exitcode=99");
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> p;
  for (std::string& t : texts) p.push_back(t.data());
  p.push_back(nullptr);
  return p;
}

std::string program_path(const std::string& name) { return name[0] == '/' ? name : (fs::path(places::binaries()) / name).string(); }

}  // namespace

End run_child(const std::vector<std::string>& words, const fs::path& folder, const fs::path& temporary, const Limits& limits,
              const std::vector<std::string>& streams) {
  std::vector<std::string> arguments = words, environment = environment_of(temporary);
  arguments[0] = program_path(words[0]);
  const auto argv = pointers(arguments), envp = pointers(environment);
  const fs::path err = folder.parent_path() / "stderr";
  std::vector<std::string> paths{"/dev/null", (folder.parent_path() / "stdout").string(), err.string()};
  for (std::size_t i = 0; i < streams.size(); ++i)
    if (!streams[i].empty()) paths[i] = streams[i];
  cpu_set_t processors, two;
  CPU_ZERO(&two);
  if (sched_getaffinity(0, sizeof processors, &processors) == 0)
    for (int i = 0, left = 2; i < CPU_SETSIZE && left > 0; ++i)
      if (CPU_ISSET(static_cast<unsigned>(i), &processors)) {
        CPU_SET(static_cast<unsigned>(i), &two);
        --left;
      }
  const std::string directory = folder.string();

  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork");
  if (pid == 0) {  // others may have threads: from here on only what may be called then
    bool good = chdir(directory.c_str()) == 0;
    for (int i = 0; i < 3 && good; ++i) {
      close(i);
      if (paths[static_cast<std::size_t>(i)] == "-") continue;
      good = open(paths[static_cast<std::size_t>(i)].c_str(), i == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0644) >= 0;
    }
    const rlimit none{0, 0}, time{limits.processor_time, limits.processor_time + 1}, memory{limits.address_space, limits.address_space},
        size{limits.file_size, limits.file_size};
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_CPU, &time);
    if (!sanitized) setrlimit(RLIMIT_AS, &memory);
    if (limits.file_size > 0) setrlimit(RLIMIT_FSIZE, &size);
    sched_setaffinity(0, sizeof two, &two);
    if (good) execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }

  End end;
  const auto start = std::chrono::steady_clock::now();
  rusage usage{};
  int status = 0;
  for (;;) {
    const pid_t ended = wait4(pid, &status, WNOHANG, &usage);
    if (ended == pid) break;
    if (ended < 0 && errno != EINTR) throw std::runtime_error("wait4");
    const double now = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (limits.interrupted_after > 0 && now > limits.interrupted_after && !end.interrupted) {
      kill(pid, SIGINT);
      end.interrupted = true;
    }
    if (now > limits.patience) kill(pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(now < 0.3 ? 2 : 20));
  }
  end.by_signal = WIFSIGNALED(status);
  end.hung = end.by_signal && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGXCPU);
  end.status = end.by_signal ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  end.peak_memory = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  std::ifstream file(err, std::ios::binary);
  end.err.assign(std::istreambuf_iterator<char>(file), {});
  return end;
}

std::string command_line(const std::vector<std::string>& words, const fs::path& folder) {
  std::string line = "cd '" + folder.string() + "' && ";
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = i == 0 ? program_path(words[0]) : words[i];
    line += i > 0 ? " " : "";
    if (!word.empty() &&
        word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,./:") == std::string::npos) {
      line += word;
      continue;
    }
    line += "$'";  // bash
    for (char c : word) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '\'' || c == '\\')
        line += std::string("\\") + c;
      else if (byte < 32 || byte > 126) {
        const char* digits = "0123456789abcdef";
        line += std::string("\\x") + digits[byte / 16] + digits[byte % 16];
      } else
        line += c;
    }
    line += "'";
  }
  return line;
}

}  // namespace tangentplane::experiments::hostile
