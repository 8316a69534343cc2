// The numbers of a network by name, and the scope through which a model asks for them while it runs. A model declares its parameters by
// using them: run once in initialisation, it leaves behind every name, shape and first value, as flax's compact modules do.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "autodiff/cpu/elementwise.h"
#include "autodiff/ops.h"
#include "autodiff/random.h"
#include "nn/init.h"

namespace tangentplane {

/// What BatchNorm adds to a variance before it takes the root.
inline constexpr double batch_norm_epsilon = 1e-5;

/// Parameters and statistics of a network under flax's paths, without flax's collection prefix: Conv_0/kernel, bn_init/mean.
template <class S>
struct Variables {
  std::vector<std::string> paths;               ///< of the parameters, in the order in which the model uses them
  std::vector<Tensor<S>> parameters;            ///< one a path
  std::map<std::string, Tensor<S>> statistics;  ///< BatchNorm's running means and variances
  /// True while the statistics are those of a float32 file: flax keeps fresh statistics in float32 even in a float64 network, and then
  /// normalises and blends by them in float32 (8 digits). Cleared by the first update.
  bool single_statistics = false;

  /// P, the number of parameters.
  Index size() const {
    Index n = 0;
    for (const auto& p : parameters) n += p.size();
    return n;
  }
  /// Place of a path in `paths`; throws std::invalid_argument if there is none.
  std::size_t index(const std::string& path) const {
    const auto found = std::find(paths.begin(), paths.end(), path);
    require(found != paths.end(), "parameters: the network has none named {}", path);
    return static_cast<std::size_t>(found - paths.begin());
  }
  /// The parameter of that path.
  const Tensor<S>& operator[](const std::string& path) const { return parameters[index(path)]; }
  /// The same numbers in tensors of their own.
  Variables clone() const {
    Variables v = *this;
    for (auto& p : v.parameters) p = p.clone();
    for (auto& [path, t] : v.statistics) t = t.clone();
    return v;
  }
};

/// Throws std::invalid_argument, naming the first, where a parameter or statistic holds a NaN or an infinity.
template <class S>
void require_finite(const char* what, const Variables<S>& variables) {
  const auto check = [what](const std::string& path, const Tensor<S>& t) {
    require(cpu::all_finite(t), "{}: {} holds a NaN or an infinity; all weights must be finite", what, path);
  };
  for (std::size_t i = 0; i < variables.paths.size(); ++i) check(variables.paths[i], variables.parameters[i]);
  for (const auto& [path, t] : variables.statistics) check(path, t);
}

/// BatchNorm's choice of statistics: the stored ones, or the batch's own (which couples the examples).
enum class Mode { evaluation, training };

/// What a model sees of its variables while it runs on values of type T.
template <class T>
class Scope {
 public:
  using Scalar = ScalarOf<T>;  ///< of its values

  /// Reads `parameters` (values of type T, ordered as `variables.paths`) and the statistics of `variables`; in training mode the new
  /// running statistics are written to `updated`.
  Scope(const Variables<Scalar>& variables, const std::vector<T>& parameters, Mode mode, std::map<std::string, Tensor<Scalar>>* updated)
      : run_(std::make_shared<Run>(Run{&variables, &parameters, mode, updated, nullptr, 0, 0})) {
    require(mode == Mode::evaluation || updated, "scope: training mode needs a place for the updated statistics");
  }

  /// Draws every variable that the model asks for and adds it to `variables`.
  static Scope initialising(Variables<Scalar>& variables, std::uint64_t seed) {
    Scope scope;
    scope.run_ = std::make_shared<Run>(Run{&variables, nullptr, Mode::evaluation, nullptr, &variables, seed, 0});
    return scope;
  }

  /// The scope of a sub-module.
  Scope operator/(const std::string& name) const {
    Scope inner = *this;
    inner.prefix_ += name + "/";
    return inner;
  }

  Mode mode() const { return run_->mode; }  ///< as the run was asked for
  /// Images as what belongs to the examples: the tape of the parameters then tells them from other constants.
  T examples(const T& images) const { return run_->parameters ? as_examples(images, *run_->parameters) : images; }
  /// Variables::single_statistics.
  bool single_statistics() const { return run_->variables->single_statistics; }

  /// The parameter of that name; drawn by `initial` in the first run. Throws std::invalid_argument for a name that is asked for twice then,
  /// for one that there is not, and for another shape.
  T parameter(const std::string& name, const Shape& shape, const Initializer& initial) const {
    const std::string path = prefix_ + name;
    if (run_->initialised) {
      auto& all = *run_->initialised;
      require(std::find(all.paths.begin(), all.paths.end(), path) == all.paths.end(), "parameters: two are named {}", path);
      RandomStream random(run_->seed, "weights/" + path);
      all.paths.push_back(path);
      all.parameters.push_back(cast<Scalar>(initial(shape, random)));
      return lift<T>(all.parameters.back());
    }
    // Models ask in the order of their first run, so the next path is nearly always the one.
    const auto& paths = run_->variables->paths;
    std::size_t i = run_->next;
    if (i >= paths.size() || paths[i] != path) i = run_->variables->index(path);
    run_->next = i + 1;
    const T& value = (*run_->parameters)[i];
    require(shape_of(value) == shape, "parameters: {} has shape {}, this network on these images takes {}", path, shape_of(value), shape);
    return value;
  }

  /// A statistic, never differentiated.
  Tensor<Scalar> statistic(const std::string& name, const Shape& shape, double initial) const {
    return statistic(name, Tensor<double>::full(shape, initial));
  }
  /// The same with all its first values.
  Tensor<Scalar> statistic(const std::string& name, const Tensor<double>& initial) const {
    const std::string path = prefix_ + name;
    const Shape& shape = initial.shape();
    if (run_->initialised) return run_->initialised->statistics[path] = cast<Scalar>(initial).clone();
    const auto found = run_->variables->statistics.find(path);
    require(found != run_->variables->statistics.end(), "statistics: the network has none named {}", path);
    require(found->second.shape() == shape, "statistics: {} has shape {}, this network takes {}", path, found->second.shape(), shape);
    return found->second;
  }
  /// Its new value, in training mode.
  void update_statistic(const std::string& name, Tensor<Scalar> value) const { (*run_->updated)[prefix_ + name] = std::move(value); }

 private:
  struct Run {
    const Variables<Scalar>* variables;
    const std::vector<T>* parameters;
    Mode mode;
    std::map<std::string, Tensor<Scalar>>* updated;
    Variables<Scalar>* initialised;
    std::uint64_t seed;
    std::size_t next;
  };

  Scope() = default;
  std::shared_ptr<Run> run_;
  std::string prefix_;
};

}  // namespace tangentplane
