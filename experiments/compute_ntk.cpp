// The neural tangent kernel of a network at initialisation and its leading eigenpairs: the eigenfunctions that train_ntk trains on.
//
//   compute_ntk --model lenet --data cifar10 --data-dir DIR --num-train 10000 --num-test 2000 --eigen 1000
//
// A minute on two cores at these sizes. Expect close to: eigenvalues that fall like a power law, the first some hundred times the tenth;
// every residual below 1e-6 of the largest eigenvalue.
#include "data/npy.h"
#include "experiments/common/figures.h"
#include "experiments/common/learners.h"
#include "experiments/common/plan.h"
#include "experiments/common/progress.h"
#include "experiments/common/run_main.h"
#include "experiments/common/run_record.h"
#include "experiments/common/subject.h"
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
  const double full = 2 * n * n * sizeof(S), lanczos = n * n * sizeof(S) + (3 * k + 512) * n * sizeof(S) + 9 * k * k * 3 * 8;
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

template <class S>
void run_in(CLI::App& app, Options o, const data::Layout& layout) {
  const Index n = layout.num_train + layout.num_test, k = *o.eigen;
  Config config = configuration(app, o);
  config.set("eigen", k);
  ResultsFolder folder(o.out, "compute_ntk", config);
  folder.check();
  const double held = kernel_bytes<S>(o, static_cast<double>(n), static_cast<double>(k)) + program_bytes,
               images = static_cast<double>(n * layout.image.size()) * sizeof(S), allowed = static_cast<double>(o.memory);
  const auto check_fits = [&](double bytes) {
    require(bytes < allowed, "--memory: {} images take {} with the kernel and its eigenpairs, {} are allowed; give more, or fewer images{}",
            n, format_size(bytes), format_size(allowed), o.method == "nystrom" ? "" : ", or --method nystrom");
  };
  check_fits(held + 2 * images);  // while they are read
  const auto subject = load_subject<S>(o, layout, o.init);

  NtkOptions ntk_options;
  ntk_options.contraction = contraction_of(o);
  const double pass = pass_bytes(subject) * static_cast<double>(plan_ntk(subject.network, subject.init, subject.data.images).pass);
  check_fits(held + images + pass);
  ntk_options.memory = allowed - held - images - pass;
  const NtkPlan plan = plan_ntk(subject.network, subject.init, subject.data.images, ntk_options);
  if (o.plan) {
    const double pairs = o.method == "nystrom" ? static_cast<double>(n * *o.nystrom_points) * plan.features.pair_flops : plan.pair_flops;
    const double kernel_disk = o.save_ntk ? static_cast<double>(n * n) * sizeof(S) : 0;
    fmt::print("{}", format_plan({{"features", plan.feature_flops, 0.25, images + plan.feature_bytes, 0, 0},
                                  {"kernel", pairs, 0.6, images + held + plan.feature_bytes, kernel_disk, 0},
                                  {"eigenpairs", eigen_flops(o, static_cast<double>(n), static_cast<double>(k)), 0.5, images + held,
                                   static_cast<double>(k * n) * sizeof(S), 0}},
                                 measure_gemm_rate<S>()));
    if (plan.feature_runs > 1)
      fmt::print("features do not fit: computed {:.1f} times over, by panels of {} images\n", plan.feature_runs, plan.panel);
    return;
  }
  if (!folder.claim()) return;
  RunRecord record(folder);
  record.set("parameters", static_cast<double>(subject.init.size()));
  record.set("images", static_cast<double>(n));
  save_variables(folder.path() / "init.npz", subject.init);
  const auto result = eigenpairs(o, subject, ntk_options, record, folder.path());

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
