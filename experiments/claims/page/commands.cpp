// Commands that repeat runs, from the results folder as it lies now.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "experiments/claims/page/markup.h"
#include "experiments/common/run/files_of_run.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/shell.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

// Options whose values are files or folders.
constexpr const char* of_paths[] = {"model", "data", "data-dir", "labels", "init", "ntk", "nads"};

/// Where in the results folder an option's path points to, if it does. Before the folder moved the run lay at its --out, so what lay in
/// the folder then is known by that.
std::optional<fs::path> inside(const Study& study, const Run& run, const std::string& option) {
  const std::string value = run.get(option);
  if (!value.starts_with('/')) return {};  // no path: "mlp", "cifar10"
  for (const fs::path& root : {study.root, fs::path(run.get("out")).parent_path()}) {
    const fs::path relative = root.empty() ? fs::path() : normal_path(value).lexically_relative(normal_path(root));
    std::error_code error;
    if (!relative.empty() && *relative.begin() != ".." && relative != "." && fs::exists(study.root / relative, error)) return relative;
  }
  if (option != "ntk" && option != "nads") return {};
  const Run* source = study.source(run, option);
  return source && source->folder.parent_path() == study.root ? std::optional<fs::path>(source->name()) : std::nullopt;
}

// The program that ran it: of a network of the user's own, theirs, by the command in run.json; empty where that is not known.
std::string program_of(const Run& run) {
  if (!run.is_own()) return run.experiment;
  const auto record = record_in(run.folder);
  if (!record || !record->is_object() || !record->contains("command") || !(*record)["command"].is_string()) return "";
  const std::string command = (*record)["command"].get<std::string>();
  bool quoted = false;
  std::size_t end = 0;
  for (; end < command.size() && (quoted || command[end] != ' '); ++end) quoted ^= command[end] == '\'';
  const std::string program = command.substr(0, end);
  const std::size_t slash = program.rfind('/');  // where it lay then says nothing of where it is found now
  return slash == std::string::npos ? program : (program.ends_with('\'') ? "'" : "") + program.substr(slash + 1);
}

// The first of the files and folders that it reads and that is neither in the folder nor where it was; what cannot be looked at is not
// gone.
std::string gone(const Study& study, const Run& run) {
  for (const char* option : of_paths) {
    const std::string value = run.get(option);
    std::error_code error;
    if (value.starts_with('/') && !inside(study, run, option) && fs::status(value, error).type() == fs::file_type::not_found)
      return fmt::format("--{} {}", option, value);
  }
  return "";
}

// A word that no program takes for an option.
std::string path_word(const std::string& path) { return shell_quoted(path.starts_with('-') ? "./" + path : path); }

}  // namespace

std::vector<std::string> commands(const Study& study, const std::vector<const Run*>& runs) {
  std::vector<std::string> lines;
  for (const Run* run : runs) {
    const std::string program = program_of(*run), missing = gone(study, *run);
    std::string line = (program.empty() ? "A_PROGRAM_OF_YOUR_OWN" : program) + " --config " + path_word(run->name() + "/config.toml");
    for (const char* option : of_paths)
      if (const auto path = inside(study, *run, option)) line += fmt::format(" --{} {}", option, path_word(path->string()));
    line += " --out " + shell_quoted("again/" + run->name());
    if (program.empty()) line = "# by the program of that network: " + line;
    if (!missing.empty()) line = fmt::format("# {} is no longer there: {}", missing, line);
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  }
  return lines;
}

}  // namespace tangentplane::experiments
