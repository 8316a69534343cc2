#include "kernels/features.h"

#include <cstring>

#include "kernels/long_rows.h"
#include "kernels/patches.h"
#include "linearize/example_rows.h"

namespace tangentplane {
namespace {

using Kind = LayerPlan::Kind;

/// Of a convolution by shifts; one that moves nothing for the others.
std::vector<Shift> shifts_in(const LayerPlan& layer) {
  if (layer.kind == Kind::convolution) return shifts_of(layer.at);
  Shift all;
  for (Index s = 0; s < layer.positions(); ++s) all.emplace_back(s, s);
  return {all};
}

/// One output's d [N, positions, C] -> its place in [N, positions, R, C] (`beside`) or [N, R, positions, C].
template <class S>
void put_cotangents(const Tensor<S>& d, Index n, Index r, Index output, Index positions, Index c, bool beside, S* to) {
  const Index size = positions * c;
  cpu::parallel_rows(n, size, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const S* from = d.data() + i * size;
      if (!beside || r == 1)
        std::copy_n(from, size, to + (i * r + output) * size);
      else
        for (Index s = 0; s < positions; ++s) std::copy_n(from + s * c, c, to + ((i * positions + s) * r + output) * c);
    }
  });
}

template <class S>
bool same_numbers(const Tensor<S>& a, const Tensor<S>& b) {
  return a.size() == b.size() &&
         (a.data() == b.data() || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(S)) == 0);
}

constexpr const char* another = "features: the network is not the one that was planned for";

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
Features<S>::Features(const FeaturePlan& plan, Index images) : plan_(&plan), images_(images), factored_(plan.layers.size()) {
  if (plan.row_size > 0) rows_ = Tensor<S>({images, plan.outputs * plan.row_size});
  for (std::size_t l = 0; l < plan.layers.size(); ++l) {
    const LayerPlan& layer = plan.layers[l];
    if (layer.kind == Kind::rows) continue;
    factored_[l].a = Tensor<S>({images, layer.places() * layer.place_numbers()});
    factored_[l].d = Tensor<S>({images, layer.positions() * plan.outputs * layer.outputs});
  }
}

template <class S>
void Features<S>::fill(Index begin, const OutputPasses<S>& passes) {
  fill_by(begin, passes.examples(), passes.outputs(), [&](Index o, const FactorSink<Tensor<S>>& sink) { passes.factors(o, sink); });
}

template <class S>
void Features<S>::fill(Index begin, const FactoredJacobian<S>& jacobian) {
  const Index r = jacobian.outputs();
  fill_by(begin, jacobian.examples(), r, [&](Index o, const FactorSink<Tensor<S>>& sink) {
    for (const auto& f : jacobian.factors()) sink(factor_of_output(f, r, o));
  });
}

/// each(o, sink) hands over output o's factors.
template <class S>
template <class Each>
void Features<S>::fill_by(Index begin, Index n, Index outputs, const Each& each) {
  require(0 <= begin && begin + n <= images_, "features: images {} to {} of {}", begin, begin + n, images_);
  require(outputs == plan_->outputs, "features: {} outputs of a network were planned for, there are {}", plan_->outputs, outputs);
  const auto& layers = plan_->layers;
  std::vector<Tensor<S>> seen(layers.size());  // by a layer that is held as factors: the same for all outputs
  for (Index o = 0; o < outputs; ++o) {
    std::vector<int> arrived(layers.size(), 0);
    each(o, [&](const Factor<Tensor<S>>& f) {
      std::size_t l = 0;
      Index offset = 0;
      for (; l < layers.size() && layers[l].parameters[0] != f.parameter; ++l) offset += layers[l].row_size;
      if (l == layers.size()) return;  // a bias that its weight's factor stands for
      const LayerPlan& layer = layers[l];
      const bool first = arrived[l]++ == 0;
      if (layer.kind == Kind::rows) {
        // Rows of a parameter that is used once lie as its op takes it.
        require(first || layer.uses > 1 || !f.entrance->rearranged(), another);
        S* to = rows_.data() + (begin * outputs + o) * plan_->row_size + offset;
        return write_example_rows(f, !first, to, outputs * plan_->row_size, 1, layer.uses == 1 ? RowLayout::any : RowLayout::own);
      }
      require(first && f.activation, another);
      require(o == 0 || same_numbers(seen[l], *f.activation), another);
      if (o == 0) seen[l] = *f.activation;
      take(f, n, begin, o, factored_[l], layer);
    });
    Index offset = 0;
    for (std::size_t l = 0; l < layers.size(); ++l) {
      require(layers[l].kind == Kind::rows || arrived[l] == 1, another);
      for (Index i = 0; i < n && arrived[l] == 0; ++i)  // pruned for these images alone
        std::fill_n(rows_.data() + ((begin + i) * outputs + o) * plan_->row_size + offset, layers[l].row_size, S(0));
      offset += layers[l].row_size;
    }
  }
}

