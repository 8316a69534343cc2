// Commands that repeat runs, from the results folder as it lies now.
#include <algorithm>
#include <optional>

#include "experiments/claims/page/markup.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/shell.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

/// Where in the results folder an option's path points to, if it does. Before the folder moved the run lay at its --out, so what lay in
/// the folder then is known by that.
std::optional<fs::path> inside(const Study& study, const Run& run, const std::string& option) {
  const std::string value = run.get(option);
  if (value.empty()) return {};
  for (const fs::path& root : {study.root, fs::path(run.get("out")).parent_path()}) {
    const fs::path relative = root.empty() ? fs::path() : normal_path(value).lexically_relative(normal_path(root));
    std::error_code error;
    if (!relative.empty() && *relative.begin() != ".." && relative != "." && fs::exists(study.root / relative, error)) return relative;
  }
  if (option != "ntk" && option != "nads") return {};
  const Run* source = study.source(run, option);
  return source && source->folder.parent_path() == study.root ? std::optional<fs::path>(source->name()) : std::nullopt;
}

// A word that no program takes for an option.
std::string path_word(const std::string& path) { return shell_quoted(path.starts_with('-') ? "./" + path : path); }

}  // namespace

std::vector<std::string> commands(const Study& study, const std::vector<const Run*>& runs) {
  std::vector<std::string> lines;
  for (const Run* run : runs) {
    std::string line = run->experiment + " --config " + path_word(run->name() + "/config.toml");
    for (const char* option : {"data", "data-dir", "labels", "init", "ntk", "nads"})
      if (const auto path = inside(study, *run, option)) line += fmt::format(" --{} {}", option, path_word(path->string()));
    line += " --out " + shell_quoted("again/" + run->name());
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  }
  return lines;
}

}  // namespace tangentplane::experiments
