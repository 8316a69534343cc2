#include "experiments/common/plans/kernel_plan.h"

#include "experiments/common/plans/kernel_folder.h"
#include "experiments/common/plans/kernel_stages.h"
#include "kernels/eigen/lanczos.h"
#include "kernels/nystrom.h"
#include "kernels/tiles/tiled_ntk.h"
#include "kernels/tiles/tiled_operator.h"

namespace tangentplane::experiments {
namespace {

namespace fs = std::filesystem;
using kernels::EigenMethod;

/// What is known before anything is placed; bytes.
struct Needs {
  Index images, eigen;
  double reading;        ///< the images while they are read
  double inputs;         ///< images and weights
  double kernel;         ///< the kernel in memory and its eigenpairs
  double pass = 0;       ///< a forward and reverse pass, and the buffers of products
  double vectors, save;  ///< on disk: eigvecs.npy and, if it is asked for, ntk.npy
};

/// For so many images [H, W, C] and weights.
template <class S>
Needs needs_of(const KernelOptions& o, Index count, const Shape& image, Index weights) {
  const Index k = *o.eigen, rows = count * o.side;
  const double n = static_cast<double>(rows), pixels = static_cast<double>(count) * static_cast<double>(image.size()) * sizeof(S);
  const auto method = o.method_in_memory(rows);
  Needs needs{.images = count,
              .eigen = k,
              .reading = 2 * pixels,
              .inputs = pixels + static_cast<double>(weights) * sizeof(S),
              .kernel = n * n * sizeof(S),
              .vectors = static_cast<double>(k) * n * sizeof(S),
              .save = o.save_ntk ? n * n * sizeof(S) : 0};
  if (method == EigenMethod::nystrom)
    needs.kernel = kernels::nystrom_bytes(rows, *o.nystrom_points * o.side);
  else
    needs.kernel +=
        method == EigenMethod::full ? kernels::full_bytes<S>(rows, k) : kernels::lanczos_bytes<S>(rows, k, kernels::lanczos_basis(rows, k));
  return needs;
}

double eigen_flops(const KernelPlan& plan) {
  const Index n = plan.size();
  return plan.method == EigenMethod::nystrom ? kernels::nystrom_flops(n, plan.points * plan.side, plan.eigen)
         : plan.method == EigenMethod::full  ? kernels::full_flops(n, plan.eigen)
                                             : kernels::lanczos_flops(n, plan.eigen);
}

/// Share of those flops that are products with the kernel, which may be split: Lanczos's, but for its orthogonalisation.
double split_share(const KernelPlan& plan) {
  if (plan.method == EigenMethod::nystrom || plan.method == EigenMethod::full) return 0;
  const double n = static_cast<double>(plan.size()), basis = static_cast<double>(kernels::lanczos_expected(plan.size(), plan.eigen));
  return 1 - 4 * basis * basis * n / eigen_flops(plan);
}

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

/// With K on disk: `memory` bytes beside program and images.
template <class S>
void fit_on_disk(KernelPlan& plan, const FeaturePlan& features, NtkOptions options, double memory, double pass, Index standing_tile) {
  const Index images = plan.images, n = plan.size(), k = plan.eigen;
  DiskKernel& disk = plan.disk.emplace();
  plan.method = EigenMethod::lanczos;
  options.memory = memory - pass;
  require(options.memory > 0, "--memory: a pass over some images takes {} more, {} are left; give more", format_size(pass),
          format_size(std::max(0., memory)));
  options.tile = standing_tile > 0 ? standing_tile / plan.side : file_tile(fit_ntk<S>(features, images, images, options));
  disk.tile = options.tile * plan.side;
  plan.ntk = fit_ntk<S>(features, images, images, options);
  require_whole_tiles(plan.ntk, options.tile);
  disk.file_bytes = kernels::TileFile<S>::disk_bytes(n, disk.tile);

  const Index block = kernels::lanczos_block(n, k), basis = kernels::lanczos_basis(n, k);
  const auto bytes = [&](Index vectors, Index batch) {
    return kernels::lanczos_bytes<S>(n, k, vectors, batch) + kernels::TiledOperator<S>::bytes(n, disk.tile, std::max(block, batch));
  };
  const Index least = std::min<Index>(k, 64);
  require(bytes(basis, least) <= memory,
          "--memory: {} eigenpairs of {} images take {} beside the images, even with the kernel on disk, {} are left; give more, fewer "
          "--eigen, or --method nystrom",
          k, images, format_size(bytes(basis, least)), format_size(memory));
  disk.batch = largest(least, k, [&](Index b) { return bytes(basis, b) <= memory; });
  disk.max_basis = largest(basis, n, [&](Index m) { return bytes(m, disk.batch) <= memory; });
  if (disk.max_basis < n) disk.max_basis = disk.max_basis / block * block - block;  // a block beyond the last one is held
  const double rows = static_cast<double>(disk.tile * n) * sizeof(S);               // ntk.npy is written from them
  disk.eigenpair_bytes = std::max(bytes(basis, disk.batch), rows);
  disk.passes = static_cast<double>(basis / block) + std::ceil(static_cast<double>(k) / static_cast<double>(disk.batch));
}

/// Adds the stages of a run that holds the kernel in memory, or Nystrom's columns of it.
void add_stages_in_memory(KernelPlan& plan, const Needs& needs, const PassCost& pass) {
  const double base = program_bytes + needs.inputs, features = base + plan.ntk.feature_bytes + needs.pass;
  plan.stages = kernel_stages(plan.ntk, pass, {.name = "features", .stage = "kernel", .memory = features},
                              {.name = "kernel", .memory = features + needs.kernel, .disk = needs.save});
  plan.stages.push_back({.name = "eigenpairs",
                         .flops = eigen_flops(plan),
                         .efficiency = eigen_efficiency(static_cast<double>(plan.size())),
                         .memory = base + needs.kernel,
                         .disk = needs.vectors,
                         .split = split_share(plan)});
}

/// The same where it is on disk; `runs_in_memory` of the features, were the kernel in memory, if it would fit there.
void add_stages_on_disk(KernelPlan& plan, const Needs& needs, const PassCost& pass, double runs_in_memory) {
  const DiskKernel& disk = *plan.disk;
  const double base = needs.inputs + program_bytes, features = base + std::max(needs.inputs, plan.ntk.feature_bytes + needs.pass);
  // Files in the page cache are read faster than they are multiplied; others are taken to come at the rate of a plain SSD. What the
  // features push out of the cache comes back with the first pass.
  constexpr double disk_rate = 5e8;
  const double free = static_cast<double>(available_memory());
  const bool cached = disk.file_bytes < free - base - disk.eigenpair_bytes, always = disk.file_bytes < free - features;
  plan.stages = kernel_stages(plan.ntk, pass, {.name = "features", .stage = "kernel", .memory = features},
                              {.name = "kernel", .memory = features, .disk = disk.file_bytes});
  if (plan.save) plan.stages.push_back({.name = "kernel", .stage = "ntk.npy", .memory = features, .disk = needs.save});
  plan.stages.push_back({.name = "eigenpairs",
                         .flops = eigen_flops(plan),
                         .efficiency = eigen_efficiency(static_cast<double>(plan.size())),
                         .memory = base + disk.eigenpair_bytes,
                         .disk = needs.vectors,
                         .reading = (always   ? 0
                                     : cached ? 1
                                              : disk.passes) *
                                    disk.file_bytes / disk_rate,
                         .split = split_share(plan)});
  plan.remarks.push_back(fmt::format("the kernel is on disk while it is used, in tiles of {} {} a side; {:.0f} passes over it{}", disk.tile,
                                     plan.side > 1 ? "rows" : "images", disk.passes,
                                     cached ? "" : fmt::format(", read at {}/s", format_size(disk_rate))));
  if (runs_in_memory > 0)
    plan.remarks.push_back(fmt::format("(it would fit, but features would be computed {:.1f} times over)", runs_in_memory));
}

void add_words(KernelPlan& plan) {
  const NtkPlan& ntk = plan.ntk;
  const bool all = ntk.feature_runs <= 1;
  if (!all)
    plan.remarks.push_back(
        fmt::format("features do not fit: computed {:.1f} times over, by panels of {} images", ntk.feature_runs, ntk.panel));
  plan.choices = {{"kernel", plan.disk     ? fmt::format("on disk, tiles of {} {}", plan.disk->tile, plan.side > 1 ? "rows" : "images")
                             : plan.points ? fmt::format("{} of its columns in memory", plan.points)
                                           : "in memory"},
                  {"features", all ? "all at once" : fmt::format("panels of {} images, strips of {}", ntk.panel, ntk.strip)},
                  {"eigenpairs", std::string(kernels::name(plan.method))}};
}

/// The kernel in memory and its eigenpairs, with what makes them smaller.
Held held_kernel(const KernelOptions& kernel, const Needs& needs) {
  return {"the kernel and its eigenpairs", needs.kernel,
          kernel.nystrom() ? "fewer --nystrom-points, or fewer images" : "fewer images, or --method nystrom"};
}

/// Whether there is no room in memory for the kernel beside so many bytes, and Lanczos may do with it on disk.
bool must_be_on_disk(const CommonOptions& o, const KernelOptions& kernel, const Needs& needs, double beside) {
  return kernel.may_be_on_disk() && program_bytes + needs.kernel + beside >= static_cast<double>(o.memory);
}

}  // namespace

template <class S>
void require_room_for_kernel(const CommonOptions& o, const KernelOptions& kernel, const data::Layout& layout, bool goes_on) {
  const Needs needs = needs_of<S>(kernel, layout.num_train + layout.num_test, layout.image, 0);
  const bool on_disk = (goes_on && kernel.may_be_on_disk()) || must_be_on_disk(o, kernel, needs, needs.reading);
  std::vector<Held> held{{"the program", program_bytes}, {"the images while they are read", needs.reading, fewer_images}};
  if (!on_disk) held.push_back(held_kernel(kernel, needs));
  require_room(fmt::format("{} images take", needs.images), held, o.memory);
}

template <class S>
KernelPlan plan_kernel(const CommonOptions& o, const KernelOptions& kernel, const Subject<S>& subject, const fs::path& folder,
                       bool goes_on) {
  const Shape image = subject.data.image();
  Needs needs = needs_of<S>(kernel, subject.data.num_train + subject.data.num_test, image, subject.init.size());
  KernelPlan plan;
  plan.images = needs.images, plan.eigen = needs.eigen, plan.points = kernel.nystrom_points.value_or(0), plan.save = kernel.save_ntk;
  plan.side = kernel.side, plan.outputs = kernel.outputs.value_or(Outputs{});
  plan.method = kernel.method_in_memory(plan.size());
  NtkOptions options;
  options.outputs = kernel.outputs;
  options.contraction = plan.contraction = kernel.way();
  const FeaturePlan features = plan_ntk_features(subject.network, subject.init, subject.data.images, options);
  const NtkPlan unlimited = fit_ntk<S>(features, plan.images, plan.images, options);
  // A pass is measured by making one: first what it takes at least, forward and back.
  const double activations = subject.size.activations;
  const Held program{"the program", program_bytes},
      inputs{"images and weights", needs.inputs, std::string(fewer_images) + ", or " + smaller_network(o)};
  require_room(fmt::format("{} images take at least", plan.images),
               {program,
                inputs,
                {fmt::format("passes over {} images", unlimited.pass), 2 * static_cast<double>(unlimited.pass) * activations * sizeof(S),
                 smaller_network(o)}},
               o.memory);
  const PassCost pass = measure_pass(subject.network, subject.init, image, unlimited, options.outputs);
  needs.pass = 1.2 * pass.bytes;  // and the buffers of products

  const double held = program_bytes + needs.kernel, beside = static_cast<double>(o.memory) - needs.inputs - needs.pass,
               image_bytes = static_cast<double>(features.image_numbers) * sizeof(S), of_two = 2 * image_bytes;
  const bool on_disk = (goes_on && kernel.may_be_on_disk()) ||
                       must_be_on_disk(o, kernel, needs, std::max(needs.reading, needs.inputs + needs.pass + of_two));
  if (!on_disk) {
    require_room(fmt::format("{} images take", plan.images),
                 {program,
                  inputs,
                  {fmt::format("passes over {} images", unlimited.pass), needs.pass, smaller_network(o)},
                  held_kernel(kernel, needs)},
                 o.memory);
    options.memory = beside - held;
    plan.ntk = plan.points > 0 ? fit_ntk_between<S>(features, plan.images, plan.points, options)
                               : fit_ntk<S>(features, plan.images, plan.images, options);
  }
  double runs_in_memory = 0;
  // On disk the kernel leaves its place to features: the less room there is beside it, the more.
  const double room_on_disk = (beside - program_bytes) / image_bytes;
  if (on_disk || (kernel.may_be_on_disk() && plan.ntk.feature_runs > 1 && room_on_disk >= 32)) {
    KernelPlan there = plan;
    fit_on_disk<S>(there, features, options, beside + needs.pass - program_bytes, needs.pass,
                   kernels::TileFile<S>::tile_of(folder / tiles_name));
    const double bytes = there.disk->file_bytes + needs.vectors + needs.save, free = free_space(folder);
    if (on_disk) {
      require_space(folder, bytes, free);
      plan = there;
    } else {
      // On disk the kernel leaves the features more memory: worth it where that saves a tenth of the work, and more than the eigenpairs,
      // which it slows, cost in all.
      const double saved = plan.ntk.feature_flops - there.ntk.feature_flops, whole = plan.ntk.feature_flops + plan.ntk.pair_flops;
      if (saved >= std::max(0.1 * whole, eigen_flops(there)) && bytes <= free) {
        runs_in_memory = plan.ntk.feature_runs;
        plan = there;
      }
    }
  }
  if (plan.disk)
    add_stages_on_disk(plan, needs, pass, runs_in_memory);
  else
    add_stages_in_memory(plan, needs, pass);
  add_words(plan);
  measure_rate<S>(plan, o);
  return plan;
}

#define INSTANTIATE(S)                                                                                             \
  template void require_room_for_kernel<S>(const CommonOptions&, const KernelOptions&, const data::Layout&, bool); \
  template KernelPlan plan_kernel(const CommonOptions&, const KernelOptions&, const Subject<S>&, const fs::path&, bool);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane::experiments