template <class S>
void Features<S>::take(const Factor<Tensor<S>>& f, Index n, Index begin, Index output, Factored& to, const LayerPlan& layer) {
  const Tensor<S>&seen = *f.activation, &d = f.cotangent;
  const Index r = plan_->outputs, numbers = to.a.shape()[1], cotangents = to.d.shape()[1];
  const auto* conv = f.entrance->template as<Conv2d>();
  if (output == 0) {
    const Tensor<S> a = layer.kind == Kind::patches || (layer.kind == Kind::blocks && conv) ? patches(layer.at, seen) : seen;
    require(a.size() == n * numbers, another);
    cpu::copy(a.size(), a.data(), to.a.data() + begin * numbers);
  }
  require(d.size() * r == n * cotangents, another);
  const bool beside = plan_->traced() && layer.kind != Kind::blocks;
  put_cotangents(d, n, r, output, layer.positions(), layer.outputs, beside, to.d.data() + begin * cotangents);
  const bool nothing = cpu::all_zero(d) || (!layer.fused_bias && cpu::all_zero(seen));
  to.zero = to.zero && nothing;
}

template <class S>
std::vector<unsigned char> Features<S>::nothing() const {
  std::vector<unsigned char> marks;
  for (const Factored& f : factored_) marks.push_back(f.zero);
  return marks;
}

template <class S>
void Features<S>::set_nothing(const std::vector<unsigned char>& marks) {
  require(marks.size() == factored_.size(), "features: marks of {} layers, there are {}", marks.size(), factored_.size());
  for (std::size_t l = 0; l < marks.size(); ++l) factored_[l].zero = marks[l] != 0;
}

template <class S>
void Features<S>::block(const Features& a, Index i0, Index i1, const Features& b, Index j0, Index j1, S* out, Index stride) {
  require(0 <= i0 && i0 <= i1 && i1 <= a.images_ && 0 <= j0 && j0 <= j1 && j1 <= b.images_,
          "features: a block of images {} to {} of {} and {} to {} of {}", i0, i1, a.images_, j0, j1, b.images_);
  const FeaturePlan& plan = *a.plan_;
  const Index side = plan.side(), m = (i1 - i0) * side, n = (j1 - j0) * side, p = plan.row_size * plan.outputs / side;
  const bool same = &a == &b && i0 == j0 && m == n;
  if (p > 0 && plan.outputs > 1 && (plan.long_rows() || plan.block_flops > 0)) {
    long_product(a.rows_.data() + i0 * side * p, b.rows_.data() + j0 * side * p, m, n, p, same, out, stride);
  } else if (p > 0) {
    const auto product = plan.long_rows() ? cpu::parallel_gemm<S> : cpu::gemm<S>;
    product(cpu::Op::none, cpu::Op::transpose, m, n, p, S(1), a.rows_.data() + i0 * side * p, p, b.rows_.data() + j0 * side * p, p, S(0),
            out, stride, cpu::products());
  } else
    for (Index i = 0; i < m; ++i) std::fill_n(out + i * stride, n, S(0));
  for (std::size_t l = 0; l < a.factored_.size(); ++l) {
    const LayerPlan& layer = plan.layers[l];
    if (layer.kind == Kind::rows || layer.kind == Kind::blocks || a.factored_[l].zero || b.factored_[l].zero) continue;
    const Block at{l, i0, i1, j0, j1, out, stride};
    if (layer.kind == Kind::dense)
      a.add_dense(b, at);
    else if (plan.traced())
      a.add_positions(b, at);
    else
      a.add_positions_of_outputs(b, at);
  }
  if (plan.block_flops > 0) a.add_blocks(b, i0, i1, j0, j1, same, out, stride);
  if (plan.kind != Outputs::Kind::trace || plan.outputs == 1) return;
  const S share = static_cast<S>(1.0 / static_cast<double>(plan.outputs));  // of each in the mean
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) out[i * stride + j] *= share;
}

