// Eigenfunctions of a kernel as tasks: the results of compute_ntk that train_ntk and pretrained_ntk_comparison build on.
#pragma once

#include <filesystem>
#include <vector>

#include "experiments/common/options/task_options.h"
#include "experiments/common/run/fingerprints.h"
#include "experiments/common/training/target.h"

namespace tangentplane::experiments {

struct EigenfunctionOptions {
  std::string ntk, index;
  TaskOptions task;
  bool force = false;
  bool agree = false;              ///< nothing was forced to differ from --ntk
  bool same_weights = false;       ///< those to start from are those of its kernel
  bool begun = false;              ///< --ntk has no results yet: its options tell what they will be, enough to plan by
  bool saves = false;              ///< and that ntk.npy will be among them
  Index pairs = 0;                 ///< eigenfunctions of --ntk; after targets_of
  Fingerprints before;             ///< of --ntk; none from an older version
  std::uint64_t eigenvectors = 0;  ///< hash of eigvecs.npy
  Outputs kernel = {};             ///< of --ntk: of which outputs, in what layout
  Index logits = 1;                ///< O of the network

  bool given() const { return !ntk.empty(); }
  std::filesystem::path file(const char* name) const { return std::filesystem::path(ntk) / name; }
  /// The weights to start from: --init, or those of --ntk; empty: to be drawn, and so where --ntk has none yet, as a plan needs no others.
  std::filesystem::path start(const CommonOptions& o) const {
    return o.init.empty() && given() && !begun ? file("init.npz") : std::filesystem::path(o.init);
  }
  /// Rows of the kernel, and entries of an eigenvector, that belong to an image.
  Index side() const { return kernel.kind == Outputs::Kind::full ? logits : 1; }
  /// True if the kernel was saved and is that of what is trained on these images, and of the weights; after `compare`.
  bool has_kernel() const {
    const Outputs trained = task.outputs.value_or(Outputs::full());
    return given() && agree && same_weights && (logits == 1 || kernel == trained) &&
           (begun ? saves : std::filesystem::exists(file("ntk.npy")));
  }
  /// The files of --ntk that a run reads; `by_kernel`: ntk.npy too, if it has it.
  std::vector<std::filesystem::path> files(const CommonOptions& o, bool by_kernel) const;
};

/// Compares the run's images and weights with those of --ntk, and finds out whether its kernel is theirs. Throws std::invalid_argument
/// where images differ, or weights though they are taken from there, unless --force. A folder of an older version, which has no
/// fingerprints, is taken as it is (say_if_older).
void compare(EigenfunctionOptions& from, const CommonOptions& o, const Fingerprints& made);
/// The hash of ntk.npy of --ntk. Throws std::invalid_argument unless it is a finite [n, n] matrix ([n O, n O] in the layout full).
std::uint64_t require_kernel(const EigenfunctionOptions& from, Index n);

/// Adds --ntk, --index, --force, --outputs and --positive.
void add_eigenfunction_options(CommandLine& line, EigenfunctionOptions& from);

/// After parse: checks that there are eigenfunctions or --labels, if `tasks` are needed, and resolves all options, those not given from
/// --ntk. For a plan it is enough that --ntk has begun.
void resolve(CommandLine& line, CommonOptions& o, EigenfunctionOptions& from, bool tasks = true);

/// What of a network with so many logits is trained: of --outputs, or what the kernel of --ntk is of. Throws std::invalid_argument where
/// eigenfunctions are to be trained on and that is no single function, and for logits that there are not.
void choose_outputs(const CommonOptions& o, EigenfunctionOptions& from, Index logits);

/// The targets on n images: one for each index, 1 where the eigenvector is > 0 (in the layout full at the output that is trained), or the
/// one of --labels; of a kernel that has only begun those that are asked for, all labels 0. Throws std::invalid_argument where files and
/// images do not go together, and where eigvecs.npy is not finite. Notes its hash in `from`.
std::vector<Target> targets_of(const CommonOptions& o, EigenfunctionOptions& from, Index n);

/// Throws std::invalid_argument unless the file holds float32 or float64 numbers [rows, columns]; rows < 0: any number of them.
void require_matrix(const std::filesystem::path& path, Index rows, Index columns);

}  // namespace tangentplane::experiments
