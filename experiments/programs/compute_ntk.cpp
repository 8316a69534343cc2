// The neural tangent kernel of a network at initialisation and its leading eigenpairs: the eigenfunctions that train_ntk trains on.
//
//   compute_ntk --model lenet --data cifar10 --data-dir DIR --num-train 10000 --num-test 2000 --eigen 1000
//   mpirun -n 16 compute_ntk ...    on the nodes of a cluster (kernels/CLUSTER.md)
//
// A quarter of a minute on two cores at these sizes. Expect close to: eigenvalues that fall like a power law, the first some hundred times
// the tenth; every residual below 1e-6 of the largest eigenvalue.
#include <algorithm>
#include <cmath>
#include <limits>

#include "data/files.h"
#include "data/hash.h"
#include "data/npy.h"
#include "experiments/common/cluster/parts.h"
#include "experiments/common/cluster/ranks_of_run.h"
#include "experiments/common/cluster/shared_eigenpairs.h"
#include "experiments/common/figures/figures.h"
#include "experiments/common/figures/gallery.h"
#include "experiments/common/kernel/eigenpairs.h"
#include "experiments/common/options/kernel_options.h"
#include "experiments/common/plans/kernel_folder.h"
#include "experiments/common/process/run_main.h"
#include "experiments/common/run/network_record.h"
#include "experiments/common/subject/logits.h"
#include "experiments/common/text/say.h"
#include "experiments/programs.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;