template <class S>
void Features<S>::add_blocks(const Features& b, Index i0, Index i1, Index j0, Index j1, bool same, S* out, Index stride) const {
  std::vector<FactoredRows<S>> mine, others;
  for (std::size_t l = 0; l < factored_.size(); ++l) {
    const LayerPlan& layer = plan_->layers[l];
    if (layer.kind != Kind::blocks || factored_[l].zero || b.factored_[l].zero) continue;
    const auto from = [&](const Factored& f, Index image) {
      return FactoredRows<S>{f.a.data() + image * f.a.shape()[1], f.d.data() + image * f.d.shape()[1], layer.tokens, layer.inputs,
                             layer.outputs};
    };
    mine.push_back(from(factored_[l], i0));
    others.push_back(from(b.factored_[l], j0));
  }
  if (!mine.empty()) add_products_of_factored_rows(mine, others, i1 - i0, j1 - j0, plan_->outputs, plan_->traced(), same, out, stride);
}

template <class S>
void Features<S>::add_dense(const Features& b, const Block& at) const {
  const LayerPlan& layer = plan_->layers[at.layer];
  const Factored &mine = factored_[at.layer], &other = b.factored_[at.layer];
  const Index side = plan_->side(), m = at.i1 - at.i0, n = at.j1 - at.j0, k = layer.place_numbers(),
              c = layer.outputs * plan_->outputs / side, width = n * side;
  Tensor<S> inputs({m, n}), outputs({m * side, width});
  cpu::gemm(cpu::Op::none, cpu::Op::transpose, m, n, k, S(1), mine.a.data() + at.i0 * k, k, other.a.data() + at.j0 * k, k, S(0),
            inputs.data(), n);
  cpu::gemm(cpu::Op::none, cpu::Op::transpose, m * side, width, c, S(1), mine.d.data() + at.i0 * side * c, c,
            other.d.data() + at.j0 * side * c, c, S(0), outputs.data(), width);
  const S one = layer.fused_bias ? S(1) : S(0);
  for (Index i = 0; i < m * side; ++i) {
    const S *u = inputs.data() + i / side * n, *v = outputs.data() + i * width;
    S* to = at.out + i * at.stride;
    if (side == 1) {
#pragma GCC ivdep
      for (Index j = 0; j < n; ++j) to[j] += (u[j] + one) * v[j];
    } else {
      for (Index j = 0; j < n; ++j)
        for (Index o = 0; o < side; ++o) to[j * side + o] += (u[j] + one) * v[j * side + o];
    }
  }
}

