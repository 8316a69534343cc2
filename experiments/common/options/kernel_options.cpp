#include "experiments/common/options/kernel_options.h"

namespace tangentplane::experiments {

kernels::EigenMethod KernelOptions::method_in_memory(Index n) const {
  const auto chosen = kernels::eigen_method(method);
  return chosen == kernels::EigenMethod::automatic ? kernels::automatic_method(n, *eigen) : chosen;
}

Contraction KernelOptions::way() const {
  return contraction == "rows" ? Contraction::rows : contraction == "factors" ? Contraction::factors : Contraction::automatic;
}

void add_kernel_options(CommandLine& line, KernelOptions& o) {
  add_outputs_option(line, o.outputs, "Of several logits: one, their sum, all traced, or each with each (default: trace)");
  add_number<Index>(line, "--eigen", o.eigen, "Eigenpairs (default: 1000, or as many as images)", 1, most_images);
  add_choice(line, "--method", o.method, {"auto", "full", "lanczos", "nystrom"}, "How eigenpairs are found");
  add_number<Index>(line, "--nystrom-points", o.nystrom_points, "Images whose kernel columns Nystrom takes", 1, most_images);
  add_choice(line, "--contraction", o.contraction, {"auto", "rows", "factors"}, "How layers are contracted");
  line.add_flag("--save-ntk", o.save_ntk, "Write the kernel itself, ntk.npy [N, N]");
}

void check_kernel_options(const CommonOptions& common, KernelOptions& o, Index n, Index logits) {
  const bool nystrom = o.nystrom();
  o.outputs = chosen_outputs(common, o.outputs, logits);
  o.side = o.outputs->kind == Outputs::Kind::full ? logits : 1;
  require(nystrom || !o.nystrom_points, "--nystrom-points: only --method nystrom has them");
  require(!nystrom || o.nystrom_points, "--method nystrom needs --nystrom-points, some 30 times the eigenpairs wanted");
  require(!nystrom || *o.nystrom_points <= n, "--nystrom-points {}: there are {} images", nystrom ? *o.nystrom_points : 0, n);
  require(!nystrom || !o.save_ntk, "--save-ntk: Nystrom does not compute the whole kernel");
  const Index most = (nystrom ? *o.nystrom_points : n) * o.side;
  if (!o.eigen) o.eigen = std::min<Index>(1000, most);
  require(*o.eigen <= most, "--eigen {}: there are {} {}; give at most that", *o.eigen, most,
          o.side > 1 ? "rows of the kernel"
          : nystrom  ? "Nystrom points"
                     : "images");
}

}  // namespace tangentplane::experiments
