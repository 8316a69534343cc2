#include "linearize/kept_jacobian.h"

#include "linearize/example_rows.h"

namespace tangentplane {
namespace {

/// A parameter whose factor is multiplied out: rows [N R, p] that meet a change of it by inner products, and a cotangent [N R, 1] of ones.
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
  Index row_numbers = 0, factor_numbers = 0;  // for one image
  double row_flops = 0, factor_flops = 0;
  bool any_number = true;  // of images is met by its ops; some know the number that they were recorded with

  bool rows() const { return !any_number || row_numbers < factor_numbers; }
  Index numbers() const { return rows() ? row_numbers : factor_numbers; }
  double flops() const { return rows() ? row_flops : factor_flops; }
};

/// Activations that are the images themselves are not kept a second time.
template <class S>
bool is_input(const Tensor<S>& activation, const Tensor<S>& images) {
  return activation.data() == images.data() && activation.size() == images.size();
}

template <class S>
std::vector<Group> groups_of(const FactoredJacobian<S>& jacobian, const Tensor<S>& images) {
  const auto& factors = jacobian.factors();
  const Index n = jacobian.examples(), r = jacobian.outputs();
  std::vector<Group> groups;
  for (std::size_t i = 0; i < factors.size(); i = groups.back().end) {
    const Tensor<S>& d = factors[i].cotangent;
    Group g{.begin = i, .end = i, .factor_numbers = d.size() / n};
    const double positions = static_cast<double>(d.size() / (d.rows() * d.shape()[-1]));
    double parameters = 0;
    for (; g.end < factors.size() && share_cotangent(factors[i], factors[g.end]); ++g.end) {
      const auto& f = factors[g.end];
      const Index size = jacobian.parameter_shapes()[static_cast<std::size_t>(f.parameter)].size();
      parameters += static_cast<double>(size);
      g.row_numbers += size * r;
      if (f.activation && !is_input(*f.activation, images)) g.factor_numbers += f.activation->size() / n;
      const bool added = f.entrance->template as<ChannelBias>() && g.end + 1 < factors.size() && share_cotangent(f, factors[g.end + 1]);
      const auto& e = *f.entrance;
      g.any_number &= added || e.template as<MatMul>() || e.template as<Conv2d>() || e.template as<ChannelScale>();
    }
    g.row_flops = 2 * parameters * static_cast<double>(r);
    g.factor_flops = 2 * (parameters * positions + static_cast<double>((r - 1) * (d.size() / d.rows())));
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

/// Rows for so many images of a tensor with as many rows an image as `some` has for `images`.
template <class S>
Tensor<S> room_for(const Tensor<S>& some, Index images, Index n) {
  return Tensor<S>(some.shape().with_rows(some.rows() / images * n));
}

}  // namespace

template <class S>
KeptCost KeptJacobian<S>::cost(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images,
                               const std::optional<Outputs>& outputs) {
  require_images(images);
  const Tensor<S> one = images.slice(0, 1);
  const FactoredJacobian<S> jacobian(network, variables, one, outputs);
  KeptCost cost{.bytes = static_cast<double>(jacobian.outputs()) * sizeof(S)};
  for (const Group& g : groups_of(jacobian, one)) {
    cost.bytes += static_cast<double>(g.numbers()) * sizeof(S);
    cost.flops += g.flops();
  }
  return cost;
}

template <class S>
KeptJacobian<S>::KeptJacobian(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images, Index batch,
                              const std::function<void(double)>& progress, const std::optional<Outputs>& outputs) {
  require(batch >= 1, "jacobian: batch {} is below 1", batch);
  require_images(images);
  const Index n = images.rows();
  for (Index begin = 0; begin < n; begin += batch) {
    const Tensor<S> some = images.slice(begin, std::min(n, begin + batch));
    const FactoredJacobian<S> jacobian(network, variables, some, outputs);
    const Index images_here = jacobian.examples(), r = jacobian.outputs();
    const auto groups = groups_of(jacobian, some);
    if (begin == 0) {
      value_ = Tensor<S>({n, r});
      shapes_ = jacobian.parameter_shapes();
      kind_ = jacobian.kind();
      for (const Group& g : groups) {
        const auto& first = jacobian.factors()[g.begin];
        const auto cotangent = g.rows() ? Tensor<S>::full({n * r, 1}, 1) : room_for(first.cotangent, images_here, n);
        for (std::size_t i = g.begin; i < g.end; ++i) {
          auto f = jacobian.factors()[i];
          const Shape& shape = shapes_[static_cast<std::size_t>(f.parameter)];
          if (g.rows())
            f.activation = Tensor<S>({n * r, shape.size()}), f.entrance = std::make_shared<RowsEntrance<S>>(shape);
          else if (f.activation && is_input(*f.activation, some))
            f.activation = images.reshaped(f.activation->shape().with_rows(n));
          else if (f.activation)
            f.activation = room_for(*f.activation, images_here, n);
          f.cotangent = cotangent;
          factors_.push_back(std::move(f));
        }
      }
    }
    require(jacobian.factors().size() == factors_.size(), "jacobian: {} factors for images from {}, {} before", jacobian.factors().size(),
            begin, factors_.size());
    std::copy_n(jacobian.value().data(), jacobian.value().size(), value_.data() + begin * r);
    for (const Group& g : groups) {
      if (!g.rows())
        copy_rows(jacobian.factors()[g.begin].cotangent, factors_[g.begin].cotangent, begin * factors_[g.begin].cotangent.rows() / n);
      for (std::size_t i = g.begin; i < g.end; ++i) {
        const auto& f = jacobian.factors()[i];
        if (g.rows())
          write_example_rows(f, false, factors_[i].activation->data() + begin * r * factors_[i].activation->shape()[1],
                             factors_[i].activation->shape()[1], r);
        else if (f.activation && !is_input(*f.activation, some))
          copy_rows(*f.activation, *factors_[i].activation, begin * factors_[i].activation->rows() / n);
      }
    }
    if (progress) progress(static_cast<double>(begin + some.rows()) / static_cast<double>(n));
  }
}

template <class S>
template <class Pick>
FactoredJacobian<S> KeptJacobian<S>::pick(const Pick& rows) const {
  // Of a tensor with any number of rows an image.
  const Index n = examples();
  const auto of_images = [&](const Tensor<S>& all) {
    const Index every = all.rows() / n;
    const Tensor<S> picked = rows(all.reshaped({n, all.size() / n}));
    return picked.reshaped(all.shape().with_rows(picked.rows() * every));
  };
  std::vector<Factor<Tensor<S>>> picked;
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    const auto& f = factors_[i];
    const bool shared = i > 0 && share_cotangent(f, factors_[i - 1]);  // and so they must stay
    picked.push_back({f.parameter, f.entrance, {}, shared ? picked.back().cotangent : of_images(f.cotangent)});
    if (f.activation) picked.back().activation = of_images(*f.activation);
  }
  return FactoredJacobian<S>(rows(value_), std::move(picked), shapes_, kind_);
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
