#include "experiments/common/run/results.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

#include "autodiff/cpu/ranks.h"
#include "data/files.h"
#include "experiments/common/figures/figure.h"
#include "experiments/common/plans/kernel_folder.h"
#include "experiments/common/run/files_of_run.h"
#include "experiments/common/run/fingerprints.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {
namespace {

namespace fs = std::filesystem;

// The first line of config.toml names the experiment; the state is a file of its own so that run.json may be rewritten at will.
constexpr const char *unfinished_mark = ".unfinished", *config_name = "config.toml";

std::string first_line(const std::string& experiment) {
  return fmt::format("# {}: repeat this run with {} --config <this file> --out <another folder>", experiment, experiment);
}

bool begun = false;

// For a message.
std::string shown_experiment(const std::string& config) {
  const std::string experiment = experiment_of(config);
  return experiment.empty() ? "unknown" : experiment;
}

bool is_identity(const std::string& key) { return key != "out" && key != "threads" && key != "memory" && key != "quiet" && key != "force"; }

// Whether two paths lead to the same from the folders of their runs: those may have been moved together.
bool is_same_place(const Config& there, const std::string& a, const Config& here, const std::string& b) {
  const std::string *from = there.find("out"), *to = here.find("out");
  return from && to && a.starts_with('/') && b.starts_with('/') &&
         fs::path(a).lexically_relative(*from) == fs::path(b).lexically_relative(*to);
}

bool is_part(const std::string& a, const std::string& b) {
  const auto some = parse_indices("", a), all = parse_indices("", b);
  return std::all_of(some.begin(), some.end(), [&](Index i) { return std::find(all.begin(), all.end(), i) != all.end(); });
}

// "--seed 1 there, 0 here" for the first option that differs; empty if none does.
std::string difference(const Config& there, const Config& here, const std::string& growing, const Fingerprints& known) {
  const auto shown = [](const std::string* value) { return value ? *value : std::string("nothing"); };
  for (const auto* one : {&here, &there})
    for (const auto& [key, unused] : one->entries()) {
      const std::string *a = there.find(key), *b = here.find(key);
      const bool same =
          a && b &&
          (*a == *b || is_same_place(there, *a, here, *b) || is_content(key, *a, *b, known) || (key == growing && is_part(*a, *b)));
      if (same || !is_identity(key)) continue;
      return fmt::format("--{} is {} there and {} here", key, shown(a), shown(b));
    }
  return "";
}

// Whether config.toml, of a run that this one goes on with, says something else of it.
bool is_outdated(const Config& there, const Config& here) {
  return std::any_of(here.entries().begin(), here.entries().end(), [&](const auto& entry) {
    const std::string* value = there.find(entry.first);
    return is_identity(entry.first) && !(value && *value == entry.second);
  });
}

void write_config(const fs::path& folder, const std::string& experiment, const Config& config) {
  replace_text(folder / config_name, first_line(experiment) + "\n" + config.toml());
}

/// Where a finished run's images and weights lie now, for those that build on it; lost where nobody may write.
void note_places(const fs::path& folder, const std::string& experiment, const Config& here) {
  Config there = Config::read(folder / config_name);
  const auto known = Fingerprints::read(folder);
  bool moved = false;
  for (const auto& [key, value] : here.entries())
    if (const std::string* before = there.find(key); before && *before != value && is_content(key, *before, value, known))
      there.set(key, value), moved = true;
  if (moved) try {
      write_config(folder, experiment, there);
    } catch (const std::runtime_error&) {
    }
}

/// What a process that was killed has left half written.
bool is_leftover(const fs::path& file) { return data::temporary_of(file.filename().string()).has_value(); }

void remove_leftovers(const fs::path& folder) {
  for_files(folder, [](const fs::path& file) {
    std::error_code ignored;
    if (is_leftover(file)) fs::remove(file, ignored);
  });
}

bool has_leftovers(const fs::path& folder) {
  std::error_code error;
  bool some = fs::exists(folder / lock_name, error);
  for_files(folder, [&](const fs::path& file) { some = some || is_leftover(file); });
  return some;
}

/// What a claim that was cut off leaves in a folder is as nothing.
bool is_of_a_claim(const std::string& name) {
  const auto temporary = data::temporary_of(name);
  return name == unfinished_mark || name == lock_name || name == parts_name || temporary == unfinished_mark || temporary == config_name;
}

/// What a run leaves there, beside the claim, before it has computed anything.
constexpr const char* of_a_start[] = {config_name, "init.npz", "run.json", plan_file};
bool is_of_a_start(const std::string& name) {
  return is_of_a_claim(name) || std::find(std::begin(of_a_start), std::end(of_a_start), name) != std::end(of_a_start);
}

/// Names in a folder. Throws std::invalid_argument that begins with `option`.
std::vector<std::string> names_in(const fs::path& folder, const std::string& option) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    names.push_back(entry->path().filename().string());
  require(!error, "{}: cannot be read ({}); give another folder", option, error.message());
  return names;
}

}  // namespace

