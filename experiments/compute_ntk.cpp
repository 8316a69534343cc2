// The neural tangent kernel of a network at initialisation and its leading eigenpairs: the eigenfunctions that train_ntk trains on.
//
//   compute_ntk --model lenet --data cifar10 --data-dir DIR --num-train 10000 --num-test 2000 --eigen 1000
//
// A quarter of a minute on two cores at these sizes. Expect close to: eigenvalues that fall like a power law, the first some hundred times
// the tenth; every residual below 1e-6 of the largest eigenvalue.
#include "data/files.h"
#include "data/npy.h"
#include "experiments/common/figures/figures.h"
#include "experiments/common/figures/gallery.h"
#include "experiments/common/plans/plan.h"
#include "experiments/common/process/progress.h"
#include "experiments/common/process/run_main.h"
#include "experiments/common/run/run_record.h"
#include "experiments/common/subject/kernel_on_disk.h"
#include "experiments/common/subject/subject.h"
#include "experiments/common/text/say.h"
#include "experiments/common/training/learners.h"
#include "kernels/lanczos.h"
#include "kernels/ntk.h"
#include "kernels/nystrom.h"
#include "kernels/tile_file.h"
#include "nn/network_size.h"

using namespace tangentplane;
using namespace tangentplane::experiments;

