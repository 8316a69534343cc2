#include "experiments/common/subject/kernel_on_disk.h"

#include "data/hash.h"
#include "data/npy.h"
#include "experiments/common/process/interrupt.h"
#include "experiments/common/training/learners.h"
#include "kernels/tiled_ntk.h"
#include "kernels/tiled_operator.h"

namespace tangentplane::experiments {
namespace {

namespace fs = std::filesystem;

/// The largest number in [low, high] that fits; low if none does.
template <class Fits>
Index largest(Index low, Index high, const Fits& fits) {
  while (low < high) {
    const Index middle = low + (high - low + 1) / 2;
    if (fits(middle))
      low = middle;
    else
      high = middle - 1;
  }
  return low;
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

}  // namespace

template <class S>
DiskKernelPlan plan_kernel_on_disk(const Subject<S>& subject, Index k, NtkOptions options, double memory, double pass,
                                   Index standing_tile) {
  const Index n = subject.images();
  const auto& images = subject.data.images;
  DiskKernelPlan plan;
  options.memory = memory - pass;
  require(options.memory > 0, "--memory: a pass over some images takes {} more, {} are left; give more", format_size(pass),
          format_size(std::max(0., memory)));
  plan.tile = standing_tile > 0 ? standing_tile : file_tile(plan_ntk(subject.network, subject.init, images, options));
  options.tile = plan.tile;
  plan.ntk = plan_ntk(subject.network, subject.init, images, options);
  require_whole_tiles(plan.ntk, plan.tile);
  plan.file_bytes = kernels::TileFile<S>::disk_bytes(n, plan.tile);

  const Index block = kernels::lanczos_block(n, k), basis = kernels::lanczos_basis(n, k);
  const auto bytes = [&](Index vectors, Index batch) {
    return kernels::lanczos_bytes<S>(n, k, vectors, batch) + kernels::TiledOperator<S>::bytes(n, plan.tile, std::max(block, batch));
  };
  const Index least = std::min<Index>(k, 64);
  require(bytes(basis, least) <= memory,
          "--memory: {} eigenpairs of {} images take {} beside the images, even with the kernel on disk, {} are left; give more, fewer "
          "--eigen, or --method nystrom",
          k, n, format_size(bytes(basis, least)), format_size(memory));
  plan.batch = largest(least, k, [&](Index b) { return bytes(basis, b) <= memory; });
  plan.max_basis = largest(basis, n, [&](Index m) { return bytes(m, plan.batch) <= memory; });
  if (plan.max_basis < n) plan.max_basis = plan.max_basis / block * block - block;  // a block beyond the last one is held
  const double rows = static_cast<double>(plan.tile * n) * sizeof(S);               // ntk.npy is written from them
  plan.eigenpair_bytes = std::max(bytes(basis, plan.batch), rows);
  plan.passes = static_cast<double>(basis / block) + std::ceil(static_cast<double>(k) / static_cast<double>(plan.batch));
  return plan;
}

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

double free_space(const fs::path& folder) {
  std::error_code error;
  fs::path standing = fs::absolute(folder, error);
  while (!fs::exists(standing, error) && standing != standing.parent_path()) standing = standing.parent_path();
  const auto space = fs::space(standing, error);
  require(!error, "--out {}: {} cannot be read ({}); give another folder", folder.string(), standing.string(), error.message());
  double bytes = static_cast<double>(space.available);
  // What an interrupted run has taken already is this one's.
  for (const fs::path& own : {folder / tiles_name, folder / (std::string(tiles_name) + ".partial")})
    if (const auto size = fs::file_size(own, error); !error) bytes += static_cast<double>(size);
  return bytes;
}

void require_space(const fs::path& folder, double bytes, double free) {
  require(bytes <= free,
          "--out {}: the kernel on disk and the results take {}, {} are free there; free some, give more --memory, or another folder",
          folder.string(), format_size(bytes), format_size(free));
}

template <class S>
kernels::Eigenpairs<S> eigenpairs_on_disk(const Subject<S>& subject, Index k, const DiskKernelPlan& plan, NtkOptions options, bool save,
                                          RunRecord& record, const fs::path& folder) {
  const auto& images = subject.data.images;
  options.tile = plan.tile;
  std::optional<kernels::TileFile<S>> file;
  {
    const auto fingerprint = ntk_fingerprint(subject.network, subject.init, images, options);
    Progress progress("tiles of the run before", 100, "per cent");
    const bool there = fs::exists(folder / tiles_name);
    file.emplace(folder / tiles_name, images.rows(), plan.tile, fingerprint, shown(progress));
    if (there) progress.finish();
  }
  record.set("kernel_on_disk", plan.file_bytes);
  record.set("active_parameters", static_cast<double>(plan.ntk.features.active_parameters));
  if (file->missing() > 0) {
    auto stage = record.stage("kernel");
    Progress progress("kernel", 100, "per cent");
    options.progress = shown(progress);
    const double tiles = static_cast<double>(file->side() * (file->side() + 1) / 2), missing = static_cast<double>(file->missing());
    complete(*file, subject.network, subject.init, images, options);
    progress.finish();
    stage.add_flops((plan.ntk.feature_flops + plan.ntk.pair_flops) * missing / tiles);
  }
  cpu::trim_memory();  // the features
  if (save && !has_own_kernel(folder, images.rows())) {
    auto stage = record.stage("ntk.npy");
    record.add_fingerprint("kernel", save_kernel(folder / "ntk.npy", *file));
  }
  cpu::trim_memory();
  kernels::EigenOptions eigen;
  eigen.max_basis = plan.max_basis;
  return eigenpair_stage(record, eigen, [&](const kernels::EigenOptions& shown_options) {
    return kernels::block_lanczos(kernels::TiledOperator<S>(*file, plan.batch, check_interrupt), k, shown_options);
  });
}

#define INSTANTIATE(S)                                                                                                              \
  template DiskKernelPlan plan_kernel_on_disk(const Subject<S>&, Index, NtkOptions, double, double, Index);                         \
  template kernels::Eigenpairs<S> eigenpairs_on_disk(const Subject<S>&, Index, const DiskKernelPlan&, NtkOptions, bool, RunRecord&, \
                                                     const fs::path&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::experiments
