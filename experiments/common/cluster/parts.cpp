#include "experiments/common/cluster/parts.h"

#include <set>

#include "experiments/common/plans/kernel_folder.h"
#include "experiments/common/run/results.h"
#include "experiments/common/text/files.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

bool is_setting(const std::string& key) { return key != "out" && key != "threads" && key != "memory" && key != "quiet"; }

/// What of a part concerns its tiles: not how many eigenpairs are found with them, and how.
bool concerns_tiles(const std::string& key) { return is_setting(key) && key != "eigen" && key != "method" && key != "save-ntk"; }

void require_same_settings(const fs::path& folder, const Config& config) {
  const Config there = Config::read(folder / "config.toml");
  const Fingerprints known = Fingerprints::read(folder);
  for (const auto* one : {&config, &there})
    for (const auto& [key, unused] : one->entries()) {
      if (!concerns_tiles(key)) continue;
      const std::string *a = there.find(key), *b = config.find(key);
      require(a && b && (*a == *b || is_content(key, *a, *b, known)), "{}: is of another run (--{} is {} there and {} here); delete it",
              folder.string(), key, a ? *a : "nothing", b ? *b : "nothing");
    }
}

}  // namespace

fs::path part_folder(const fs::path& results, Index part, Index parts) {
  return results / parts_name / fmt::format("{}-of-{}", part, parts);
}

std::string part_name(const std::string& experiment, Index part, Index parts) {
  return fmt::format("{} --shard {}/{}", experiment, part, parts);
}

bool has_parts(const fs::path& results) {
  std::error_code error;
  return fs::is_directory(results / parts_name, error);
}

std::vector<Index> missing_parts(const fs::path& results, Index parts) {
  std::vector<Index> missing;
  for (Index p = 0; p < parts; ++p) {
    const fs::path folder = part_folder(results, p, parts);
    if (!fs::exists(folder / "config.toml") || !is_finished(folder) || !fs::exists(folder / tiles_name)) missing.push_back(p);
  }
  return missing;
}

Index find_parts(const fs::path& results, const std::string& experiment, const Config& config, const Fingerprints& made) {
  const fs::path all = results / parts_name;
  std::set<Index> found;
  Index parts = 0;
  for (const auto& entry : fs::directory_iterator(all)) {
    const std::string name = entry.path().filename().string(), remedy = "give I-of-P, or delete it";
    const std::size_t between = name.find("-of-");
    require(between != std::string::npos, "{}: is no part of a kernel; {}", entry.path().string(), remedy);
    const auto of = parse_number<Index>(entry.path().string(), name.substr(between + 4), 1, 100'000),
               part = parse_number<Index>(entry.path().string(), name.substr(0, between), 0, of - 1);
    require(entry.path() == part_folder(results, part, of), "{}: part {} of {} stands there twice; {}", entry.path().string(), part, of,
            remedy);
    require(parts == 0 || parts == of, "{}: there are parts of {} and of {}; delete those of another run", all.string(),
            std::min(parts, of), std::max(parts, of));
    parts = of;
    found.insert(part);
  }
  require(parts > 0, "{}: holds no part; run {} with --shard, or delete it", all.string(), experiment);
  for (Index p = 0; p < parts; ++p) {
    const fs::path folder = part_folder(results, p, parts);
    require(found.contains(p), "--out {}: part {} of {} is missing; run {} --shard {}/{} with the same options", results.string(), p, parts,
            experiment, p, parts);
    require(fs::exists(folder / "config.toml") && experiment_of(read_text(folder / "config.toml")) == part_name(experiment, p, parts),
            "{}: does not hold part {} of {}; delete it and run {} --shard {}/{}", folder.string(), p, parts, experiment, p, parts);
    require(is_finished(folder) && fs::exists(folder / tiles_name), "{}: part {} of {} is not finished; run {} --shard {}/{} again",
            folder.string(), p, parts, experiment, p, parts);
    require_same_settings(folder, config);
    require_same(made, Fingerprints::read(folder), "from which " + folder.string() + " was made", "put them back, or delete the part");
  }
  return parts;
}

}  // namespace tangentplane::experiments
