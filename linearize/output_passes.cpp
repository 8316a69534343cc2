#include "linearize/output_passes.h"

#include <cmath>

namespace tangentplane {
namespace {

template <class S>
Pullback<Tensor<S>> run(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images) {
  require(images.shape().rank() >= 2 && images.rows() > 0, "jacobian: takes images [N,H,W,C] with N > 0, got {}", images.shape());
  require_finite("jacobian", variables);
  const cpu::Float32InScope exact;  // slopes: products with them may be split, the passes are not
  return Pullback<Tensor<S>>([&](const std::vector<Var<Tensor<S>>>& p) { return forward(network, variables, p, Var<Tensor<S>>(images)); },
                             variables.parameters);
}

template <class S>
S share(Index all) {
  return static_cast<S>(1 / std::sqrt(static_cast<double>(all)));
}

}  // namespace

template <class S>
OutputPasses<S>::OutputPasses(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
                              const std::optional<Outputs>& outputs)
    : back_(run(network, variables, images)), paths_(variables.paths) {
  const Index n = images.rows(), all = back_.value().shape()[1];
  back_.tape().require_per_example("jacobian", n);
  chosen_ = Outputs::choose("jacobian", outputs, all);
  const Index r = chosen_.cotangents(all);
  value_ = Tensor<S>({n, r});
  for (Index i = 0; i < n; ++i) {
    const S* of_image = back_.value().data() + i * all;
    if (chosen_.kind == Outputs::Kind::sum)
      value_[i] = static_cast<S>(cpu::serial_sum(all, [of_image](Index o) { return of_image[o]; }) * static_cast<double>(share<S>(all)));
    else
      std::copy_n(of_image + (r == 1 ? chosen_.which : 0), r, value_.data() + i * r);
  }
}

template <class S>
void OutputPasses<S>::factors(Index output, const FactorSink<Tensor<S>>& sink) const {
  const Index n = examples(), r = outputs(), all = back_.value().shape()[1];
  const bool sum = chosen_.kind == Outputs::Kind::sum;
  require(0 <= output && output < r, "jacobian: reverse pass {} of {}", output, r);
  auto cotangent = Tensor<S>::full({n, all}, sum ? share<S>(all) : S(0));
  for (Index i = 0; i < n && !sum; ++i) cotangent[i * all + (r == 1 ? chosen_.which : output)] = 1;
  const auto checked = [&](const FactorSink<Tensor<S>>& to) {
    const cpu::Float32InScope exact;
    back_.factors(std::move(cotangent), [&](Factor<Tensor<S>> f) {
      require_example_rows(f, n, "jacobian", paths_[static_cast<std::size_t>(f.parameter)]);
      to(std::move(f));
    });
  };
  if (cpu::products() == cpu::Products::float32) return checked(sink);
  std::vector<Factor<Tensor<S>>> held;  // what is made of factors may be split, so it waits for the pass to end
  checked([&](Factor<Tensor<S>> f) { held.push_back(std::move(f)); });
  for (auto& f : held) sink(std::move(f));
}

template class OutputPasses<float>;
template class OutputPasses<double>;

}  // namespace tangentplane
