#include "experiments/common/kernel/eigenpairs.h"

#include "data/hash.h"
#include "data/npy.h"
#include "experiments/common/plans/kernel_folder.h"
#include "experiments/common/process/interrupt.h"
#include "experiments/common/process/progress.h"
#include "kernels/eigen/lanczos.h"
#include "kernels/nystrom.h"
#include "kernels/tiles/tiled_ntk.h"
#include "kernels/tiles/tiled_operator.h"

namespace tangentplane::experiments {
namespace {

namespace fs = std::filesystem;

/// Whether the folder's ntk.npy was written by its own run, of which run.json has a fingerprint of the kernel, and is a finite [n, n]
/// matrix.
bool has_own_kernel(const fs::path& folder, Index n) {
  const fs::path path = folder / "ntk.npy";
  if (!fs::exists(path) || !Fingerprints::read(folder).find("kernel")) return false;
  try {
    read_through(path, "row", "");
    return data::npy_info(path).shape == Shape{n, n};
  } catch (const std::invalid_argument&) {
    return false;
  }
}

template <class S>
std::uint64_t save_kernel(const fs::path& path, const kernels::TileFile<S>& file) {
  const Index n = file.size();
  data::Hash64 hash;
  hash.add(data::npy_header(data::npy_descr<S>(), {n, n}));
  Tensor<S> rows({file.tile(), n});
  data::save_npy_in_pieces<S>(path, {n, n}, [&](const auto& append) {
    for (Index r = 0; r < file.side(); ++r) {
      check_interrupt();
      file.read_rows(r, rows.data());
      const auto whole = std::as_const(rows).slice(0, file.extent(r));
      hash.add(whole.span());
      append(whole.span());
    }
  });
  return hash.value();
}

/// compute(options) as the run's stage "kernel"; it tells the flops.
template <class Compute>
auto kernel_stage(const KernelPlan& plan, RunRecord& record, const Compute& compute) {
  auto stage = record.stage("kernel", plan.of("kernel"));
  Progress progress("kernel", 100, "per cent");
  NtkOptions options;
  options.plan = &plan.ntk;
  options.outputs = plan.outputs;
  options.progress = shown(progress);
  return compute(options, [&](double flops) {
    progress.finish();
    stage.add_flops(flops);
  });
}

/// solve(options) as the run's stage "eigenpairs".
template <class Solve>
auto eigenpair_stage(const KernelPlan& plan, RunRecord& record, kernels::EigenOptions options, const Solve& solve) {
  auto stage = record.stage("eigenpairs", plan.of("eigenpairs"));
  Progress progress("eigenpairs", 100, "per cent");
  options.progress = [report = shown(progress)](double fraction, std::string_view) { report(fraction); };
  auto pairs = solve(options);
  progress.finish();
  stage.add_flops(pairs.flops);
  return pairs;
}

template <class S>
kernels::Eigenpairs<S> by_nystrom(const Subject<S>& subject, const KernelPlan& plan, std::uint64_t seed, RunRecord& record) {
  const auto points = kernels::nystrom_points(subject.images(), plan.points, seed);
  const auto columns = kernel_stage(plan, record, [&](const NtkOptions& options, const auto& done) {
    auto k = ntk(subject.network, subject.init, subject.data.images, take_rows(subject.data.images, points), options);
    done(plan.ntk.feature_flops + plan.ntk.pair_flops);
    return k;
  });
  return eigenpair_stage(plan, record, {}, [&](const kernels::EigenOptions&) {
    return kernels::nystrom_eigenpairs(take_rows(columns, kernels::rows_of_images(points, plan.side)), columns, plan.eigen);
  });
}

template <class S>
kernels::Eigenpairs<S> in_memory(const Subject<S>& subject, const KernelPlan& plan, RunRecord& record, const fs::path& folder) {
  Tensor<S> kernel;
  record.set("active_parameters", static_cast<double>(plan.ntk.features.active_parameters));
  if (plan.save && has_own_kernel(folder, plan.size())) {  // from this very run, interrupted since
    kernel = data::load_npy<S>(folder / "ntk.npy");
  } else {
    kernel = kernel_stage(plan, record, [&](const NtkOptions& options, const auto& done) {
      auto k = ntk(subject.network, subject.init, subject.data.images, options);
      done(plan.ntk.feature_flops + plan.ntk.pair_flops);
      if (plan.save) data::save_npy(folder / "ntk.npy", k);
      record.add_fingerprint("kernel", data::hash_as_npy(k));
      return k;
    });
  }
  cpu::trim_memory();  // the features
  kernels::EigenOptions eigen;
  eigen.method = plan.method;
  return eigenpair_stage(plan, record, eigen,
                         [&](const kernels::EigenOptions& options) { return kernels::leading_eigenpairs(kernel, plan.eigen, options); });
}

template <class S>
kernels::Eigenpairs<S> on_disk(const Subject<S>& subject, const KernelPlan& plan, RunRecord& record, const fs::path& folder) {
  const auto& images = subject.data.images;
  std::optional<kernels::TileFile<S>> file;
  {
    NtkOptions way;
    way.contraction = plan.contraction, way.outputs = plan.outputs;
    const auto fingerprint = ntk_fingerprint(subject.network, subject.init, images, way);
    Progress progress("tiles of the run before", 100, "per cent");
    const bool there = fs::exists(folder / tiles_name);
    file.emplace(folder / tiles_name, plan.size(), plan.disk->tile, fingerprint, shown(progress));
    if (there) progress.finish();
  }
  record.set("kernel_on_disk", plan.disk->file_bytes);
  record.set("active_parameters", static_cast<double>(plan.ntk.features.active_parameters));
  if (file->missing() > 0)
    kernel_stage(plan, record, [&](const NtkOptions& options, const auto& done) {
      const double tiles = static_cast<double>(file->side() * (file->side() + 1) / 2), missing = static_cast<double>(file->missing());
      complete(*file, subject.network, subject.init, images, options);
      done((plan.ntk.feature_flops + plan.ntk.pair_flops) * missing / tiles);
      return missing;
    });
  cpu::trim_memory();  // the features
  if (plan.save && !has_own_kernel(folder, plan.size())) {
    auto stage = record.stage("ntk.npy", plan.of("ntk.npy"));
    record.add_fingerprint("kernel", save_kernel(folder / "ntk.npy", *file));
  }
  cpu::trim_memory();
  kernels::EigenOptions eigen;
  eigen.max_basis = plan.disk->max_basis;
  return eigenpair_stage(plan, record, eigen, [&](const kernels::EigenOptions& options) {
    return kernels::block_lanczos(kernels::TiledOperator<S>(*file, plan.disk->batch, check_interrupt), plan.eigen, options);
  });
}

}  // namespace

template <class S>
kernels::Eigenpairs<S> planned_eigenpairs(const Subject<S>& subject, const KernelPlan& plan, std::uint64_t seed, RunRecord& record,
                                          const fs::path& folder) {
  cpu::trim_memory();
  return plan.disk         ? on_disk(subject, plan, record, folder)
         : plan.points > 0 ? by_nystrom(subject, plan, seed, record)
                           : in_memory(subject, plan, record, folder);
}

template kernels::Eigenpairs<float> planned_eigenpairs(const Subject<float>&, const KernelPlan&, std::uint64_t, RunRecord&,
                                                       const fs::path&);
template kernels::Eigenpairs<double> planned_eigenpairs(const Subject<double>&, const KernelPlan&, std::uint64_t, RunRecord&,
                                                        const fs::path&);

}  // namespace tangentplane::experiments
