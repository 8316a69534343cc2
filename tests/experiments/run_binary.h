// The experiments as users meet them: the binaries themselves, run in a folder that vanishes, with what they say, return and leave.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "data/files.h"
#include "data/npy.h"
#include "data/npz.h"
#include "tests/catch.h"
#include "tests/experiments/captured.h"
#include "tests/places.h"
#include "tests/temporary_folder.h"

namespace tangentplane::experiments::test {

namespace fs = std::filesystem;

struct Outcome {
  int status = -1;  ///< 128 + signal if one ended the process
  std::string out, err;
};

/// A process under way.
class Running {
 public:
  /// own: a process group of its own, as a shell gives to what is typed, for Ctrl-C to reach the children too.
  enum class Group { shared, own };
  /// Words are separated by blanks; the first names the binary, or another program by its absolute path.
  Running(const std::string& command, const fs::path& folder, Group group = Group::shared)
      : group_(group), out_(std::tmpfile()), err_(std::tmpfile()) {
    std::istringstream text(command);
    std::vector<std::string> words;
    for (std::string word; text >> word;) words.push_back(word);
    words[0] = (fs::path(places::binaries()) / words[0]).string();
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string directory = folder.string();
    std::fflush(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      if (group_ == Group::own) setpgid(0, 0);
      if (chdir(directory.c_str()) == 0 && dup2(fileno(out_), 1) == 1 && dup2(fileno(err_), 2) == 2) execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~Running() {
    if (pid_ > 0) {
      kill(group_ == Group::own ? -pid_ : pid_, SIGKILL);
      wait();
    }
    std::fclose(out_);
    std::fclose(err_);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void signal(int number) const { kill(pid_, number); }
  void signal_group(int number) const { kill(-pid_, number); }
  bool over() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
  }
  Outcome wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text_of(out_), text_of(err_)};
  }

 private:
  static std::string text_of(std::FILE* file) {
    std::string text;
    std::rewind(file);
    for (int c; (c = std::fgetc(file)) != EOF;) text += static_cast<char>(c);
    return text;
  }

  Group group_;
  std::FILE *out_, *err_;
  pid_t pid_ = -1;
};

inline std::string bytes_of(const fs::path& path) {
  const auto bytes = data::read_bytes(path);
  return {bytes.begin(), bytes.end()};
}

/// The names that differ, so that a failure does not print whole files.
inline std::string differing(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b) {
  std::string names;
  for (const auto& [name, bytes] : a)
    if (!b.count(name) || b.at(name) != bytes) names += name + " ";
  for (const auto& [name, bytes] : b)
    if (!a.count(name)) names += name + " ";
  return names;
}

/// The options that give a golden case's network.
inline std::string network_options(const std::string& golden) {
  const auto json = nlohmann::json::parse(bytes_of(fs::path(places::golden()) / golden / "case.json"));
  const auto list = [&](const char* key) { return fmt::format("{}", fmt::join(json.at(key).get<std::vector<Index>>(), ",")); };
  const std::string model = json.at("model"), activation = json.at("activation");
  return " --model " + model + " --activation " + activation +
         (model == "resnet18" ? fmt::format(" --filters {} --blocks {}", json.at("filters").get<Index>(), list("blocks"))
                              : " --features " + list("features"));
}

/// A folder in which commands run.
class Sandbox : public TemporaryFolder {
 public:
  Sandbox() = default;
  /// With the golden case of that name as G.
  explicit Sandbox(const std::string& golden) { fs::create_directory_symlink(fs::path(places::golden()) / golden, *this / "G"); }

  Running start(const std::string& command) const { return Running(command, path()); }
  Outcome run(const std::string& command) const { return start(command).wait(); }
  /// A command that must end well; its standard output.
  std::string good(const std::string& command) const {
    const Outcome end = run(command);
    INFO(command << "\n" << end.err);
    REQUIRE(end.status == 0);
    return end.out;
  }
  /// A command that must be refused in one line, with nothing done; the line without the program's name.
  std::string refused(const std::string& command) const {
    const auto before = listing();
    const Outcome end = run(command);
    INFO(command << "\n" << end.err << end.out);
    CHECK(end.status == 2);
    CHECK(end.out == "");
    CHECK(std::count(end.err.begin(), end.err.end(), '\n') == 1);
    CHECK(end.err.ends_with('\n'));
    CHECK(differing(listing(), before) == "");
    const std::string name = command.substr(0, command.find(' ')) + ": ";
    REQUIRE(end.err.starts_with(name));
    return end.err.substr(name.size(), end.err.size() - name.size() - 1);
  }

  /// A run's run.json.
  nlohmann::json record(const std::string& folder) const { return nlohmann::json::parse(bytes_of(*this / folder / "run.json")); }

  /// Every file and folder below, by relative name, with the bytes of files.
  std::map<std::string, std::string> listing(const std::string& below = ".") const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(*this / below))
      all[entry.path().lexically_relative(*this / below).string()] =
          entry.symlink_status().type() == fs::file_type::regular ? bytes_of(entry.path()) : "";
    return all;
  }
  /// What two runs of one configuration must share byte for byte: all but run.json and the lines of config.toml that are the machine's or
  /// the place's.
  std::map<std::string, std::string> results(const std::string& folder) const {
    auto all = listing(folder);
    REQUIRE(all.count("run.json"));
    all.erase("run.json");
    std::istringstream config(all.at("config.toml"));
    std::string kept;
    for (std::string line; std::getline(config, line);)
      if (!line.starts_with("out = ") && !line.starts_with("threads = ")) kept += line + "\n";
    all["config.toml"] = kept;
    return all;
  }
  Tensor<double> array(const std::string& name) const { return data::load_npy<double>(*this / name); }
};

/// Images [8, 4, 4, 1], each another.
inline Tensor<double> eight_images() {
  Tensor<double> images({8, 4, 4, 1});
  for (Index i = 0; i < images.size(); ++i) images[i] = std::sin(static_cast<double>(3 * i));
  return images;
}

}  // namespace tangentplane::experiments::test