// (A_i A_j^T)[s, t] = sum over kernel offsets e of (X_i X_j^T)[s + e, t + e]: one product over the input channels instead of one over
// patches, then shifts. A formed patch is the case of a single offset. Sixteen images i are laid side by side, the innermost index of both
// products, so that the sums over shifts run along them: ResNet18's layers of 4 x 4 positions take half the time of sums image by image.
// Several outputs that are traced are so many channels more.
template <class S>
void Features<S>::add_positions(const Features& b, const Block& at) const {
  constexpr Index lanes = 16;
  const LayerPlan& layer = plan_->layers[at.layer];
  const Factored &mine = factored_[at.layer], &other = b.factored_[at.layer];
  const Index positions = layer.positions(), o = layer.outputs * plan_->outputs, c = layer.place_numbers(), places = layer.places();
  const auto shifts = shifts_in(layer);
  const Index strip = std::clamp<Index>(256 / places, 1, at.j1 - at.j0);  // its two products stay in L2
  cpu::parallel_for((at.i1 - at.i0 + lanes - 1) / lanes, [&](Index block) {
    const Index begin = at.i0 + block * lanes, m = std::min(lanes, at.i1 - begin);
    const Tensor<S> a = side_by_side(mine.a.data() + begin * places * c, m, lanes, places, c),
                    d = side_by_side(mine.d.data() + begin * positions * o, m, lanes, positions, o);
    Tensor<S> inputs({strip * places, places * lanes}), outputs({strip * positions, positions * lanes});
    for (Index j = at.j0; j < at.j1; j += strip) {
      const Index n = std::min(strip, at.j1 - j);
      cpu::gemm(cpu::Op::none, cpu::Op::transpose, n * places, places * lanes, c, S(1), other.a.data() + j * places * c, c, a.data(), c,
                S(0), inputs.data(), places * lanes);
      cpu::gemm(cpu::Op::none, cpu::Op::transpose, n * positions, positions * lanes, o, S(1), other.d.data() + j * positions * o, o,
                d.data(), o, S(0), outputs.data(), positions * lanes);
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
        for (Index i = 0; i < m; ++i) at.out[(begin - at.i0 + i) * at.stride + j - at.j0 + q] += sum[i];
      }
    }
  });
}

// With P[s, t] = A_i[s] . A_j[t], formed once, outputs o of i and q of j meet in <G_i^o, P G_j^q>: P times the cotangents of all q, S x S
// times S x C each, and then one product of [R, S C] with [R, S C].
template <class S>
void Features<S>::add_positions_of_outputs(const Features& b, const Block& at) const {
  const LayerPlan& layer = plan_->layers[at.layer];
  const Factored &mine = factored_[at.layer], &other = b.factored_[at.layer];
  const Index positions = layer.positions(), o = layer.outputs, c = layer.place_numbers(), places = layer.places(), r = plan_->outputs;
  const bool shifted = layer.kind == Kind::convolution;
  const auto shifts = shifts_in(layer);
  cpu::parallel_for(at.i1 - at.i0, [&](Index row) {
    const Index i = at.i0 + row;
    Tensor<S> inputs({places, places}), met({positions, positions}), moved({r, positions, o});
    for (Index j = at.j0; j < at.j1; ++j) {
      cpu::gemm(cpu::Op::none, cpu::Op::transpose, places, places, c, S(1), mine.a.data() + i * places * c, c,
                other.a.data() + j * places * c, c, S(0), shifted ? inputs.data() : met.data(), places);
      if (shifted) {
        std::fill_n(met.data(), met.size(), S(0));
        for (const auto& inside : shifts)
          for (const auto& [s, from] : inside)
            for (const auto& [t, to] : inside) met[s * positions + t] += inputs[from * places + to];
      }
      for (Index q = 0; q < r; ++q)
        cpu::gemm(cpu::Op::none, cpu::Op::none, positions, o, positions, S(1), met.data(), positions,
                  other.d.data() + (j * r + q) * positions * o, o, S(0), moved.data() + q * positions * o, o);
      cpu::gemm(cpu::Op::none, cpu::Op::transpose, r, r, positions * o, S(1), mine.d.data() + i * r * positions * o, positions * o,
                moved.data(), positions * o, S(1), at.out + row * r * at.stride + (j - at.j0) * r, at.stride);
    }
  });
}

template class Features<float>;
template class Features<double>;

}  // namespace tangentplane
