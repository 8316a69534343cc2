#include "linearize/kept_jacobian.h"

#include "linearize/example_rows.h"

namespace tangentplane {
namespace {

/// A parameter whose factor is multiplied out: rows [N, p] that meet a change of it by inner products, and a cotangent [N, 1] of ones.
struct ExampleRows {
  static constexpr const char* name = "rows";
  Shape parameter;
};

template <class S>
class RowsEntrance : public factor_detail::EntranceOf<ExampleRows, Tensor<S>> {
 public:
  explicit RowsEntrance(Shape parameter) : factor_detail::EntranceOf<ExampleRows, Tensor<S>>({parameter}) {}

  Tensor<S> output(const std::optional<Tensor<S>>& rows, const Tensor<S>& v) const override {
    const Index n = rows->rows(), p = v.size();
    Tensor<S> dots({n, 1});
    cpu::parallel_rows(n, p, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) cpu::row_dots(1, p, rows->data() + i * p, v.data(), dots.data() + i);
    });
    return dots;
  }
  Tensor<S> gradient(const std::optional<Tensor<S>>& rows, const Tensor<S>& u) const override {
    const Index n = rows->rows(), p = this->op_.parameter.size();
    auto sum = Tensor<S>::zeros(this->op_.parameter);
    cpu::parallel_chunks(p, 512, [&](Index begin, Index end) {
      S* to = sum.data();
      for (Index i = 0; i < n; ++i) {
        const S* from = rows->data() + i * p;
        const S scale = u[i];
#pragma GCC ivdep
        for (Index k = begin; k < end; ++k) to[k] += scale * from[k];
      }
    });
    return sum;
  }
  bool per_example() const override { return true; }
};

/// What the factors of one op, which stand together and share their cotangent, come to.
struct Group {
  std::size_t begin, end;
  Index row_numbers, factor_numbers;  // for one image
  Index positions;                    // at which the factors meet the parameter

  bool rows() const { return row_numbers < factor_numbers; }
  Index numbers() const { return std::min(row_numbers, factor_numbers); }
  double flops() const { return 2.0 * static_cast<double>(row_numbers) * static_cast<double>(rows() ? 1 : positions); }
};

/// Activations that are the images themselves are not kept a second time.
template <class S>
bool is_input(const Tensor<S>& activation, const Tensor<S>& images) {
  return activation.data() == images.data() && activation.size() == images.size();
}

template <class S>
std::vector<Group> groups_of(const FactoredJacobian<S>& jacobian, const Tensor<S>& images) {
  const auto& factors = jacobian.factors();
  const Index n = jacobian.examples();
  std::vector<Group> groups;
  for (std::size_t i = 0; i < factors.size(); i = groups.back().end) {
    const Shape& shape = factors[i].cotangent.shape();
    Group g{i, i, 0, shape.size() / n, shape.size() / (n * shape[-1])};
    for (; g.end < factors.size() && share_cotangent(factors[i], factors[g.end]); ++g.end) {
      const auto& f = factors[g.end];
      g.row_numbers += jacobian.parameter_shapes()[static_cast<std::size_t>(f.parameter)].size();
      if (f.activation && !is_input(*f.activation, images)) g.factor_numbers += f.activation->size() / n;
    }
    groups.push_back(g);
  }
  return groups;
}

template <class S>
void require_images(const Tensor<S>& images) {
  require(images.shape().rank() >= 2 && images.rows() > 0, "jacobian: takes images [N,H,W,C] with N > 0, got {}", images.shape());
}

template <class S>
void copy_rows(const Tensor<S>& from, Tensor<S>& to, Index begin) {
  cpu::copy(from.size(), from.data(), to.data() + begin * to.shape().row_size());
}

}  // namespace

