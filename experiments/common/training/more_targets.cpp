#include "experiments/common/training/more_targets.h"

#include <algorithm>
#include <set>

#include "data/files.h"
#include "data/npy.h"
#include "experiments/common/run/config.h"
#include "experiments/common/run/results.h"
#include "experiments/common/text/files.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;

AllTargets all_targets(const fs::path& folder, const std::string& experiment, const std::string& asked) {
  const fs::path path = folder / "config.toml";
  const auto wanted = parse_indices("--index", asked);
  AllTargets all{asked, {}};
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return all;
  const std::string text = read_text(path);
  if (experiment_of(text) != experiment) return all;
  const Config config = Config::parse(text, path.string());
  const std::string* index = config.find("index");
  if (!index) return all;
  all.there = parse_indices(path.string() + ": index", *index);
  const std::set<Index> before(all.there.begin(), all.there.end()), now(wanted.begin(), wanted.end());
  std::set<Index> both = before;
  both.insert(now.begin(), now.end());
  if (both == before)
    all.index = *index;
  else if (both != now)
    all.index = join(std::vector<Index>(both.begin(), both.end()));
  return all;
}

void require_same_labels(const fs::path& folder, const AllTargets& all, const std::vector<Target>& targets, const std::string& source) {
  for (Index index : all.there) {
    const std::string name = std::to_string(index);
    const auto target = std::find_if(targets.begin(), targets.end(), [&](const Target& t) { return t.name == name; });
    const fs::path labels = target_folder(folder, name, all.there.size()) / "labels.npy";
    if (target == targets.end() || !is_whole_npy(labels)) continue;
    const bool same = data::npy_info(labels).shape == Shape{static_cast<Index>(target->labels.size())} &&
                      data::load_binary_labels_npy(labels, static_cast<Index>(target->labels.size())) == target->labels;
    require(same, "{}: its labels are not those from which {} was made; put them back, or give another --out", source,
            labels.parent_path().string());
  }
}

void make_room(const fs::path& folder, const std::vector<Index>& there, bool side_by_side) {
  const auto own = [&](Index index) { return target_folder(folder, std::to_string(index), there.size()); };
  if (const fs::path last = own(there[0]) / "last.npz"; side_by_side && fs::exists(last)) data::remove_file(last);
  if (there.size() > 1) return;
  std::vector<fs::path> files{folder / "final.npz"};  // first: a target without it is trained anew
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    for (const char* one :
         {"labels.npy", "history.csv", "last.npz", "test_logits.npy", "alignment.npy", "alignment_parts.npy", "alignment.svg"})
      if (name == one) files.push_back(entry.path());
    if (name.starts_with("alignment-epoch")) files.push_back(entry.path());
  }
  const fs::path to = folder / std::to_string(there[0]);
  data::create_folders(to);
  for (const fs::path& file : files)
    if (fs::exists(file)) data::move_file(file, to / file.filename());
}

}  // namespace tangentplane::experiments