namespace {

struct Options : CommonOptions {
  std::optional<Index> eigen, nystrom_points;
  std::string method = "auto", contraction = "auto";
  bool save_ntk = false;
};

Contraction contraction_of(const Options& o) {
  return o.contraction == "rows" ? Contraction::rows : o.contraction == "factors" ? Contraction::factors : Contraction::automatic;
}

/// How a kernel in memory is solved.
kernels::EigenMethod method_in_memory(const Options& o, Index n) {
  const auto method = kernels::eigen_method(o.method);
  return method == kernels::EigenMethod::automatic ? kernels::automatic_method(n, *o.eigen) : method;
}

/// What the run will hold at once besides the features, in bytes.
template <class S>
double kernel_bytes(const Options& o, Index order) {
  const double n = static_cast<double>(order), m = static_cast<double>(o.nystrom_points.value_or(0));
  const auto method = method_in_memory(o, order);
  if (method == kernels::EigenMethod::nystrom) return (2 * n * m + 3 * m * m) * 8;
  return n * n * sizeof(S) + (method == kernels::EigenMethod::full
                                  ? kernels::full_bytes<S>(order, *o.eigen)
                                  : kernels::lanczos_bytes<S>(order, *o.eigen, kernels::lanczos_basis(order, *o.eigen)));
}

double eigen_flops(const Options& o, kernels::EigenMethod method, double n) {
  const double k = static_cast<double>(*o.eigen);
  if (method == kernels::EigenMethod::nystrom) return 2 * n * std::pow(static_cast<double>(*o.nystrom_points), 2);
  if (method == kernels::EigenMethod::full) return 4.0 / 3 * n * n * n + 4 * n * n * k;
  return 2 * n * n * 3 * k + 2 * n * n * k + 4 * 9 * k * k * n;
}

/// The kernel's leading eigenpairs: K itself, or with Nystrom its columns at some points.
template <class S>
kernels::Eigenpairs<S> eigenpairs(const Options& o, const Subject<S>& subject, NtkOptions ntk_options, const NtkPlan& plan,
                                  RunRecord& record, const std::filesystem::path& folder) {
  const Index n = subject.images(), k = *o.eigen;
  Progress kernel_progress("kernel", 100, "per cent");
  ntk_options.progress = shown(kernel_progress);
  const auto& images = subject.data.images;
  if (o.method == "nystrom") {
    const auto points = kernels::nystrom_points(n, *o.nystrom_points, o.seed);
    const auto chosen = take_rows(images, points);
    auto stage = record.stage("kernel");
    const auto columns = ntk(subject.network, subject.init, images, chosen, ntk_options);
    kernel_progress.finish();
    stage.add_flops(plan.features.pair_flops * static_cast<double>(n * chosen.rows()));
    auto pairs = kernels::nystrom_eigenpairs(take_rows(columns, points), columns, k);
    stage.add_flops(pairs.flops);
    return pairs;
  }
  Tensor<S> kernel;
  record.set("active_parameters", static_cast<double>(plan.features.active_parameters));
  if (o.save_ntk && has_own_kernel(folder, n)) {  // from this very run, interrupted since
    kernel = data::load_npy<S>(folder / "ntk.npy");
  } else {
    auto stage = record.stage("kernel");
    kernel = ntk(subject.network, subject.init, images, ntk_options);
    stage.add_flops(plan.feature_flops + plan.pair_flops);
    kernel_progress.finish();
    if (o.save_ntk) data::save_npy(folder / "ntk.npy", kernel);
    record.add_fingerprint("kernel", data::hash_as_npy(kernel));
  }
  cpu::trim_memory();  // the features
  kernels::EigenOptions eigen;
  eigen.method = kernels::eigen_method(o.method);
  return eigenpair_stage(record, eigen,
                         [&](const kernels::EigenOptions& options) { return kernels::leading_eigenpairs(kernel, k, options); });
}

/// Share of gemm's rate that the eigenpairs of n images reach: the Ritz problem, hardly parallel, weighs less the larger n is.
double eigen_efficiency(double n) { return n / (n + 12'000); }

/// Refuses a run that takes `bytes` where fewer are allowed.
void check_fits(const Options& o, Index images, double bytes, std::string_view with) {
  require(bytes < static_cast<double>(o.memory), "--memory: {} images take {}{}, {} are allowed; give more, or fewer images{}", images,
          format_size(bytes), with, format_size(static_cast<double>(o.memory)), o.method == "nystrom" ? "" : ", or --method nystrom");
}
constexpr std::string_view with_kernel = " with the kernel and its eigenpairs", alone = " alone";

/// Lanczos can do with the kernel on disk.
bool may_be_on_disk(const Options& o) { return o.method == "auto" || o.method == "lanczos"; }

/// Where the kernel is held, and how many of the features at once.
struct Placement {
  NtkOptions options;
  NtkPlan plan;
  std::optional<DiskKernelPlan> disk;
  double runs_in_memory = 0;              // of the features, were the kernel in memory; 0 where it does not fit
  double inputs = 0, held = 0, pass = 0;  // bytes: images and weights; the kernel and its eigenpairs in memory; a pass
};

template <class S>
Placement place(const Options& o, const Subject<S>& subject, double held, bool on_disk, const std::filesystem::path& folder) {
  const auto& images = subject.data.images;
  const double n = static_cast<double>(images.rows()), k = static_cast<double>(*o.eigen);
  Placement p;
  p.held = held;
  p.options.contraction = contraction_of(o);
  p.inputs = static_cast<double>(images.size() + subject.init.size()) * sizeof(S);
  const NtkPlan unlimited = plan_ntk(subject.network, subject.init, images, p.options);
  // A pass is measured by making one: first what it takes at least, forward and back.
  const double activations = network_size(model_of(o), subject.data.image()).activations;
  require_room(fmt::format("{} images take at least", images.rows()),
               {{"the program", program_bytes},
                {"images and weights", p.inputs, std::string(fewer_images) + ", or " + smaller_network(o)},
                {fmt::format("passes over {} images", unlimited.pass), 2 * static_cast<double>(unlimited.pass) * activations * sizeof(S),
                 smaller_network(o)}},
               o.memory);
  p.pass = 1.2 * kernel_pass_bytes(subject, unlimited);  // and the buffers of products
  const double of_two = 2 * unlimited.feature_bytes / n, beside = static_cast<double>(o.memory) - p.inputs - p.pass;
  on_disk = on_disk || (may_be_on_disk(o) && held + of_two >= beside);
  p.options.memory = beside - held;
  if (!on_disk) {
    check_fits(o, images.rows(), held + p.inputs + p.pass, with_kernel);
    p.plan = plan_ntk(subject.network, subject.init, images, p.options);
    if (!may_be_on_disk(o) || p.plan.feature_runs <= 1 || p.plan.panel + p.plan.strip < 32) return p;
  }
  const auto disk = plan_kernel_on_disk(subject, *o.eigen, p.options, beside + p.pass - program_bytes, p.pass,
                                        kernels::TileFile<S>::tile_of(folder / tiles_name));
  const double bytes = disk.file_bytes + (k * n + (o.save_ntk ? n * n : 0)) * sizeof(S), free = free_space(folder);
  if (on_disk) {
    require_space(folder, bytes, free);
  } else {
    // On disk the kernel leaves the features more memory: worth it where that saves a tenth of the work, and more than the eigenpairs,
    // which it slows, cost in all.
    const double saved = p.plan.feature_flops - disk.ntk.feature_flops, whole = p.plan.feature_flops + p.plan.pair_flops;
    if (saved < std::max(0.1 * whole, eigen_flops(o, kernels::EigenMethod::lanczos, n)) || bytes > free) return p;
    p.runs_in_memory = p.plan.feature_runs;
  }
  p.options.memory = beside - program_bytes;
  p.plan = disk.ntk;
  p.disk = disk;
  return p;
}

/// What --plan prints of a run whose kernel is held in memory.
template <class S>
std::string plan_in_memory(const Options& o, const Subject<S>& subject, const Placement& p, double gemm_rate) {
  const NtkPlan& plan = p.plan;
  const double n = static_cast<double>(plan.images), k = static_cast<double>(*o.eigen), features = p.inputs + plan.feature_bytes + p.pass;
  const double pairs = o.method == "nystrom" ? n * static_cast<double>(*o.nystrom_points) * plan.features.pair_flops : plan.pair_flops;
  return format_plan(
      {features_stage(subject, plan, features),
       {"kernel", pairs, 0.75, features + p.held, o.save_ntk ? n * n * sizeof(S) : 0, 0},
       {"eigenpairs", eigen_flops(o, method_in_memory(o, p.plan.images), n), eigen_efficiency(n), p.inputs + p.held, k * n * sizeof(S), 0}},
      gemm_rate);
}

/// The same where it is on disk.
template <class S>
std::string plan_on_disk(const Options& o, const Subject<S>& subject, const Placement& p, double gemm_rate) {
  const DiskKernelPlan& disk = *p.disk;
  const double n = static_cast<double>(p.plan.images), k = static_cast<double>(*o.eigen), base = p.inputs + program_bytes,
               features = base + std::max(p.inputs, p.plan.feature_bytes + p.pass), saved = o.save_ntk ? n * n * sizeof(S) : 0,
               flops = eigen_flops(o, kernels::EigenMethod::lanczos, n), efficiency = eigen_efficiency(n);
  // Files in the page cache are read faster than they are multiplied; others are taken to come at the rate of a plain SSD. What the
  // features push out of the cache comes back with the first pass.
  constexpr double disk_rate = 5e8;
  const double free = static_cast<double>(available_memory());
  const bool cached = disk.file_bytes < free - base - disk.eigenpair_bytes, always = disk.file_bytes < free - features;
  const double reading = (always ? 0 : cached ? 1 : disk.passes) * disk.file_bytes / disk_rate;
  return format_plan({features_stage(subject, p.plan, features),
                      {"kernel", p.plan.pair_flops, 0.75, features, disk.file_bytes + saved, 0},
                      {"eigenpairs", flops, efficiency, base + disk.eigenpair_bytes, k * n * sizeof(S),
                       std::max(0., reading - flops / (gemm_rate * efficiency))}},
                     gemm_rate) +
         fmt::format("the kernel is on disk while it is used, in tiles of {} images a side; {:.0f} passes over it{}\n", disk.tile,
                     disk.passes, cached ? "" : fmt::format(", read at {}/s", format_size(disk_rate))) +
         (p.runs_in_memory > 0 ? fmt::format("(it would fit, but features would be computed {:.1f} times over)\n", p.runs_in_memory) : "");
}

template <class S>
void run_in(CommandLine& line, Options o, const data::Layout& layout) {
  const Index n = layout.num_train + layout.num_test, k = *o.eigen;
  Config config = configuration(line, o);
  config.set("eigen", k);
  ResultsFolder folder(o.out, "compute_ntk", config);
  const bool unfinished = folder.check() == ResultsFolder::State::unfinished;
  const double held = kernel_bytes<S>(o, n) + program_bytes, images = static_cast<double>(n * layout.image.size()) * sizeof(S);
  // A run that began on disk goes on so.
  const bool on_disk = may_be_on_disk(o) && (held + 2 * images >= static_cast<double>(o.memory) ||
                                             (unfinished && std::filesystem::exists(folder.path() / tiles_name)));
  check_fits(o, n, (on_disk ? program_bytes : held) + 2 * images, on_disk ? alone : with_kernel);  // while they are read
  const auto subject = load_subject<S>(o, layout, o.init);
  const auto made = fingerprints_of(o, subject, o.init);
  require_same_inputs(folder, made);
  const Placement p = place(o, subject, held, on_disk, folder.path());
  if (o.plan) {
    const double gemm_rate = measure_gemm_rate<S>();
    tell("{}", p.disk ? plan_on_disk(o, subject, p, gemm_rate) : plan_in_memory(o, subject, p, gemm_rate));
    if (p.plan.feature_runs > 1)
      tell("features do not fit: computed {:.1f} times over, by panels of {} images\n", p.plan.feature_runs, p.plan.panel);
    return;
  }
  if (!folder.claim()) return;
  RunRecord record(folder);
  record.made_from(made, input_files(o));
  record.set("parameters", static_cast<double>(subject.init.size()));
  record.set("images", static_cast<double>(n));
  save_variables(folder.path() / "init.npz", subject.init);
  cpu::trim_memory();
  const auto result = p.disk ? eigenpairs_on_disk(subject, k, *p.disk, p.options, o.save_ntk, record, folder.path())
                             : eigenpairs(o, subject, p.options, p.plan, record, folder.path());

  const auto column = [](const std::vector<double>& v) { return Tensor<double>::from({static_cast<Index>(v.size())}, v); };
  data::save_npy(folder.path() / "eigvals.npy", cast<S>(column(result.values)));
  data::save_npy(folder.path() / "eigvecs.npy", result.vectors);
  record.add_fingerprint("eigenvectors", data::hash_as_npy(result.vectors));
  if (!result.residuals.empty()) {
    data::save_npy(folder.path() / "residuals.npy", column(result.residuals));
    const double worst = *std::max_element(result.residuals.begin(), result.residuals.end()) / result.values[0];
    record.set("worst_residual_over_largest_eigenvalue", worst);
    if (!result.converged) remark("compute_ntk: the worst residual is {:.1e} of the largest eigenvalue\n", worst);
  }
  record.set("method", kernels::name(result.method));
  data::remove_file(folder.path() / tiles_name);
  record.finish();
  tell("{} eigenpairs of {} images by {}: {:.6g} down to {:.6g}; in {}\n", k, n, kernels::name(result.method), result.values.front(),
       result.values.back(), folder.path().string());
  try_figure(folder.path() / "spectrum.svg", [&](const std::filesystem::path& path) {
    return save_figure(
        path, spectrum_figure(fmt::format("Kernel of {} on {} images of {}", o.model, n, data_name(o)), result.values, result.residuals));
  });
  try_figure(folder.path() / "eigenfunctions.png",
             [&](const std::filesystem::path& path) { return save_gallery(path, subject.data.images, result.vectors); });
}

void run(int argc, const char* const* argv) {
  CommandLine line("Leading eigenpairs of a network's neural tangent kernel at its initial weights", "compute_ntk");
  Options o;
  add_common_options(line, o);
  add_number<Index>(line, "--eigen", o.eigen, "Eigenpairs (default: 1000, or as many as images)", 1, most_images);
  add_choice(line, "--method", o.method, {"auto", "full", "lanczos", "nystrom"}, "How eigenpairs are found");
  add_number<Index>(line, "--nystrom-points", o.nystrom_points, "Images whose kernel columns Nystrom takes", 1, most_images);
  add_choice(line, "--contraction", o.contraction, {"auto", "rows", "factors"}, "How layers are contracted");
  line.add_flag("--save-ntk", o.save_ntk, "Write the kernel itself, ntk.npy [N, N]");
  parse(line, argc, argv);
  resolve(line, o);
  require(o.labels.empty(), "--labels: a kernel has none; leave it out");
  const data::Layout layout = look_at_data(o);
  const Index n = layout.num_train + layout.num_test;
  const bool nystrom = o.method == "nystrom";
  require(nystrom || !o.nystrom_points, "--nystrom-points: only --method nystrom has them");
  require(!nystrom || o.nystrom_points, "--method nystrom needs --nystrom-points, some 30 times the eigenpairs wanted");
  require(!nystrom || *o.nystrom_points <= n, "--nystrom-points {}: there are {} images", nystrom ? *o.nystrom_points : 0, n);
  require(!nystrom || !o.save_ntk, "--save-ntk: Nystrom does not compute the whole kernel");
  const Index most = nystrom ? *o.nystrom_points : n;
  if (!o.eigen) o.eigen = std::min<Index>(1000, most);
  require(*o.eigen <= most, "--eigen {}: there are {} {}; give at most that", *o.eigen, most, nystrom ? "Nystrom points" : "images");
  with_dtype(o, [&]<class S>() { run_in<S>(line, o, layout); });
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