std::string experiment_of(std::string_view config) {
  const std::size_t colon = config.find(':');
  return config.starts_with("# ") && colon < config.find('\n') ? std::string(config.substr(2, colon - 2)) : "";
}

bool is_finished(const fs::path& folder) {
  return !fs::exists(folder / unfinished_mark) && !says_unfinished(folder);  // a mark can be lost
}

ResultsFolder::ResultsFolder(fs::path path, std::string experiment, Config config)
    : path_(std::move(path)), experiment_(std::move(experiment)), config_(std::move(config)) {}

ResultsFolder::State ResultsFolder::check() const {
  return cpu::Ranks::world().by_first([&] { return look(); });
}

bool ResultsFolder::claim() {
  cpu::Ranks::world().barrier();  // the others may still be looking at what is there
  return cpu::Ranks::world().by_first([&] { return claim_here(); });
}

ResultsFolder::State ResultsFolder::look() const {
  const std::string option = "--out " + path_.string();
  std::error_code error;
  fs::path standing = path_;  // the folder, or the one in which it would be made
  fs::file_status status = fs::status(standing, error);
  for (; status.type() == fs::file_type::not_found && standing.has_parent_path() && standing != standing.parent_path();
       status = fs::status(standing, error))
    standing = standing.parent_path();
  require(status.type() != fs::file_type::none, "{}: {} cannot be reached ({}); give another folder", option, standing.string(),
          error.message());
  require(fs::is_directory(status), "{}: {} is not a folder; give another name", option, standing.string());

  const fs::path mark = path_ / unfinished_mark;
  require(!fs::exists(mark, error) || fs::is_regular_file(mark, error), "{}: {} is no file; remove it, or give another folder", option,
          mark.string());
  State state = State::fresh;
  const auto names = standing == path_ ? names_in(path_, option) : std::vector<std::string>();
  if (!std::all_of(names.begin(), names.end(), is_of_a_claim)) {
    const fs::path config_path = path_ / config_name;
    require(fs::is_regular_file(config_path, error), "{}: the folder holds other files; give a new or an empty one", option);
    const std::string text = read_text(config_path), line = text.substr(0, text.find('\n'));
    require(line == first_line(experiment_), "{}: holds results of another experiment ({}); give another folder", option,
            shown_experiment(text));
    const Config there = Config::parse(text, config_path.string());
    const std::string other = difference(there, config_, growing_, Fingerprints::read(path_));
    // A run that has ended before its first result, by a fault of its options it may be, does not stand in the way of the cure.
    const bool only_begun = fs::exists(mark, error) && std::all_of(names.begin(), names.end(), is_of_a_start);
    require(other.empty() || only_begun, "{}: holds results of another configuration ({}); give another folder, or delete it", option,
            other);
    const auto all = [&] { return growing_.empty() || is_part(*config_.find(growing_), *there.find(growing_)); };
    const auto whole = [&] { return whole_ = whole_ || torn_files(path_).empty(); };
    if (other.empty()) state = is_finished(path_) && all() && whole() ? State::finished : State::unfinished;
  }
  if (state == State::finished) return state;  // and need not be written
  const std::string reason = why_not_writable(standing);
  require(reason.empty(), "{}: {} cannot be written ({}); give another folder", option, standing.string(), reason);
  return state;
}

void ResultsFolder::draw_figures() const {
  for (const RunFigure& figure : figures_) try_figure(figure.path, figure.leave);
}

