// The neural tangent kernel of a network at initialisation and its leading eigenpairs: the eigenfunctions that train_ntk trains on.
//
//   compute_ntk --model lenet --data cifar10 --data-dir DIR --num-train 10000 --num-test 2000 --eigen 1000
//
// A minute on two cores at these sizes. Expect close to: eigenvalues that fall like a power law, the first some hundred times the tenth;
// every residual below 1e-6 of the largest eigenvalue.
#include "data/npy.h"
#include "experiments/common/figures.h"
#include "experiments/common/kernel_on_disk.h"
#include "experiments/common/learners.h"
#include "experiments/common/plan.h"
#include "experiments/common/progress.h"
#include "experiments/common/run_main.h"
#include "experiments/common/run_record.h"
#include "experiments/common/subject.h"
#include "kernels/lanczos.h"
#include "kernels/ntk.h"
#include "kernels/nystrom.h"

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

/// What the run will hold at once besides the features, in bytes.
template <class S>
double kernel_bytes(const Options& o, double n, double k) {
  const double m = static_cast<double>(o.nystrom_points.value_or(0));
  if (o.method == "nystrom") return (2 * n * m + 3 * m * m) * 8;
  const Index order = static_cast<Index>(n), pairs = static_cast<Index>(k);
  const double full = 2 * n * n * sizeof(S),
               lanczos = n * n * sizeof(S) + kernels::lanczos_bytes<S>(order, pairs, kernels::lanczos_basis(order, pairs));
  return o.method == "full" ? full : o.method == "lanczos" ? lanczos : std::max(n < 3000 ? full : 0, lanczos);
}

double eigen_flops(const Options& o, double n, double k) {
  if (o.method == "nystrom") return 2 * n * std::pow(static_cast<double>(*o.nystrom_points), 2);
  if (o.method == "full" || n < 1500) return 4.0 / 3 * n * n * n + 4 * n * n * k;
  return 2 * n * n * 3 * k + 2 * n * n * k + 4 * 9 * k * k * n;
}

/// The kernel's leading eigenpairs: K itself, or with Nystrom its columns at some points.
template <class S>
kernels::Eigenpairs<S> eigenpairs(const Options& o, const Subject<S>& subject, NtkOptions ntk_options, RunRecord& record,
                                  const std::filesystem::path& folder) {
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
    stage.add_flops(plan_ntk(subject.network, subject.init, images, ntk_options).features.pair_flops *
                    static_cast<double>(n * chosen.rows()));
    auto pairs = kernels::nystrom_eigenpairs(take_rows(columns, points), columns, k);
    stage.add_flops(pairs.flops);
    return pairs;
  }
  Tensor<S> kernel;
  if (o.save_ntk && std::filesystem::exists(folder / "ntk.npy")) {  // from this very run, interrupted since
    kernel = data::load_npy<S>(folder / "ntk.npy");
  } else {
    auto stage = record.stage("kernel");
    kernel = ntk(subject.network, subject.init, images, ntk_options);
    const NtkPlan plan = plan_ntk(subject.network, subject.init, images, ntk_options);
    stage.add_flops(plan.feature_flops + plan.pair_flops);
    record.set("active_parameters", static_cast<double>(plan.features.active_parameters));
    kernel_progress.finish();
    if (o.save_ntk) data::save_npy(folder / "ntk.npy", kernel);
  }
  cpu::trim_memory();  // the features
  auto stage = record.stage("eigenpairs");
  Progress progress("eigenpairs", 100, "per cent");
  kernels::EigenOptions options;
  options.method = kernels::eigen_method(o.method);
  options.progress = [report = shown(progress)](double fraction, std::string_view) mutable { report(fraction); };
  auto pairs = kernels::leading_eigenpairs(kernel, k, options);
  progress.finish();
  stage.add_flops(pairs.flops);
  return pairs;
}

