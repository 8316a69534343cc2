#include "kernels/features.h"

namespace tangentplane {
namespace {

using Kind = LayerPlan::Kind;

/// What the outputs multiply: R cotangents an image, of which each meets its like, or every other.
struct Cotangents {
  double count, pairs;
  bool full;
};

/// Flops of sum over s, t of (a_s a'_t)(d_s d'_t) for a pair of images, once the S x S products (a_s a'_t) are there.
double outputs_flops(double s, double c, const Cotangents& r) {
  return r.full ? 2 * s * s * r.count * c + 2 * r.pairs * s * c : 2 * s * s * r.count * c + 2 * s * s;
}

LayerPlan rows_plan(int parameter, Index size, const Cotangents& r) {
  LayerPlan p{.kind = Kind::rows, .parameters = {parameter}, .row_size = size, .at = {}};
  p.pair_flops = 2 * static_cast<double>(size) * r.pairs;
  p.image_numbers = size * static_cast<Index>(r.count);
  return p;
}

LayerPlan dense_plan(int weight, int bias, Index inputs, Index outputs, Index tokens, const Cotangents& r) {
  LayerPlan p{.kind = tokens == 1 ? Kind::dense : Kind::positions, .parameters = {weight}, .inputs = inputs, .outputs = outputs, .at = {}};
  if (bias >= 0) p.parameters.push_back(bias);
  p.fused_bias = bias >= 0;
  p.tokens = tokens;
  const double t = static_cast<double>(tokens), k = static_cast<double>(inputs), c = static_cast<double>(outputs);
  if (tokens > 1)
    p.pair_flops = 2 * t * t * k + outputs_flops(t, c, r);
  else
    p.pair_flops = 2 * (k + r.pairs * c) + (r.full ? r.pairs : 1);
  p.image_numbers = tokens * (inputs + outputs * static_cast<Index>(r.count));
  return p;
}

LayerPlan convolution_plan(int weight, const cpu::ConvGeometry& at, Kind kind, const Cotangents& r) {
  LayerPlan p{.kind = kind, .parameters = {weight}, .inputs = at.channels, .outputs = at.out_channels, .at = at};
  const double s = static_cast<double>(at.positions()), in = static_cast<double>(at.height * at.width),
               c = static_cast<double>(at.channels), o = static_cast<double>(at.out_channels),
               shifts = static_cast<double>(at.kernel_height * at.kernel_width);
  p.pair_flops = (kind == Kind::patches ? 2 * s * s * shifts * c : 2 * in * in * c + shifts * s * s) + outputs_flops(s, o, r);
  p.image_numbers = p.places() * p.place_numbers() + at.positions() * at.out_channels * static_cast<Index>(r.count);
  return p;
}

/// Of a weight that sees K numbers at each of so many positions and gives C there.
LayerPlan blocks_plan(int weight, Index tokens, Index inputs, Index outputs, const cpu::ConvGeometry& at, const Cotangents& r) {
  LayerPlan p = rows_plan(weight, inputs * outputs, r);
  p.kind = Kind::blocks, p.row_size = 0;
  p.tokens = tokens, p.inputs = inputs, p.outputs = outputs, p.at = at;
  p.image_numbers = tokens * (inputs + outputs * static_cast<Index>(r.count));
  return p;
}

/// A dense layer, or one whose weight is used transposed: what is seen and what comes back meet in the same way.
template <class S>
bool is_matmul(const Factor<Tensor<S>>& f) {
  return f.entrance->template as<MatMul>() || f.entrance->template as<TransposedForm<MatMul>>();
}

/// Flops of the op for one image and one output's cotangent: as many for its output as for its input's gradient.
template <class S>
double op_flops(const Factor<Tensor<S>>& f) {
  const double d = static_cast<double>(f.cotangent.size()) / static_cast<double>(f.cotangent.rows());
  if (const auto* conv = f.entrance->template as<Conv2d>()) return 2 * d * static_cast<double>(conv->at.patch_size());
  if (is_matmul(f)) return 2 * d * static_cast<double>(f.activation->shape()[-1]);
  if (const auto* turned = f.entrance->template as<TransposedForm<Conv2d>>())
    return 2 * static_cast<double>(f.activation->size() / f.activation->rows() * turned->form.at.patch_size());
  return 2 * d;
}

}  // namespace

Index LayerPlan::positions() const {
  return kind == Kind::dense || kind == Kind::positions || kind == Kind::blocks ? tokens : at.positions();
}
Index LayerPlan::places() const { return kind == Kind::convolution ? at.height * at.width : positions(); }
Index LayerPlan::place_numbers() const {
  return kind == Kind::patches ? at.patch_size() : kind == Kind::convolution ? at.channels : inputs;
}

template <class S>
FeaturePlan plan_features(const FactoredJacobian<S>& jacobian, Contraction contraction) {
  FeaturePlan plan;
  const auto& factors = jacobian.factors();
  const Index n = jacobian.examples(), outputs = jacobian.outputs();
  plan.kind = jacobian.kind(), plan.outputs = outputs;
  const double count = static_cast<double>(outputs);
  const Cotangents r{count, plan.traced() ? count : count * count, !plan.traced()};
  std::vector<bool> done(jacobian.parameter_shapes().size(), false);
  std::vector<int> uses(done.size(), 0);
  const auto size_of = [&](int p) { return jacobian.parameter_shapes()[static_cast<std::size_t>(p)].size(); };
  const auto add = [&](LayerPlan layer) {
    for (int p : layer.parameters) {
      done[static_cast<std::size_t>(p)] = true;
      plan.active_parameters += size_of(p);
    }
    plan.row_size += layer.row_size;
    plan.image_numbers += layer.image_numbers;
    plan.pair_flops += layer.pair_flops;
    plan.layers.push_back(std::move(layer));
  };
  for (const auto& f : factors) {
    plan.image_flops += (1 + count) * op_flops(f);
    ++uses[static_cast<std::size_t>(f.parameter)];
  }
  const auto once = [&](const Factor<Tensor<S>>& f) { return uses[static_cast<std::size_t>(f.parameter)] == 1; };
  // Weights first, so that each can claim the bias that shares its cotangent.
  for (const auto& f : factors) {
    const bool matmul = is_matmul(f);
    const auto* conv = f.entrance->template as<Conv2d>();
    if (conv && conv->at.groups > 1) continue;  // its groups see different channels
    // A weight that is used twice is contracted by summed rows, never by products of pairs.
    if ((!matmul && !conv) || !once(f) || contraction == Contraction::rows) continue;
    if (f.activation->rows() != n) continue;  // not one and the same for all outputs
    LayerPlan layer = rows_plan(f.parameter, 0, r);
    double rows_flops = rows_plan(f.parameter, size_of(f.parameter), r).pair_flops;
    if (matmul) {
      const Index inputs = f.activation->shape()[-1], tokens = f.activation->size() / (n * inputs);
      int bias = -1;
      for (const auto& b : factors)
        if (tokens == 1 && b.entrance->template as<ChannelBias>() && share_cotangent(f, b) &&
            !done[static_cast<std::size_t>(b.parameter)] && once(b))
          bias = b.parameter;
      layer = dense_plan(f.parameter, bias, inputs, f.cotangent.shape()[-1], tokens, r);
      if (bias >= 0) rows_flops = rows_plan(f.parameter, size_of(f.parameter) + size_of(bias), r).pair_flops;
    } else {
      layer = convolution_plan(f.parameter, conv->at, Kind::convolution, r);
      const auto formed = convolution_plan(f.parameter, conv->at, Kind::patches, r);
      if (formed.pair_flops < layer.pair_flops) layer = formed;
    }
    if (contraction == Contraction::factors || layer.pair_flops < rows_flops) add(layer);
  }
  for (const auto& f : factors) {
    if (done[static_cast<std::size_t>(f.parameter)]) continue;
    LayerPlan layer = rows_plan(f.parameter, size_of(f.parameter), r);
    layer.uses = uses[static_cast<std::size_t>(f.parameter)];
    // Of several outputs rows are so many that factors are held in their place where they are half as many numbers. Of one output rows
    // are multiplied once, whatever the number of tiles.
    const auto* conv = f.entrance->template as<Conv2d>();
    if (contraction == Contraction::automatic && outputs > 1 && once(f) && f.activation && f.activation->rows() == n &&
        (is_matmul(f) || (conv && conv->at.groups == 1))) {
      const Index inputs = conv ? conv->at.patch_size() : f.activation->shape()[-1], channels = f.cotangent.shape()[-1];
      const auto held = blocks_plan(f.parameter, f.cotangent.size() / (f.cotangent.rows() * channels), inputs, channels,
                                    conv ? conv->at : cpu::ConvGeometry{}, r);
      if (2 * held.image_numbers <= layer.image_numbers) layer = held;
    }
    if (layer.kind == Kind::blocks) {
      plan.block_flops += count * op_flops(f);
      plan.longest_blocks = std::max(plan.longest_blocks, layer.inputs * ((layer.outputs + 15) / 16 * 16));
    } else {
      plan.image_flops += count * op_flops(f);
    }
    add(std::move(layer));
  }
  return plan;
}

template <class S>
double forward_flops(const FactoredJacobian<S>& jacobian) {
  double flops = 0;
  for (const auto& f : jacobian.factors()) flops += op_flops(f);
  return flops;
}

template FeaturePlan plan_features(const FactoredJacobian<float>&, Contraction);
template FeaturePlan plan_features(const FactoredJacobian<double>&, Contraction);
template double forward_flops(const FactoredJacobian<float>&);
template double forward_flops(const FactoredJacobian<double>&);

}  // namespace tangentplane