void ResultsFolder::say_finished() const {
  note_places(path_, experiment_, config_);
  std::vector<RunFigure> missing;
  std::error_code error;
  std::copy_if(figures_.begin(), figures_.end(), std::back_inserter(missing),
               [&](const RunFigure& f) { return !fs::is_regular_file(f.path, error) || fs::is_empty(f.path, error); });
  std::optional<FolderLock> lock;
  if (has_leftovers(path_) || !missing.empty()) try {
      lock.emplace(path_, "--out " + path_.string());
      remove_leftovers(path_);
    } catch (const std::invalid_argument&) {  // the run's own process may still be drawing, or nobody may write there: no matter
    }
  if (!lock) missing.clear();
  std::string names;
  for (const RunFigure& figure : missing)
    names += (names.empty() ? " but to draw " : ", ") + figure.path.lexically_relative(path_).string();
  tell("{}: {} is finished, nothing to do{}\n", experiment_, path_.string(), names);
  for (const RunFigure& figure : missing) try_figure(figure.path, figure.leave);
}

bool ResultsFolder::claim_here() {
  const std::string option = "--out " + path_.string();
  if (look() == State::finished) {
    say_finished();
    return false;
  }
  std::error_code error;
  fs::path standing = path_;
  while (!fs::exists(standing, error) && standing != standing.parent_path()) standing = standing.parent_path();
  State state = State::unfinished;
  const auto take_back = [&] {
    std::error_code kept;  // what is not empty
    for (const char* name : {config_name, unfinished_mark})
      if (lock_ && state == State::fresh) fs::remove(path_ / name, kept);
    lock_.reset();
    for (fs::path p = path_; p != standing && !kept; p = p.parent_path()) fs::remove(p, kept);
  };
  try {
    data::create_folders(path_);
    if (!lock_) lock_ = std::make_unique<FolderLock>(path_, option);
    state = look();  // another process may have been at work until now
    if (state == State::finished) {
      lock_.reset();
      say_finished();
      return false;
    }
    remove_leftovers(path_);
    if (state == State::fresh)
      for (const char* name : of_a_start) data::remove_file(path_ / name);
    if (state == State::fresh || !fs::exists(path_ / unfinished_mark)) {
      // The mark first: a folder without one counts as finished.
      replace_text(path_ / unfinished_mark, "");
      for (const auto& [file, what] : torn_files(path_)) {
        remark("{}: {} {}: the run is gone on with\n", experiment_, file.string(), what);
        data::remove_file(file);
        data::remove_file(file.parent_path() / "final.npz");  // a target is whole or is trained again
      }
    }
    if (state == State::fresh) {
      write_config(path_, experiment_, config_);
    } else if (const Config there = Config::read(path_ / config_name); is_outdated(there, config_)) {
      if (!growing_.empty() && !is_part(*config_.find(growing_), *there.find(growing_))) make_room_();
      write_config(path_, experiment_, config_);
    }
  } catch (const fs::filesystem_error& e) {
    take_back();
    require(false, "{}: {} cannot be read ({}); give another folder", option, e.path1().string(), e.code().message());
  } catch (const std::runtime_error& e) {  // what check() cannot foresee, a full disk among them
    take_back();
    require(false, "{}: cannot be written ({}); give another folder", option, e.what());
  } catch (const std::invalid_argument&) {
    take_back();
    throw;
  }
  begun = begun || state == State::fresh;
  return true;
}

bool run_has_begun() { return begun; }
void no_run_has_begun() { begun = false; }

void ResultsFolder::finish() {
  if (!cpu::Ranks::world().first()) return;
  std::error_code kept;  // where it cannot be removed it will not be written either
  for (const RunFigure& figure : figures_) {
    if (fs::symlink_status(figure.path, kept).type() != fs::file_type::directory) fs::remove(figure.path, kept);
    const fs::path numbers = fs::path(figure.path).replace_extension(".csv");
    if (fs::is_fifo(numbers, kept)) fs::remove(numbers, kept);  // a pipe would not be written over
  }
  data::remove_file(path_ / unfinished_mark);
}

void require_finished(const std::string& option, const fs::path& folder, const std::string& experiment, bool begun_will_do) {
  std::error_code error;
  const auto status = fs::status(folder / config_name, error);
  require(status.type() != fs::file_type::none, "{} {}: cannot be read ({}); give the --out of a finished {}", option, folder.string(),
          error.message(), experiment);
  require(fs::is_regular_file(status), "{} {}: holds no results; give the --out of a finished {}", option, folder.string(), experiment);
  const std::string text = read_text(folder / config_name), line = text.substr(0, text.find('\n'));
  require(line == first_line(experiment), "{} {}: holds results of another experiment ({}); give the --out of a finished {}", option,
          folder.string(), shown_experiment(text), experiment);
  require(begun_will_do || is_finished(folder), "{} {}: its run is not finished; repeat the {} that made it", option, folder.string(),
          experiment);
}

}  // namespace tangentplane::experiments
