#include "experiments/common/results.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "experiments/common/files.h"

namespace tangentplane::experiments {
namespace {

namespace fs = std::filesystem;

// The first line of config.toml names the experiment; the state is a file of its own so that run.json may be rewritten at will.
constexpr const char* unfinished_mark = ".unfinished";

std::string first_line(const std::string& experiment) {
  return fmt::format("# {}: repeat this run with {} --config <this file> --out <another folder>", experiment, experiment);
}

// For a message.
std::string shown_experiment(const std::string& config) {
  const std::string experiment = experiment_of(config);
  return experiment.empty() ? "unknown" : experiment;
}

bool is_identity(const std::string& key) { return key != "out" && key != "threads" && key != "memory" && key != "quiet" && key != "force"; }

// "--seed 1 there, 0 here" for the first option that differs; empty if none does.
std::string difference(const Config& there, const Config& here) {
  const auto shown = [](const std::string* value) { return value ? *value : std::string("nothing"); };
  for (const auto* one : {&here, &there})
    for (const auto& [key, unused] : one->entries()) {
      const std::string *a = there.find(key), *b = here.find(key);
      if (is_identity(key) && !(a && b && *a == *b)) return fmt::format("--{} is {} there and {} here", key, shown(a), shown(b));
    }
  return "";
}

}  // namespace

std::string experiment_of(std::string_view config) {
  const std::size_t colon = config.find(':');
  return config.starts_with("# ") && colon < config.find('\n') ? std::string(config.substr(2, colon - 2)) : "";
}

bool is_finished(const fs::path& folder) {
  std::error_code error;
  return !fs::exists(folder / unfinished_mark, error);
}

ResultsFolder::ResultsFolder(fs::path path, std::string experiment, Config config)
    : path_(std::move(path)), experiment_(std::move(experiment)), config_(std::move(config)) {}

ResultsFolder::State ResultsFolder::check() const {
  const std::string name = path_.string();
  std::error_code error;
  fs::path standing = path_;  // the folder, or the one in which it would be made
  while (!fs::exists(standing, error) && standing.has_parent_path() && standing != standing.parent_path())
    standing = standing.parent_path();
  require(fs::is_directory(standing, error), "--out {}: {} is not a folder; give another name", name, standing.string());
  require(access(standing.c_str(), W_OK | X_OK) == 0, "--out {}: {} cannot be written ({}); give another folder", name, standing.string(),
          std::strerror(errno));
  if (standing != path_) return State::fresh;
  const auto entries = std::distance(fs::directory_iterator(path_), {});
  if (entries == 0 || (entries == 1 && fs::exists(path_ / unfinished_mark))) return State::fresh;  // claim() may end after the mark

  const fs::path config_path = path_ / "config.toml";
  require(fs::is_regular_file(config_path, error), "--out {}: the folder holds other files; give a new or an empty one", name);
  const std::string text = read_text(config_path), line = text.substr(0, text.find('\n'));
  require(line == first_line(experiment_), "--out {}: holds results of another experiment ({}); give another folder", name,
          shown_experiment(text));
  const std::string other = difference(Config::parse(text, config_path.string()), config_);
  require(other.empty(), "--out {}: holds results of another configuration ({}); give another folder, or delete it", name, other);
  return is_finished(path_) ? State::finished : State::unfinished;
}

bool ResultsFolder::claim() {
  const State state = check();
  if (state == State::finished) {
    fmt::print("{}: {} is finished, nothing to do\n", experiment_, path_.string());
    return false;
  }
  if (state == State::unfinished) return true;
  try {
    fs::create_directories(path_);
    // The mark first: a folder without one counts as finished.
    replace_text(path_ / unfinished_mark, "");
    replace_text(path_ / "config.toml", first_line(experiment_) + "\n" + config_.toml());
  } catch (const std::runtime_error& e) {  // what check() cannot foresee, a full disk among them
    require(false, "--out {}: cannot be written ({}); give another folder", path_.string(), e.what());
  }
  return true;
}

void ResultsFolder::finish() { fs::remove(path_ / unfinished_mark); }

void require_finished(const std::string& option, const fs::path& folder, const std::string& experiment) {
  std::error_code error;
  require(fs::is_regular_file(folder / "config.toml", error), "{} {}: holds no results; give the --out of a finished {}", option,
          folder.string(), experiment);
  const std::string text = read_text(folder / "config.toml"), line = text.substr(0, text.find('\n'));
  require(line == first_line(experiment), "{} {}: holds results of another experiment ({}); give the --out of a finished {}", option,
          folder.string(), shown_experiment(text), experiment);
  require(is_finished(folder), "{} {}: its run is not finished; repeat the {} that made it", option, folder.string(), experiment);
}

}  // namespace tangentplane::experiments
