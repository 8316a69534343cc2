#include "kernels/features.h"

#include "kernels/patches.h"
#include "linearize/example_rows.h"

namespace tangentplane {
namespace {

using Kind = LayerPlan::Kind;

template <class S>
std::vector<const Factor<Tensor<S>>*> factors_of(const FactoredJacobian<S>& jacobian, int parameter) {
  std::vector<const Factor<Tensor<S>>*> found;
  for (const auto& f : jacobian.factors())
    if (f.parameter == parameter) found.push_back(&f);
  return found;
}

LayerPlan rows_plan(int parameter, Index size) {
  LayerPlan p{.kind = Kind::rows, .parameters = {parameter}, .row_size = size, .at = {}};
  p.pair_flops = 2 * static_cast<double>(size);
  p.image_numbers = size;
  return p;
}

LayerPlan dense_plan(int weight, int bias, Index inputs, Index outputs) {
  LayerPlan p{.kind = Kind::dense, .parameters = {weight}, .inputs = inputs, .outputs = outputs, .at = {}};
  if (bias >= 0) p.parameters.push_back(bias);
  p.fused_bias = bias >= 0;
  p.pair_flops = 2.0 * static_cast<double>(inputs + outputs) + 1;
  p.image_numbers = inputs + outputs;
  return p;
}

LayerPlan convolution_plan(int weight, const cpu::ConvGeometry& at, Kind kind) {
  LayerPlan p{.kind = kind, .parameters = {weight}, .inputs = at.channels, .outputs = at.out_channels, .at = at};
  const double s = static_cast<double>(at.positions()), in = static_cast<double>(at.height * at.width),
               c = static_cast<double>(at.channels), o = static_cast<double>(at.out_channels),
               shifts = static_cast<double>(at.kernel_height * at.kernel_width);
  p.pair_flops =
      kind == Kind::patches ? 2 * s * s * (shifts * c + o) + 2 * s * s : 2 * in * in * c + shifts * s * s + 2 * s * s * o + 2 * s * s;
  p.image_numbers =
      (kind == Kind::patches ? at.positions() * at.patch_size() : at.height * at.width * at.channels) + at.positions() * at.out_channels;
  return p;
}

/// Multiply-adds of the op for one image, twice: its output and its input gradient.
template <class S>
double op_flops(const Factor<Tensor<S>>& f) {
  const double n = static_cast<double>(f.cotangent.rows()), d = static_cast<double>(f.cotangent.size()) / n;
  if (const auto* conv = f.entrance->template as<Conv2d>()) return 4 * d * static_cast<double>(conv->at.patch_size());
  if (f.entrance->template as<MatMul>()) return 4 * d * static_cast<double>(f.activation->shape()[1]);
  return 4 * d;
}

Shift unshifted(Index positions) {
  Shift all;
  for (Index s = 0; s < positions; ++s) all.emplace_back(s, s);
  return all;
}

/// x [images, places, c] as [places, lanes, c], zeros for the images that are missing.
template <class S>
Tensor<S> side_by_side(const S* x, Index images, Index lanes, Index places, Index c) {
  auto y = Tensor<S>::zeros({places, lanes, c});
  for (Index i = 0; i < images; ++i)
    for (Index s = 0; s < places; ++s) std::copy_n(x + (i * places + s) * c, c, y.data() + (s * lanes + i) * c);
  return y;
}

}  // namespace

template <class S>
FeaturePlan plan_features(const FactoredJacobian<S>& jacobian, Contraction contraction) {
  FeaturePlan plan;
  const auto& factors = jacobian.factors();
  std::vector<bool> done(jacobian.parameter_shapes().size(), false);
  const auto add = [&](LayerPlan layer) {
    for (int p : layer.parameters) {
      done[static_cast<std::size_t>(p)] = true;
      plan.active_parameters += jacobian.parameter_shapes()[static_cast<std::size_t>(p)].size();
    }
    plan.row_size += layer.row_size;
    plan.image_numbers += layer.image_numbers;
    plan.pair_flops += layer.pair_flops;
    plan.layers.push_back(std::move(layer));
  };
  for (const auto& f : factors) plan.image_flops += op_flops(f);
  // Weights first, so that each can claim the bias that shares its cotangent.
  for (const auto& f : factors) {
    const auto* matmul = f.entrance->template as<MatMul>();
    const auto* conv = f.entrance->template as<Conv2d>();
    const bool shared = factors_of(jacobian, f.parameter).size() > 1;  // contracted by summed rows, never by products of pairs
    if ((!matmul && !conv) || shared || contraction == Contraction::rows) continue;
    const Index size = jacobian.parameter_shapes()[static_cast<std::size_t>(f.parameter)].size();
    if (matmul) {
      int bias = -1;
      for (const auto& b : factors)
        if (b.entrance->template as<ChannelBias>() && share_cotangent(f, b) && !done[static_cast<std::size_t>(b.parameter)] &&
            factors_of(jacobian, b.parameter).size() == 1)
          bias = b.parameter;
      const LayerPlan layer = dense_plan(f.parameter, bias, f.activation->shape()[1], f.cotangent.shape()[1]);
      const Index bias_size = bias < 0 ? 0 : f.cotangent.shape()[1];
      if (contraction == Contraction::factors || layer.pair_flops < rows_plan(f.parameter, size + bias_size).pair_flops) add(layer);
    } else {
      LayerPlan layer = convolution_plan(f.parameter, conv->at, Kind::convolution);
      if (const auto formed = convolution_plan(f.parameter, conv->at, Kind::patches); formed.pair_flops < layer.pair_flops) layer = formed;
      if (contraction == Contraction::factors || layer.pair_flops < rows_plan(f.parameter, size).pair_flops) add(layer);
    }
  }
  for (const auto& f : factors)
    if (!done[static_cast<std::size_t>(f.parameter)]) {
      add(rows_plan(f.parameter, jacobian.parameter_shapes()[static_cast<std::size_t>(f.parameter)].size()));
      plan.image_flops += op_flops(f) / 2;
    }
  return plan;
}

template <class S>
double forward_flops(const FactoredJacobian<S>& jacobian) {
  double flops = 0;
  for (const auto& f : jacobian.factors()) flops += op_flops(f) / 2;
  return flops;
}

template <class S>
Features<S>::Features(const FeaturePlan& plan, Index images) : plan_(&plan), images_(images), factored_(plan.layers.size()) {
  if (plan.row_size > 0) rows_ = Tensor<S>({images, plan.row_size});
  for (std::size_t l = 0; l < plan.layers.size(); ++l) {
    const LayerPlan& layer = plan.layers[l];
    if (layer.kind == Kind::rows) continue;
    const Index outputs = layer.kind == Kind::dense ? layer.outputs : layer.at.positions() * layer.outputs;
    factored_[l].a = Tensor<S>({images, layer.image_numbers - outputs});
    factored_[l].d = Tensor<S>({images, outputs});
  }
}

template <class S>
void Features<S>::fill(Index begin, const FactoredJacobian<S>& jacobian) {
  const Index n = jacobian.examples();
  require(0 <= begin && begin + n <= images_, "features: images {} to {} of {}", begin, begin + n, images_);
  Index offset = 0;
  for (std::size_t l = 0; l < plan_->layers.size(); ++l) {
    const LayerPlan& layer = plan_->layers[l];
    const auto factors = factors_of(jacobian, layer.parameters[0]);
    if (layer.kind == Kind::rows) {
      S* to = rows_.data() + begin * plan_->row_size + offset;
      for (const auto* f : factors) write_example_rows(*f, f != factors.front(), to, plan_->row_size);
      if (factors.empty())  // pruned for these images alone
        for (Index i = 0; i < n; ++i) std::fill_n(to + i * plan_->row_size, layer.row_size, S(0));
      offset += layer.row_size;
      continue;
    }
    require(factors.size() == 1, "features: the network is not the one that was planned for");
    Factored& to = factored_[l];
    const Tensor<S> a = layer.kind == Kind::patches ? patches(layer.at, *factors[0]->activation) : *factors[0]->activation;
    const Tensor<S>& d = factors[0]->cotangent;
    cpu::copy(a.size(), a.data(), to.a.data() + begin * to.a.shape()[1]);
    cpu::copy(d.size(), d.data(), to.d.data() + begin * to.d.shape()[1]);
    const bool nothing = cpu::all_zero(d) || (!layer.fused_bias && cpu::all_zero(a));
    to.zero = to.zero && nothing;
  }
}

template <class S>
void Features<S>::block(const Features& a, Index i0, Index i1, const Features& b, Index j0, Index j1, S* out, Index stride) {
  require(0 <= i0 && i0 <= i1 && i1 <= a.images_ && 0 <= j0 && j0 <= j1 && j1 <= b.images_,
          "features: a block of images {} to {} of {} and {} to {} of {}", i0, i1, a.images_, j0, j1, b.images_);
  const Index m = i1 - i0, n = j1 - j0, p = a.plan_->row_size;
  if (p > 0) {
    const auto product = a.plan_->long_rows() ? cpu::parallel_gemm<S> : cpu::gemm<S>;
    product(cpu::Op::none, cpu::Op::transpose, m, n, p, S(1), a.rows_.data() + i0 * p, p, b.rows_.data() + j0 * p, p, S(0), out, stride);
  } else
    for (Index i = 0; i < m; ++i) std::fill_n(out + i * stride, n, S(0));
  for (std::size_t l = 0; l < a.factored_.size(); ++l) {
    const Kind kind = a.plan_->layers[l].kind;
    if (kind == Kind::rows || a.factored_[l].zero || b.factored_[l].zero) continue;
    if (kind == Kind::dense)
      a.add_dense(b, l, i0, i1, j0, j1, out, stride);
    else
      a.add_convolution(b, l, i0, i1, j0, j1, out, stride);
  }
}

template <class S>
void Features<S>::add_dense(const Features& b, std::size_t l, Index i0, Index i1, Index j0, Index j1, S* out, Index stride) const {
  const LayerPlan& layer = plan_->layers[l];
  const Index m = i1 - i0, n = j1 - j0, k = layer.inputs, c = layer.outputs;
  Tensor<S> inputs({m, n}), outputs({m, n});
  cpu::gemm(cpu::Op::none, cpu::Op::transpose, m, n, k, S(1), factored_[l].a.data() + i0 * k, k, b.factored_[l].a.data() + j0 * k, k, S(0),
            inputs.data(), n);
  cpu::gemm(cpu::Op::none, cpu::Op::transpose, m, n, c, S(1), factored_[l].d.data() + i0 * c, c, b.factored_[l].d.data() + j0 * c, c, S(0),
            outputs.data(), n);
  const S one = layer.fused_bias ? S(1) : S(0);
  for (Index i = 0; i < m; ++i) {
    const S *u = inputs.data() + i * n, *v = outputs.data() + i * n;
    S* to = out + i * stride;
#pragma GCC ivdep
    for (Index j = 0; j < n; ++j) to[j] += (u[j] + one) * v[j];
  }
}

// (A_i A_j^T)[s, t] = sum over kernel offsets e of (X_i X_j^T)[s + e, t + e]: one product over the input channels instead of one over
// patches, then shifts. A formed patch is the case of a single offset. Sixteen images i are laid side by side, the innermost index of both
// products, so that the sums over shifts run along them: ResNet18's layers of 4 x 4 positions take half the time of sums image by image.
template <class S>
void Features<S>::add_convolution(const Features& b, std::size_t l, Index i0, Index i1, Index j0, Index j1, S* out, Index stride) const {
  constexpr Index lanes = 16;
  const LayerPlan& layer = plan_->layers[l];
  const bool formed = layer.kind == Kind::patches;
  const Index positions = layer.at.positions(), o = layer.outputs, c = formed ? layer.at.patch_size() : layer.at.channels;
  const Index places = formed ? positions : layer.at.height * layer.at.width;
  const auto shifts = formed ? std::vector<Shift>{unshifted(positions)} : shifts_of(layer.at);
  const Index strip = std::clamp<Index>(256 / places, 1, j1 - j0);  // its two products stay in L2
  cpu::parallel_for((i1 - i0 + lanes - 1) / lanes, [&](Index block) {
    const Index begin = i0 + block * lanes, m = std::min(lanes, i1 - begin);
    const Tensor<S> a = side_by_side(factored_[l].a.data() + begin * places * c, m, lanes, places, c),
                    d = side_by_side(factored_[l].d.data() + begin * positions * o, m, lanes, positions, o);
    Tensor<S> inputs({strip * places, places * lanes}), outputs({strip * positions, positions * lanes});
    for (Index j = j0; j < j1; j += strip) {
      const Index n = std::min(strip, j1 - j);
      cpu::gemm(cpu::Op::none, cpu::Op::transpose, n * places, places * lanes, c, S(1), b.factored_[l].a.data() + j * places * c, c,
                a.data(), c, S(0), inputs.data(), places * lanes);
      cpu::gemm(cpu::Op::none, cpu::Op::transpose, n * positions, positions * lanes, o, S(1), b.factored_[l].d.data() + j * positions * o,
                o, d.data(), o, S(0), outputs.data(), positions * lanes);
      for (Index q = 0; q < n; ++q) {
        const S *x = inputs.data() + q * places * places * lanes, *y = outputs.data() + q * positions * positions * lanes;
        S sum[lanes] = {};
        for (const auto& inside : shifts)
          for (const auto& [t, to] : inside) {
            S part[lanes] = {};  // of one position t: a sum of sums, not one over all pairs
            for (const auto& [s, from] : inside) {
              const S *u = x + (to * places + from) * lanes, *v = y + (t * positions + s) * lanes;
              for (Index i = 0; i < lanes; ++i) part[i] += u[i] * v[i];
            }
            for (Index i = 0; i < lanes; ++i) sum[i] += part[i];
          }
        for (Index i = 0; i < m; ++i) out[(begin - i0 + i) * stride + j - j0 + q] += sum[i];
      }
    }
  });
}

template FeaturePlan plan_features(const FactoredJacobian<float>&, Contraction);
template FeaturePlan plan_features(const FactoredJacobian<double>&, Contraction);
template double forward_flops(const FactoredJacobian<float>&);
template double forward_flops(const FactoredJacobian<double>&);
template class Features<float>;
template class Features<double>;

}  // namespace tangentplane
