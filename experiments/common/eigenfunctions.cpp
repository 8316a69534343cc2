#include "experiments/common/eigenfunctions.h"

#include "data/npy.h"
#include "experiments/common/results.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;

void add_eigenfunction_options(CLI::App& app, EigenfunctionOptions& from) {
  add_path(app, "--ntk", from.ntk, "/", "Results of compute_ntk: eigenfunctions, and the weights to start from");
  app.add_option("--index", from.index, "Eigenfunctions to train on: 0,10,100 or 0:1000:50")->type_name("LIST");
  app.add_flag("--force", from.force, "Take options that differ from those of --ntk");
}

void resolve(CLI::App& app, CommonOptions& o, EigenfunctionOptions& from) {
  require(from.given() || !o.labels.empty(), "{} needs --ntk DIR with --index, or --labels FILE.npy", app.get_name());
  require(!from.given() || !from.index.empty() || !o.labels.empty(), "--ntk needs --index, e.g. --index 0,10,100");
  require(from.index.empty() || o.labels.empty(), "--labels: give --index or --labels, not both");
  require(from.index.empty() || from.given(), "--index needs --ntk, the results of compute_ntk");
  if (!from.given()) return resolve(app, o);
  require_finished("--ntk", from.ntk, "compute_ntk");
  from.agree = resolve_after(app, o, from.ntk, inherited_keys, from.force);
}

void require_matrix(const fs::path& path, Index rows, Index columns) {
  const data::NpyInfo info = data::npy_info(path);
  require(info.type.is('f', 4) || info.type.is('f', 8), "{}: dtype {}, not float32 or float64", path.string(), info.type.name());
  require(info.shape.rank() == 2 && info.shape[1] == columns && (rows < 0 || info.shape[0] == rows),
          "{}: has shape {}, these images take [{},{}]", path.string(), info.shape, rows < 0 ? "k" : std::to_string(rows), columns);
}

std::vector<Target> targets_of(const CommonOptions& o, const EigenfunctionOptions& from, Index n) {
  const fs::path path = from.file("eigvecs.npy");
  if (from.given()) require_matrix(path, -1, n);
  if (!o.labels.empty()) {
    const auto labels = data::load_binary_labels_npy(o.labels);
    require(static_cast<Index>(labels.size()) == n, "{}: has {} labels, there are {} images", o.labels, labels.size(), n);
    return {{"labels", labels}};
  }
  const Index k = data::npy_info(path).shape[0];
  std::vector<Target> targets;
  for (Index j : parse_indices("--index", from.index)) {
    require(j < k, "--index {}: {} holds eigenvectors 0 to {}; give one of these", j, path.string(), k - 1);
    const auto vector = data::load_npy_rows<double>(path, j, j + 1);
    Target target{std::to_string(j), {}};
    for (double v : vector.span()) target.labels.push_back(v > 0 ? 1 : 0);
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace tangentplane::experiments
