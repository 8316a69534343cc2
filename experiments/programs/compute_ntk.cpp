// The neural tangent kernel of a network at initialisation and its leading eigenpairs: the eigenfunctions that train_ntk trains on.
//
//   compute_ntk --model lenet --data cifar10 --data-dir DIR --num-train 10000 --num-test 2000 --eigen 1000
//
// A quarter of a minute on two cores at these sizes. Expect close to: eigenvalues that fall like a power law, the first some hundred times
// the tenth; every residual below 1e-6 of the largest eigenvalue.
#include "data/files.h"
#include "data/hash.h"
#include "data/npy.h"
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
};

/// eigvals.npy, eigvecs.npy, and residuals.npy where they were measured.
template <class S>
void save(const kernels::Eigenpairs<S>& pairs, const fs::path& folder, RunRecord& record) {
  const auto column = [](const std::vector<double>& v) { return Tensor<double>::from({static_cast<Index>(v.size())}, v); };
  data::save_npy(folder / "eigvals.npy", cast<S>(column(pairs.values)));
  data::save_npy(folder / "eigvecs.npy", pairs.vectors);
  record.add_fingerprint("eigenvectors", data::hash_as_npy(pairs.vectors));
  if (!pairs.residuals.empty()) {
    data::save_npy(folder / "residuals.npy", column(pairs.residuals));
    const double worst = *std::max_element(pairs.residuals.begin(), pairs.residuals.end()) / pairs.values[0];
    record.set("worst_residual_over_largest_eigenvalue", worst);
    if (!pairs.converged) remark("compute_ntk: the worst residual is {:.1e} of the largest eigenvalue\n", worst);
  }
  record.set("method", kernels::name(pairs.method));
}

template <class S>
void run_in(CommandLine& line, const Options& o, const data::Layout& layout, Index logits) {
  Config config = configuration(line, o);
  config.set("eigen", *o.kernel.eigen);
  if (logits > 1) config.set("outputs", o.kernel.outputs->str());
  ResultsFolder folder(o.out, "compute_ntk", config);
  // A run that began on disk goes on so.
  const bool goes_on = folder.check() == ResultsFolder::State::unfinished && fs::exists(folder.path() / tiles_name);
  require_room_for_kernel<S>(o, o.kernel, layout, goes_on);
  auto subject = start_subject<S>(o, layout, o.init, fmt::format("{} images take", layout.held));
  KernelPlan plan = plan_kernel(o, o.kernel, subject, folder.path(), goes_on);
  if (o.is_file_model()) plan.remarks.push_back(trainable_line(o));
  load_images(subject, o, o.init);
  const auto made = fingerprints_of(o, subject, o.init);
  require_same_inputs(folder, made);
  if (o.plan) return print_plan(plan);
  if (!folder.claim()) return;

  RunRecord record(folder);
  record.follow(plan);
  record.made_from(made, input_files(o));
  record_network(o, static_cast<double>(subject.init.size()), logits, o.kernel.outputs->str(), record);
  record.set("images", static_cast<double>(plan.images));
  save_variables(folder.path() / "init.npz", subject.init, subject.keys);
  const auto pairs = planned_eigenpairs(subject, plan, o.seed, record, folder.path());
  save(pairs, folder.path(), record);
  data::remove_file(folder.path() / tiles_name);
  record.finish();

  tell("{} eigenpairs of {} images{} by {}: {:.6g} down to {:.6g}; in {}\n", plan.eigen, plan.images,
       logits > 1 ? fmt::format(" (outputs: {})", o.kernel.outputs->str()) : "", kernels::name(pairs.method), pairs.values.front(),
       pairs.values.back(), folder.path().string());
  try_figure(folder.path() / "spectrum.svg", [&](const fs::path& path) {
    const auto title = fmt::format("Kernel of {} on {} images of {}", o.model_name(), plan.images, data_name(o));
    return save_figure(path, spectrum_figure(title, pairs.values, pairs.residuals));
  });
  if (subject.data.image().rank() == 3 && plan.side == 1)
    try_figure(folder.path() / "eigenfunctions.png",
               [&](const fs::path& path) { return save_gallery(path, subject.data.images, pairs.vectors); });
}

void run(int argc, const char* const* argv, const OwnNetworks& own) {
  CommandLine line("Leading eigenpairs of a network's neural tangent kernel at its initial weights", "compute_ntk");
  Options o;
  offer(o, own);
  add_common_options(line, o);
  add_kernel_options(line, o.kernel);
  add_logits_options(line, o.logits);
  parse(line, argc, argv);
  resolve(line, o);
  require(o.labels.empty(), "--labels: a kernel has none; leave it out");
  const data::Layout layout = look_at_data(o);
  if (o.logits.asked()) return with_dtype(o, [&]<class S>() { only_logits<S>(o.logits, o, layout); });
  const Index logits = logits_of(o, layout.image);
  check_kernel_options(o, o.kernel, layout.num_train + layout.num_test, logits);
  with_dtype(o, [&]<class S>() { run_in<S>(line, o, layout, logits); });
}

}  // namespace

int compute_ntk(int argc, const char* const* argv, const OwnNetworks& own) {
  return run_main(argc, argv, [&](int count, const char* const* words) { run(count, words, own); });
}

}  // namespace tangentplane::experiments
