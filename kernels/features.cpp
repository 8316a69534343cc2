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

/// Of a convolution by shifts; one that moves nothing for the others.
std::vector<Shift> shifts_in(const LayerPlan& layer) {
  if (layer.kind == Kind::convolution) return shifts_of(layer.at);
  Shift all;
  for (Index s = 0; s < layer.positions(); ++s) all.emplace_back(s, s);
  return {all};
}

/// d [N, R, positions, C] -> to [N, positions, R, C].
template <class S>
void channels_beside(const Tensor<S>& d, Index n, Index r, Index positions, Index c, S* to) {
  cpu::parallel_rows(n, r * positions * c, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      for (Index o = 0; o < r; ++o)
        for (Index s = 0; s < positions; ++s)
          std::copy_n(d.data() + ((i * r + o) * positions + s) * c, c, to + ((i * positions + s) * r + o) * c);
  });
}

/// x [images, places, c] as [places, lanes, c], zeros for the images that are missing.
template <class S>
Tensor<S> side_by_side(const S* x, Index images, Index lanes, Index places, Index c) {
  auto y = Tensor<S>::zeros({places, lanes, c});
  for (Index i = 0; i < images; ++i)
    for (Index s = 0; s < places; ++s) std::copy_n(x + (i * places + s) * c, c, y.data() + (s * lanes + i) * c);
  return y;
}

/// out [m, n] <- a [m, p] b [n, p]^T for few and very long rows: by pieces of them that stay in cache, shared out among tasks, whose sums
/// are in double. Where a is b (`same`) a half is computed and mirrored.
template <class S>
void long_product(const S* a, const S* b, Index m, Index n, Index p, bool same, S* out, Index stride) {
  constexpr Index depth = 4096, most_tasks = 16, band = 32;
  const Index pieces = (p + depth - 1) / depth, tasks = std::min(pieces, most_tasks);
  auto sums = Tensor<double>::zeros({tasks, m, n});
  cpu::parallel_for(tasks, [&](Index task) {
    Tensor<S> part({m, n});
    double* const sum = sums.data() + task * m * n;
    for (Index piece = pieces * task / tasks; piece < pieces * (task + 1) / tasks; ++piece) {
      const Index first = piece * depth, length = std::min(depth, p - first);
      for (Index i = 0; i < m; i += same ? band : m) {
        const Index height = same ? std::min(band, m - i) : m, j = same ? i : 0;
        cpu::gemm(cpu::Op::none, cpu::Op::transpose, height, n - j, length, S(1), a + i * p + first, p, b + j * p + first, p, S(0),
                  part.data() + i * n + j, n);
        for (Index r = i; r < i + height; ++r)
          for (Index q = j; q < n; ++q) sum[r * n + q] += static_cast<double>(part[r * n + q]);
      }
    }
  });
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      const Index at = same && j < i ? j * n + i : i * n + j;
      double sum = 0;
      for (Index task = 0; task < tasks; ++task) sum += sums[task * m * n + at];
      out[i * stride + j] = static_cast<S>(sum);
    }
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
void Features<S>::fill(Index begin, const FactoredJacobian<S>& jacobian) {
  const Index n = jacobian.examples(), r = plan_->outputs, row = plan_->row_size;
  require(0 <= begin && begin + n <= images_, "features: images {} to {} of {}", begin, begin + n, images_);
  require(jacobian.outputs() == r, "features: {} outputs of a network were planned for, there are {}", r, jacobian.outputs());
  Index offset = 0;
  for (std::size_t l = 0; l < plan_->layers.size(); ++l) {
    const LayerPlan& layer = plan_->layers[l];
    const auto factors = factors_of(jacobian, layer.parameters[0]);
    if (layer.kind == Kind::rows) {
      S* to = rows_.data() + begin * r * row + offset;
      const auto layout = factors.size() == 1 ? RowLayout::any : RowLayout::own;  // of one factor, all rows are in the op's
      for (const auto* f : factors) write_example_rows(*f, f != factors.front(), to, row, r, layout);
      if (factors.empty())  // pruned for these images alone
        for (Index i = 0; i < n * r; ++i) std::fill_n(to + i * row, layer.row_size, S(0));
      offset += layer.row_size;
      continue;
    }
    require(factors.size() == 1, "features: the network is not the one that was planned for");
    Factored& to = factored_[l];
    const Tensor<S>&seen = *factors[0]->activation, &d = factors[0]->cotangent;
    const Tensor<S> a = layer.kind == Kind::patches ? patches(layer.at, seen) : seen;
    require(a.size() == n * to.a.shape()[1] && d.size() == n * to.d.shape()[1],
            "features: the network is not the one that was planned for");
    cpu::copy(a.size(), a.data(), to.a.data() + begin * to.a.shape()[1]);
    if (plan_->traced() && r > 1)
      channels_beside(d, n, r, layer.positions(), layer.outputs, to.d.data() + begin * to.d.shape()[1]);
    else
      cpu::copy(d.size(), d.data(), to.d.data() + begin * to.d.shape()[1]);
    const bool nothing = cpu::all_zero(d) || (!layer.fused_bias && cpu::all_zero(a));
    to.zero = to.zero && nothing;
  }
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
  if (p > 0 && plan.outputs > 1 && plan.long_rows()) {
    long_product(a.rows_.data() + i0 * side * p, b.rows_.data() + j0 * side * p, m, n, p, &a == &b && i0 == j0 && m == n, out, stride);
  } else if (p > 0) {
    const auto product = plan.long_rows() ? cpu::parallel_gemm<S> : cpu::gemm<S>;
    product(cpu::Op::none, cpu::Op::transpose, m, n, p, S(1), a.rows_.data() + i0 * side * p, p, b.rows_.data() + j0 * side * p, p, S(0),
            out, stride, cpu::products());
  } else
    for (Index i = 0; i < m; ++i) std::fill_n(out + i * stride, n, S(0));
  for (std::size_t l = 0; l < a.factored_.size(); ++l) {
    const LayerPlan& layer = plan.layers[l];
    if (layer.kind == Kind::rows || a.factored_[l].zero || b.factored_[l].zero) continue;
    const Block at{l, i0, i1, j0, j1, out, stride};
    if (layer.kind == Kind::dense)
      a.add_dense(b, at);
    else if (plan.traced())
      a.add_positions(b, at);
    else
      a.add_positions_of_outputs(b, at);
  }
  if (plan.kind != Outputs::Kind::trace || plan.outputs == 1) return;
  const S share = static_cast<S>(1.0 / static_cast<double>(plan.outputs));  // of each in the mean
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) out[i * stride + j] *= share;
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
