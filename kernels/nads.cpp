#include "kernels/nads.h"

#include <numeric>

#include "autodiff/cpu/memory.h"
#include "autodiff/transforms.h"
#include "kernels/eigen.h"
#include "kernels/eigen/dense_eigen.h"
#include "kernels/features.h"
#include "kernels/tangent_rows.h"

namespace tangentplane {
namespace {

/// One parameter's tangents and where they stand among those computed in the same turn.
template <class S>
struct Layer {
  int parameter;
  TangentRows<S> rows;
  Index turn = 0, offset = 0;
};

template <class S>
struct Layout {
  std::vector<Layer<S>> layers;
  std::vector<Index> widths;  // of each turn
  Index directions = 0, block = 0;
  double image_flops = 0, pass_bytes = 0;

  Index numbers() const { return std::accumulate(widths.begin(), widths.end(), Index(0)); }
  Layer<S>& of(int parameter) {
    const auto found = std::find_if(layers.begin(), layers.end(), [&](const Layer<S>& l) { return l.parameter == parameter; });
    require(found != layers.end(), "nads: parameter number {} has a derivative at some points, but none at the first", parameter);
    return *found;
  }
};

template <class S>
Layout<S> lay_out(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& points, const NadsOptions& options) {
  require(points.shape().rank() >= 2 && points.size() > 0, "nads: takes points [N,H,W,C] with N > 0, got {}", points.shape());
  require(options.block >= 0, "nads: block {} is negative; give 0 for the default", options.block);
  require_finite("nads", variables);
  require(cpu::all_finite(points), "nads: points {} hold a NaN or an infinity", points.shape());
  require_one_output("nads", evaluate(network, variables, points.slice(0, 1)).shape());
  Layout<S> layout;
  layout.directions = points.shape().row_size();
  const FactoredJacobian<S> first(network, variables, points.slice(0, 1));
  layout.image_flops = plan_features(first, Contraction::automatic).image_flops;
  double numbers = 0;  // of an image's activations and cotangents
  std::vector<std::vector<Factor<Tensor<S>>>> of_parameter(variables.parameters.size());
  for (const auto& f : first.factors()) {
    of_parameter[static_cast<std::size_t>(f.parameter)].push_back(f);
    numbers += static_cast<double>((f.activation ? f.activation->size() : 0) + f.cotangent.size());
  }
  const double direction_bytes = 8 * sizeof(S) * std::max(1., numbers);  // a pass holds each of these a few times: primal, tangent, slopes
  layout.block = options.block > 0 ? options.block : std::clamp<Index>(static_cast<Index>((1 << 24) / std::max(1., numbers)), 8, 128);
  if (options.memory != 0) layout.block = std::min(layout.block, std::max<Index>(1, static_cast<Index>(options.memory / direction_bytes)));
  layout.block = std::min(layout.block, layout.directions);
  layout.pass_bytes = direction_bytes * static_cast<double>(layout.block);

  for (std::size_t p = 0; p < of_parameter.size(); ++p)
    if (!of_parameter[p].empty())
      layout.layers.push_back({static_cast<int>(p), TangentRows<S>(of_parameter[p], points.rows(), options.compress)});
  const double row_bytes = static_cast<double>(layout.directions) * sizeof(S);
  layout.widths.push_back(0);
  for (Layer<S>& layer : layout.layers) {
    const Index size = layer.rows.size();
    require(options.memory == 0 || static_cast<double>(size) * row_bytes <= options.memory,
            "--memory: the tangents of {} take {:.0f} bytes, {:.0f} are left for them; give more",
            variables.paths[static_cast<std::size_t>(layer.parameter)], static_cast<double>(size) * row_bytes, options.memory);
    if (options.memory != 0 && static_cast<double>(layout.widths.back() + size) * row_bytes > options.memory) layout.widths.push_back(0);
    layer.turn = static_cast<Index>(layout.widths.size()) - 1;
    layer.offset = layout.widths.back();
    layout.widths.back() += size;
  }
  return layout;
}

/// Shows the compressed layers what the network does at each point, without tangents.
template <class S>
void prepare(Layout<S>& layout, const Network<S>& network, const Variables<S>& variables, const Tensor<S>& points) {
  for (Index i = 0; i < points.rows(); ++i) {
    const FactoredJacobian<S> jacobian(network, variables, points.slice(i, i + 1));
    for (const auto& f : jacobian.factors())
      if (auto& rows = layout.of(f.parameter).rows; rows.compressed()) rows.take(f);
  }
  for (auto& layer : layout.layers)
    if (layer.rows.compressed()) layer.rows.finish();
}

/// Adds the tangents of directions [begin, end) at one point to the rows of one turn.
template <class S>
void add_tangents(Layout<S>& layout, const Network<S>& network, const Variables<S>& variables, const Tensor<S>& points, Index point,
                  Index begin, Index end, Index turn, S* to, Index stride) {
  using T = Dual<Tensor<S>>;
  const Index count = end - begin, size = layout.directions;
  Tensor<S> x(points.shape().with_rows(count)), tangent = Tensor<S>::zeros(x.shape());
  for (Index e = 0; e < count; ++e) {
    std::copy_n(points.data() + point * size, size, x.data() + e * size);
    tangent[e * size + begin + e] = 1;
  }
  const Pullback<T> back([&](const std::vector<Var<T>>& p) { return forward(network, variables, p, Var<T>(T(x, tangent))); },
                         std::vector<T>(variables.parameters.begin(), variables.parameters.end()));
  back.tape().require_per_example("nads", count);
  const Shape& out = shape_of(back.value());
  std::vector<std::size_t> seen(variables.parameters.size(), 0);
  back.factors(T(Tensor<S>::full(out, static_cast<S>(1.0 / static_cast<double>(points.rows())))), [&](Factor<T> f) {
    require_example_rows(f, count, "nads", variables.paths[static_cast<std::size_t>(f.parameter)]);
    const Layer<S>& layer = layout.of(f.parameter);
    const std::size_t which = seen[static_cast<std::size_t>(f.parameter)]++;
    if (layer.turn == turn) layer.rows.add(f, which, point, to + layer.offset, stride);
  });
}

constexpr Index gram_strip = 2048;

/// gram <- gram + rows rows^T [D, D], upper triangle, summed in double whatever the rows' precision: a float sum would drown every
/// eigenvalue below 1e-7 of the largest, that is every singular value below 3e-4.
template <class S>
void add_gram(const Tensor<S>& rows, Tensor<double>& gram) {
  const Index d = rows.shape()[0], width = rows.shape()[1];
  constexpr Index strip = gram_strip, tile = 192;
  const Index tiles = (d + tile - 1) / tile;
  std::vector<std::pair<Index, Index>> pairs;
  for (Index i = 0; i < tiles; ++i)
    for (Index j = i; j < tiles; ++j) pairs.emplace_back(i * tile, j * tile);
  for (Index c = 0; c < width; c += strip) {
    const Index n = std::min(strip, width - c);
    Tensor<double> part({d, n});
    cpu::parallel_chunks(d, 16, [&](Index begin, Index end) {
      for (Index e = begin; e < end; ++e) std::copy_n(rows.data() + e * width + c, n, part.data() + e * n);
    });
    cpu::parallel_for(static_cast<Index>(pairs.size()), [&](Index p) {
      const auto [i, j] = pairs[static_cast<std::size_t>(p)];
      cpu::gemm(cpu::Op::none, cpu::Op::transpose, std::min(tile, d - i), std::min(tile, d - j), n, 1.0, part.data() + i * n, n,
                part.data() + j * n, n, 1.0, gram.data() + i * d + j, d);
    });
  }
}

}  // namespace

template <class S>
NadsPlan plan_nads(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& points, const NadsOptions& options) {
  const auto layout = lay_out(network, variables, points, options);
  NadsPlan plan;
  plan.directions = layout.directions;
  plan.numbers = layout.numbers();
  plan.block = layout.block;
  plan.turns = static_cast<Index>(layout.widths.size());
  const double d = static_cast<double>(plan.directions);
  plan.pass_flops = static_cast<double>(plan.turns * points.rows()) * d * 2 * layout.image_flops;
  plan.gram_flops = d * (d + 1) * static_cast<double>(plan.numbers);
  plan.eigen_flops = 4.0 / 3 * d * d * d + 4 * d * d * d;
  const Index widest = *std::max_element(layout.widths.begin(), layout.widths.end());
  plan.pass_bytes = d * static_cast<double>(widest) * sizeof(S) + layout.pass_bytes + (d + gram_strip) * d * sizeof(double);
  plan.eigen_bytes = d * d * sizeof(double) + kernels::dense_bytes<double>(plan.directions, plan.directions) + d * d * sizeof(S);
  return plan;
}

template <class S>
Tensor<double> nads_gram(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& points, const NadsOptions& options) {
  const cpu::Float32InScope exact;  // slopes of slopes
  auto layout = lay_out(network, variables, points, options);
  prepare(layout, network, variables, points);
  const Index d = layout.directions, turns = static_cast<Index>(layout.widths.size()), n = points.rows();
  const double work = static_cast<double>(turns * n * d);
  double done = 0;
  Tensor<double> gram = Tensor<double>::zeros({d, d});
  for (Index turn = 0; turn < turns; ++turn) {
    const Index width = layout.widths[static_cast<std::size_t>(turn)];
    Tensor<S> rows = Tensor<S>::zeros({d, width});
    for (Index begin = 0; begin < d; begin += layout.block) {
      const Index end = std::min(d, begin + layout.block);
      for (Index point = 0; point < n; ++point) {
        add_tangents(layout, network, variables, points, point, begin, end, turn, rows.data() + begin * width, width);
        if (options.progress) options.progress((done += static_cast<double>(end - begin)) / work);
      }
    }
    add_gram(rows, gram);
  }
  for (Index i = 0; i < d; ++i)
    for (Index j = 0; j < i; ++j) gram[i * d + j] = gram[j * d + i];
  require(cpu::all_finite(gram), "nads: the mixed derivative at these weights overflows {}; scale them down{}",
          sizeof(S) == 4 ? "float32" : "float64", sizeof(S) == 4 ? " or compute in float64" : "");
  return gram;
}

template <class S>
Nads<S> nads(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& points, const NadsOptions& options) {
  Tensor<double> gram = nads_gram(network, variables, points, options), vectors;
  Nads<S> result;
  cpu::trim_memory();  // the tangents
  kernels::dense_eigenpairs(gram, gram.rows(), result.eigvals, vectors);
  for (double& v : result.eigvals) v = std::max(v, 0.0);  // squares of singular values: what is below 0 is rounding
  kernels::normalise_rows(vectors);
  result.directions = cast<S>(vectors);
  return result;
}

#define INSTANTIATE(S)                                                                                             \
  template NadsPlan plan_nads(const Network<S>&, const Variables<S>&, const Tensor<S>&, const NadsOptions&);       \
  template Tensor<double> nads_gram(const Network<S>&, const Variables<S>&, const Tensor<S>&, const NadsOptions&); \
  template Nads<S> nads(const Network<S>&, const Variables<S>&, const Tensor<S>&, const NadsOptions&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace tangentplane