template <class S>
KeptCost KeptJacobian<S>::cost(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images) {
  require_images(images);
  const Tensor<S> one = images.slice(0, 1);
  KeptCost cost{.bytes = sizeof(S)};
  for (const Group& g : groups_of(FactoredJacobian<S>(network, variables, one), one)) {
    cost.bytes += static_cast<double>(g.numbers()) * sizeof(S);
    cost.flops += g.flops();
  }
  return cost;
}

template <class S>
KeptJacobian<S>::KeptJacobian(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, Index batch,
                              const std::function<void(double)>& progress) {
  require(batch >= 1, "jacobian: batch {} is below 1", batch);
  require_images(images);
  const Index n = images.rows();
  value_ = Tensor<S>({n});
  for (Index begin = 0; begin < n; begin += batch) {
    const Tensor<S> some = images.slice(begin, std::min(n, begin + batch));
    const FactoredJacobian<S> jacobian(network, variables, some);
    const auto groups = groups_of(jacobian, some);
    if (begin == 0) {
      shapes_ = jacobian.parameter_shapes();
      for (const Group& g : groups) {
        const auto& first = jacobian.factors()[g.begin];
        const auto ones = g.rows() ? Tensor<S>::full({n, 1}, 1) : Tensor<S>(first.cotangent.shape().with_rows(n));
        for (std::size_t i = g.begin; i < g.end; ++i) {
          auto f = jacobian.factors()[i];
          const Shape& shape = shapes_[static_cast<std::size_t>(f.parameter)];
          if (g.rows())
            f.activation = Tensor<S>({n, shape.size()}), f.entrance = std::make_shared<RowsEntrance<S>>(shape);
          else if (f.activation && is_input(*f.activation, some))
            f.activation = images.reshaped(f.activation->shape().with_rows(n));
          else if (f.activation)
            f.activation = Tensor<S>(f.activation->shape().with_rows(n));
          f.cotangent = ones;
          factors_.push_back(std::move(f));
        }
      }
    }
    require(jacobian.factors().size() == factors_.size(), "jacobian: {} factors for images from {}, {} before", jacobian.factors().size(),
            begin, factors_.size());
    std::copy_n(jacobian.value().data(), jacobian.examples(), value_.data() + begin);
    for (const Group& g : groups) {
      if (!g.rows()) copy_rows(jacobian.factors()[g.begin].cotangent, factors_[g.begin].cotangent, begin);
      for (std::size_t i = g.begin; i < g.end; ++i) {
        const auto& f = jacobian.factors()[i];
        if (g.rows())
          write_example_rows(f, false, factors_[i].activation->data() + begin * factors_[i].activation->shape()[1],
                             factors_[i].activation->shape()[1]);
        else if (f.activation && !is_input(*f.activation, some))
          copy_rows(*f.activation, *factors_[i].activation, begin);
      }
    }
    if (progress) progress(static_cast<double>(begin + some.rows()) / static_cast<double>(n));
  }
}

template <class S>
template <class Pick>
FactoredJacobian<S> KeptJacobian<S>::pick(const Pick& rows) const {
  std::vector<Factor<Tensor<S>>> picked;
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    const auto& f = factors_[i];
    const bool shared = i > 0 && share_cotangent(f, factors_[i - 1]);  // and so they must stay
    picked.push_back({f.parameter, f.entrance, {}, shared ? picked.back().cotangent : rows(f.cotangent)});
    if (f.activation) picked.back().activation = rows(*f.activation);
  }
  return FactoredJacobian<S>(rows(value_), std::move(picked), shapes_);
}

template <class S>
FactoredJacobian<S> KeptJacobian<S>::of(std::span<const Index> images) const {
  return pick([&](const Tensor<S>& all) { return take_rows(all, images); });
}

template <class S>
FactoredJacobian<S> KeptJacobian<S>::of(Index begin, Index end) const {
  return pick([&](const Tensor<S>& all) { return all.slice(begin, end); });
}

template class KeptJacobian<float>;
template class KeptJacobian<double>;

}  // namespace tangentplane