/// Share of gemm's rate that the eigenpairs of n images reach: the Ritz problem, hardly parallel, weighs less the larger n is.
double eigen_efficiency(double n) { return n / (n + 12'000); }

/// What --plan prints of a run whose kernel is held in memory.
template <class S>
std::string plan_in_memory(const Options& o, const Subject<S>& subject, const NtkPlan& plan, double images, double held, double gemm_rate) {
  const double n = static_cast<double>(plan.images), k = static_cast<double>(*o.eigen);
  const double pairs = o.method == "nystrom" ? n * static_cast<double>(*o.nystrom_points) * plan.features.pair_flops : plan.pair_flops;
  return format_plan({features_stage(subject, plan, images + plan.feature_bytes),
                      {"kernel", pairs, 0.75, images + held + plan.feature_bytes, o.save_ntk ? n * n * sizeof(S) : 0, 0},
                      {"eigenpairs", eigen_flops(o, n, k), eigen_efficiency(n), images + held, k * n * sizeof(S), 0}},
                     gemm_rate);
}

/// The same where it is on disk.
template <class S>
std::string plan_on_disk(const Options& o, const Subject<S>& subject, const DiskKernelPlan& plan, double images, double gemm_rate) {
  const double n = static_cast<double>(plan.ntk.images), k = static_cast<double>(*o.eigen), base = images + program_bytes,
               saved = o.save_ntk ? n * n * sizeof(S) : 0, flops = eigen_flops(o, n, k), efficiency = eigen_efficiency(n);
  // Files in the page cache are read faster than they are multiplied; others are taken to come at the rate of a plain SSD.
  constexpr double disk_rate = 5e8;
  const bool cached = plan.file_bytes < static_cast<double>(available_memory()) - static_cast<double>(o.memory);
  const double reading = cached ? 0 : plan.passes * plan.file_bytes / disk_rate;
  return format_plan({features_stage(subject, plan.ntk, base + std::max(images, plan.ntk.feature_bytes)),
                      {"kernel", plan.ntk.pair_flops, 0.75, base + plan.ntk.feature_bytes, plan.file_bytes + saved, 0},
                      {"eigenpairs", flops, efficiency, base + plan.eigenpair_bytes, k * n * sizeof(S),
                       std::max(0., reading - flops / (gemm_rate * efficiency))}},
                     gemm_rate) +
         fmt::format("the kernel does not fit: on disk while it is used, in tiles of {} images a side; {:.0f} passes over it{}\n",
                     plan.tile, plan.passes, cached ? "" : fmt::format(", read at {}/s", format_size(disk_rate)));
}

template <class S>
void run_in(CLI::App& app, Options o, const data::Layout& layout) {
  const Index n = layout.num_train + layout.num_test, k = *o.eigen;
  Config config = configuration(app, o);
  config.set("eigen", k);
  ResultsFolder folder(o.out, "compute_ntk", config);
  const bool unfinished = folder.check() == ResultsFolder::State::unfinished;
  const double held = kernel_bytes<S>(o, static_cast<double>(n), static_cast<double>(k)) + program_bytes,
               images = static_cast<double>(n * layout.image.size()) * sizeof(S), allowed = static_cast<double>(o.memory);
  const auto check_fits = [&](double bytes, std::string_view with) {
    require(bytes < allowed, "--memory: {} images take {}{}, {} are allowed; give more, or fewer images{}", n, format_size(bytes), with,
            format_size(allowed), o.method == "nystrom" ? "" : ", or --method nystrom");
  };
  constexpr std::string_view with_kernel = " with the kernel and its eigenpairs", alone = " alone";
  // Lanczos can do with the kernel on disk; a run that began so goes on so.
  const bool may_be_on_disk = o.method == "auto" || o.method == "lanczos";
  bool on_disk = may_be_on_disk && (held + 2 * images >= allowed || (unfinished && std::filesystem::exists(folder.path() / tiles_name)));
  check_fits((on_disk ? program_bytes : held) + 2 * images, on_disk ? alone : with_kernel);  // while they are read
  const auto subject = load_subject<S>(o, layout, o.init);

  NtkOptions ntk_options;
  ntk_options.contraction = contraction_of(o);
  const NtkPlan unlimited = plan_ntk(subject.network, subject.init, subject.data.images, ntk_options);
  const double pass = pass_bytes(subject) * static_cast<double>(unlimited.pass),
               of_two = 2 * unlimited.feature_bytes / static_cast<double>(n);
  on_disk = on_disk || (may_be_on_disk && held + images + pass + of_two >= allowed);
  std::optional<DiskKernelPlan> disk;
  if (on_disk) {
    disk = plan_kernel_on_disk(subject, k, ntk_options, allowed - images - program_bytes, pass);
    ntk_options.memory = allowed - images - program_bytes - pass;
    const double numbers = static_cast<double>(k * n) + (o.save_ntk ? static_cast<double>(n * n) : 0);
    require_space(folder.path(), disk->file_bytes + numbers * sizeof(S), free_space(folder.path()));
  } else {
    check_fits(held + images + pass, with_kernel);
    ntk_options.memory = allowed - held - images - pass;
  }
  const NtkPlan plan = disk ? disk->ntk : plan_ntk(subject.network, subject.init, subject.data.images, ntk_options);
  if (o.plan) {
    const double gemm_rate = measure_gemm_rate<S>();
    fmt::print("{}", disk ? plan_on_disk(o, subject, *disk, images, gemm_rate) : plan_in_memory(o, subject, plan, images, held, gemm_rate));
    if (plan.feature_runs > 1)
      fmt::print("features do not fit: computed {:.1f} times over, by panels of {} images\n", plan.feature_runs, plan.panel);
    return;
  }
  if (!folder.claim()) return;
  RunRecord record(folder);
  record.set("parameters", static_cast<double>(subject.init.size()));
  record.set("images", static_cast<double>(n));
  save_variables(folder.path() / "init.npz", subject.init);
  const auto result = disk ? eigenpairs_on_disk(subject, k, *disk, ntk_options, o.save_ntk, record, folder.path())
                           : eigenpairs(o, subject, ntk_options, record, folder.path());

  const auto column = [](const std::vector<double>& v) { return Tensor<double>::from({static_cast<Index>(v.size())}, v); };
  data::save_npy(folder.path() / "eigvals.npy", cast<S>(column(result.values)));
  data::save_npy(folder.path() / "eigvecs.npy", result.vectors);
  if (!result.residuals.empty()) {
    data::save_npy(folder.path() / "residuals.npy", column(result.residuals));
    const double worst = *std::max_element(result.residuals.begin(), result.residuals.end()) / result.values[0];
    record.set("worst_residual_over_largest_eigenvalue", worst);
    if (!result.converged) fmt::print(stderr, "compute_ntk: the worst residual is {:.1e} of the largest eigenvalue\n", worst);
  }
  save_figure(folder.path() / "spectrum.svg",
              spectrum_figure(fmt::format("Kernel of {} on {} images of {}", o.model, n, data_name(o)), result.values, result.residuals));
  record.set("method", kernels::name(result.method));
  std::filesystem::remove(folder.path() / tiles_name);
  record.finish();
  fmt::print("{} eigenpairs of {} images by {}: {:.6g} down to {:.6g}; in {}\n", k, n, kernels::name(result.method), result.values.front(),
             result.values.back(), folder.path().string());
}

void run(int argc, const char* const* argv) {
  CLI::App app("Leading eigenpairs of a network's neural tangent kernel at its initial weights", "compute_ntk");
  Options o;
  add_common_options(app, o);
  add_number<Index>(app, "--eigen", o.eigen, "Eigenpairs (default: 1000, or as many as images)", 1);
  add_choice(app, "--method", o.method, {"auto", "full", "lanczos", "nystrom"}, "How eigenpairs are found");
  add_number<Index>(app, "--nystrom-points", o.nystrom_points, "Images whose kernel columns Nystrom takes", 1);
  add_choice(app, "--contraction", o.contraction, {"auto", "rows", "factors"}, "How layers are contracted");
  app.add_flag("--save-ntk", o.save_ntk, "Write the kernel itself, ntk.npy [N, N]");
  parse(app, argc, argv);
  resolve(app, o);
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
  with_dtype(o, [&]<class S>() { run_in<S>(app, o, layout); });
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
