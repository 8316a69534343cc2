#include "experiments/common/subject/eigenfunctions.h"

#include "data/hash.h"
#include "data/npy.h"
#include "experiments/common/run/results.h"
#include "experiments/common/subject/labels.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

constexpr const char* repeat_ntk = "repeat the compute_ntk that made it, into another --out";

}  // namespace

void add_eigenfunction_options(CommandLine& line, EigenfunctionOptions& from) {
  add_path(line, "--ntk", from.ntk, "/", "Results of compute_ntk: eigenfunctions, and the weights to start from");
  add_text(line, "--index", from.index, "Eigenfunctions to train on: 0,10,100 or 0:1000:50", "LIST");
  line.add_flag("--force", from.force, "Take options that differ from those of --ntk");
  add_task_options(line, from.task);
}

void resolve(CommandLine& line, CommonOptions& o, EigenfunctionOptions& from, bool tasks) {
  require(!tasks || from.given() || !o.labels.empty(), "{} needs --ntk DIR with --index, or --labels FILE.npy", line.name());
  require(!tasks || !from.given() || !from.index.empty() || !o.labels.empty(), "--ntk needs --index, e.g. --index 0,10,100");
  require(from.index.empty() || o.labels.empty(), "--labels: give --index or --labels, not both");
  require(from.index.empty() || from.given(), "--index needs --ntk, the results of compute_ntk");
  require(!from.task.positive || !o.labels.empty(), "--positive: names classes of --labels; give them, or leave it out");
  if (!from.given()) return resolve(line, o);
  require_finished("--ntk", from.ntk, "compute_ntk", o.stops());
  from.agree = resolve_after(line, o, from.ntk, inherited_keys, from.force);
  from.same_weights = o.init.empty();
  from.before = Fingerprints::read(from.ntk);
  if (is_finished(from.ntk)) return;
  const std::string path = from.file("config.toml").string();
  const Config config = Config::read(path);
  const std::string *pairs = config.find("eigen"), *saves = config.find("save-ntk");
  require(pairs && saves, "{}: has no eigen or no save-ntk; repeat the compute_ntk that began it", path);
  from.begun = true;
  from.saves = *saves == "true";
  from.pairs = parse_number<Index>(path + ": eigen", *pairs, 1, most_images);
}

std::vector<fs::path> EigenfunctionOptions::files(const CommonOptions& o, bool by_kernel) const {
  std::vector<fs::path> all;
  if (!given()) return all;
  all.push_back(file("eigvecs.npy"));
  if (o.init.empty()) all.push_back(file("init.npz"));
  if (by_kernel && has_kernel()) all.push_back(file("ntk.npy"));
  return all;
}

void compare(EigenfunctionOptions& from, const CommonOptions& o, const Fingerprints& made) {
  if (!from.given()) return;
  from.same_weights = o.init.empty();
  const Fingerprint *images = from.before.find("images"), *weights = from.before.find("weights");
  if (!images || !weights) return;
  const bool same_images = data::same_fingerprint(images->text, made.find("images")->text);
  from.same_weights = data::same_fingerprint(weights->text, made.find("weights")->text);
  if (!same_images) from.agree = false;
  if (from.force) return;
  Fingerprints compared;
  for (const Fingerprint& f : made.all())
    if (f.name == "images" || f.name == "graph" || (f.name == "weights" && o.init.empty())) compared.set(f.name, f.text, f.source);
  require_same(compared, from.before, fmt::format("of the kernel in --ntk {}", from.ntk),
               "put them back, repeat compute_ntk, or give --force");
}

std::uint64_t require_kernel(const EigenfunctionOptions& from, Index n) {
  require_matrix(from.file("ntk.npy"), n * from.side(), n * from.side());
  return read_through(from.file("ntk.npy"), "row", repeat_ntk);
}

void require_matrix(const fs::path& path, Index rows, Index columns) {
  const data::NpyInfo info = data::npy_info(path);
  require(info.type.is('f', 4) || info.type.is('f', 8), "{}: dtype {}, not float32 or float64", path.string(), info.type.name());
  require(info.shape.rank() == 2 && info.shape[1] == columns && (rows < 0 || info.shape[0] == rows),
          "{}: has shape {}, these images take [{},{}]", path.string(), info.shape, rows < 0 ? "k" : std::to_string(rows), columns);
}

void choose_outputs(const CommonOptions& o, EigenfunctionOptions& from, Index logits) {
  from.logits = logits;
  if (from.given()) {
    const std::string* outputs = Config::read(from.file("config.toml")).find("outputs");
    const auto of = outputs ? std::optional(Outputs::parse(*outputs)) : std::nullopt;
    require(!of || of->kind != Outputs::Kind::one || of->which < logits, "--ntk {}: its kernel is of logit {}, {} has {}", from.ntk,
            of ? of->which : 0, o.model_name(), logits);
    from.kernel = Outputs::choose("--ntk", of, logits);
  }
  using Kind = Outputs::Kind;
  if (logits > 1 && !from.index.empty() && !from.task.outputs && (from.kernel.kind == Kind::one || from.kernel.kind == Kind::sum))
    from.task.outputs = from.kernel;
  check_task(o, from.task, logits);
  if (logits == 1 || from.index.empty()) return;
  require(from.task.outputs.has_value(),
          "--index: the kernel of --ntk is that of all {} logits ({}), and two groups of images are told apart by one: give --outputs J "
          "(0 to {}) or sum, or --labels",
          logits, from.kernel.str(), logits - 1);
  require(from.kernel.kind != Kind::full || from.task.outputs->kind == Kind::one,
          "--outputs sum: eigenfunctions in the layout full have a value for each logit, their sum has none; give one of 0 to {}",
          logits - 1);
}

std::vector<Target> targets_of(const CommonOptions& o, EigenfunctionOptions& from, Index n) {
  const fs::path path = from.file("eigvecs.npy");
  if (from.given() && !from.begun) {
    require_matrix(path, -1, n * from.side());
    from.eigenvectors = read_through(path, "eigenvector", repeat_ntk, RowNorms::one);
    from.pairs = data::npy_info(path).shape[0];
  }
  if (!o.labels.empty()) return {labels_of_file(o, from.task, n, from.task.trained(from.logits))};
  const Index side = from.side(), which = side > 1 ? from.task.outputs->which : 0;
  std::vector<Target> targets;
  for (Index j : parse_indices("--index", from.index)) {
    require(j < from.pairs, "--index {}: {} holds eigenvectors 0 to {}; give one of these", j, path.string(), from.pairs - 1);
    std::vector<int> labels(static_cast<std::size_t>(n));
    if (!from.begun) {
      const auto vector = data::load_npy_rows<double>(path, j, j + 1);
      for (Index i = 0; i < n; ++i) labels[static_cast<std::size_t>(i)] = vector[i * side + which] > 0;
    }
    targets.push_back({std::to_string(j), std::move(labels)});
  }
  return targets;
}

}  // namespace tangentplane::experiments