namespace {

struct Options : CommonOptions {
  KernelOptions kernel;
  LogitsOptions logits;
  ClusterOptions cluster;
};

/// How many of the eigenvalues are no larger than what rounding, or their own residual, may make of nothing.
template <class S>
std::size_t within_rounding(const kernels::Eigenpairs<S>& pairs) {
  const double rounding = std::numeric_limits<S>::epsilon() * std::abs(pairs.values[0]);
  std::size_t count = 0;
  for (std::size_t j = 0; j < pairs.values.size(); ++j)
    count += std::abs(pairs.values[j]) <= std::max(rounding, pairs.residuals.empty() ? 0 : pairs.residuals[j]);
  return count;
}

/// eigvals.npy, and residuals.npy where they were measured.
template <class S>
void save_values(const kernels::Eigenpairs<S>& pairs, const fs::path& folder, RunRecord& record) {
  const auto column = [](const std::vector<double>& v) { return Tensor<double>::from({static_cast<Index>(v.size())}, v); };
  data::save_npy(folder / "eigvals.npy", cast<S>(column(pairs.values)));
  if (!pairs.residuals.empty()) {
    data::save_npy(folder / "residuals.npy", column(pairs.residuals));
    const double worst = *std::max_element(pairs.residuals.begin(), pairs.residuals.end()) / pairs.values[0];
    record.set("worst_residual_over_largest_eigenvalue", worst);
    if (!pairs.converged) remark("compute_ntk: the worst residual is {:.1e} of the largest eigenvalue\n", worst);
  }
  record.set("eigenvalues_within_rounding", static_cast<double>(within_rounding(pairs)));
  record.set("method", kernels::name(pairs.method));
}

/// The same and eigvecs.npy.
template <class S>
void save(const kernels::Eigenpairs<S>& pairs, const fs::path& folder, RunRecord& record) {
  data::save_npy(folder / "eigvecs.npy", pairs.vectors);
  record.add_fingerprint("eigenvectors", data::hash_as_npy(pairs.vectors));
  save_values(pairs, folder, record);
}

/// Tiles of this run and of ranks that began it.
void remove_tiles(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (const std::string name = entry.path().filename().string(); name == tiles_name || name.starts_with(std::string(tiles_name) + "."))
      files.push_back(entry.path());
  for (const auto& file : files) data::remove_file(file);
}

/// spectrum.svg and eigenfunctions.png, of the eigenpairs' files and the subject's images.
template <class S>
std::vector<RunFigure> figures_of(const Options& o, const Subject<S>& subject, const fs::path& folder) {
  const auto numbers = [folder](const char* name) {
    if (!fs::exists(folder / name)) return std::vector<double>();
    const auto column = data::load_npy<double>(folder / name);
    return std::vector<double>(column.data(), column.data() + column.size());
  };
  std::vector<RunFigure> all{{folder / "spectrum.svg", [&o, &subject, numbers](const fs::path& path) {
                                const auto title =
                                    fmt::format("Kernel of {} on {} images of {}", o.model_name(), subject.images(), data_name(o));
                                return save_figure(path, spectrum_figure(title, numbers("eigvals.npy"), numbers("residuals.npy")));
                              }}};
  if (subject.data.image().rank() == 3 && o.kernel.side == 1)
    all.push_back({folder / "eigenfunctions.png",
                   [&subject, folder](const fs::path& path) { return save_gallery(path, subject.data.images, folder / "eigvecs.npy"); }});
  return all;
}

/// What is said of eigenpairs that have been found.
template <class S>
void tell_of(const Options& o, const Subject<S>& subject, const kernels::Eigenpairs<S>& pairs, const fs::path& folder) {
  const Index images = subject.images();
  tell("{} eigenpairs of {} images{} by {}: {:.6g} down to {:.6g}; in {}\n", *o.kernel.eigen, images,
       subject.outputs > 1 ? fmt::format(" (outputs: {})", o.kernel.outputs->str()) : "", kernels::name(pairs.method), pairs.values.front(),
       pairs.values.back(), folder.string());
  if (const std::size_t lost = within_rounding(pairs); lost > 0)
    tell("{} of these are within rounding of zero, and their eigenfunctions noise; give fewer --eigen{}\n", lost,
         std::is_same_v<S, float> ? ", or --dtype float64" : "");
}

/// By several ranks, or as a part of an array of jobs, or from the parts that such jobs have left.
template <class S>
void run_shared(CommandLine& line, const Options& o, const data::Layout& layout, Index logits) {
  cpu::Ranks& ranks = cpu::Ranks::world();
  const bool shard = o.cluster.shard.has_value();
  require(!o.begin, "--begin: is one process's alone; leave it out");
  require(o.kernel.may_be_on_disk(), "--method {}: several processes find eigenpairs by lanczos; leave it out", o.kernel.method);
  const Index part = shard ? o.cluster.shard->first : ranks.rank(),
              parts = shard ? o.cluster.shard->second : o.cluster.ranks.value_or(ranks.count());
  Config config = configuration(line, o);
  config.set("eigen", *o.kernel.eigen);
  if (logits > 1) config.set("outputs", o.kernel.outputs->str());
  const fs::path out = shard ? part_folder(o.out, part, parts) : fs::path(o.out);
  config.set("out", out.string());
  ResultsFolder folder(out, shard ? part_name("compute_ntk", part, parts) : "compute_ntk", config);
  folder.check();
  auto subject = start_subject<S>(o, layout, o.init, fmt::format("{} images take", layout.held));
  require_by_example(subject);
  const auto planned = [&] {
    SharedPlan plan = plan_shared<S>(o, o.kernel, o.cluster, subject, parts, part, !shard);
    if (o.is_file_model()) plan.remarks.push_back(trainable_line(o));
    return plan;
  };
  if (o.plan) {
    const SharedPlan plan = planned();
    return tell("{}", format_shared_plan(plan));
  }
  load_images(subject, o, o.init);
  const auto made = fingerprints_of(o, subject, o.init);
  require_same_inputs(folder, made);
  const Index found = ranks.by_first([&] { return !shard && has_parts(out) ? find_parts(out, "compute_ntk", config, made) : Index(0); });
  const SharedPlan plan = planned();
  if (!shard) folder.has_figures(figures_of(o, subject, out));
  if (!folder.claim()) return;

  RunRecord record(folder);
  record.follow(plan.plan());
  record.made_from(made, input_files(o));
  record_network(o, static_cast<double>(subject.init.size()), logits, o.kernel.outputs->str(), record);
  record.set("active_parameters", static_cast<double>(plan.part.ntk.features.active_parameters));
  record.set("images", static_cast<double>(plan.images));
  if (ranks.first()) save_variables(out / "init.npz", subject.init, subject.keys);
  if (shard) {
    compute_tiles(subject, plan, out / tiles_name, record);
    record.finish();
    const auto missing = missing_parts(o.out, parts);
    return tell("part {} of {} of the kernel of {} images; {}; in {}\n", part, parts, plan.images,
                missing.empty() ? "all parts are there: the same command without --shard goes on"
                                : fmt::format("{} parts are missing", missing.size()),
                out.string());
  }
  const fs::path scratch = o.cluster.scratch.empty() ? out : fs::path(o.cluster.scratch), own = rank_tiles(scratch, part, parts);
  if (found == 0 && !plan.in_memory) data::create_folders(scratch);
  auto tiles = found > 0 ? open_parts(subject, plan, out, found) : compute_tiles(subject, plan, own, record);
  const auto pairs = shared_eigenpairs(tiles, plan, out, record);
  tiles.clear();
  data::remove_file(own);
  ranks.barrier();
  record_traffic(record, plan.sent());
  if (!ranks.first()) return;
  save_values(pairs, out, record);
  remove_tiles(out);
  if (found > 0) fs::remove_all(out / parts_name);
  record.finish();
  tell_of(o, subject, pairs, out);
  folder.draw_figures();
}

template <class S>
void run_in(CommandLine& line, const Options& o, const data::Layout& layout, Index logits) {
  const bool parts = cpu::Ranks::world().by_first([&] { return has_parts(o.out); });
  if (cpu::Ranks::world().several() || o.cluster.shard || o.cluster.ranks || parts) return run_shared<S>(line, o, layout, logits);
  Config config = configuration(line, o);
  config.set("eigen", *o.kernel.eigen);
  if (logits > 1) config.set("outputs", o.kernel.outputs->str());
  ResultsFolder folder(o.out, "compute_ntk", config);
  // A run that began on disk goes on so.
  const bool goes_on = folder.check() == ResultsFolder::State::unfinished && fs::exists(folder.path() / tiles_name);
  require_room_for_kernel<S>(o, o.kernel, layout, goes_on);
  auto subject = start_subject<S>(o, layout, o.init, fmt::format("{} images take", layout.held));
  require_by_example(subject);
  KernelPlan plan = plan_kernel(o, o.kernel, subject, folder.path(), goes_on);
  if (o.is_file_model()) plan.remarks.push_back(trainable_line(o));
  if (o.begin) return only_begin(plan, o, folder);
  load_images(subject, o, o.init);
  const auto made = fingerprints_of(o, subject, o.init);
  require_same_inputs(folder, made);
  if (o.plan) return print_plan(plan);
  folder.has_figures(figures_of(o, subject, folder.path()));
  if (!folder.claim()) return;

  RunRecord record(folder);
  record.follow(plan);
  record.made_from(made, input_files(o));
  record_network(o, static_cast<double>(subject.init.size()), logits, o.kernel.outputs->str(), record);
  record.set("images", static_cast<double>(plan.images));
  save_variables(folder.path() / "init.npz", subject.init, subject.keys);
  const auto pairs = planned_eigenpairs(subject, plan, o.seed, record, folder.path());
  save(pairs, folder.path(), record);
  remove_tiles(folder.path());
  record.finish();
  tell_of(o, subject, pairs, folder.path());
  folder.draw_figures();
}

void run(int argc, const char* const* argv, const OwnNetworks& own) {
  CommandLine line("Leading eigenpairs of a network's neural tangent kernel at its initial weights", "compute_ntk");
  Options o;
  offer(o, own);
  add_common_options(line, o);
  line.hide("--labels");
  add_kernel_options(line, o.kernel);
  add_logits_options(line, o.logits);
  add_cluster_options(line, o.cluster);
  parse(line, argc, argv);
  resolve(line, o);
  check_cluster_options(o.cluster, o);
  require(o.labels.empty(), "--labels: a kernel has none; leave it out");
  const data::Layout layout = look_at_data(o);
  if (only_logits(line, o.logits, o, layout, o.init)) return;
  const Index logits = logits_of(o, layout.image);
  check_kernel_options(o, o.kernel, layout.num_train + layout.num_test, logits);
  with_dtype(o, [&]<class S>() { run_in<S>(line, o, layout, logits); });
}

}  // namespace

int compute_ntk(int argc, const char* const* argv, const OwnNetworks& own) {
  return run_main(argc, argv, [&](int count, const char* const* words) { run(count, words, own); });
}

}  // namespace tangentplane::experiments
