// Steps that sum along axes, and that normalise.
#pragma once

#include "autodiff/batch_norm.h"
#include "autodiff/segment.h"
#include "nn/onnx/run/products.h"

namespace tangentplane::onnx {

template <class T>
Value<T> run(const op::Reduce& op, const Step& s, Run<T>& r) {
  const Value<T>& v = r.in(s, 0);
  const std::vector<int> order = v.wide();
  const bool keeps = r.out(s).size() == v.dims.size();
  std::vector<int> places, axes;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const int a = order[i];
    if (std::find(op.axes.begin(), op.axes.end(), a) != op.axes.end()) {
      places.push_back(v.first() + static_cast<int>(i));
      continue;
    }
    const auto gone = std::count_if(op.axes.begin(), op.axes.end(), [a](int k) { return k < a; });
    axes.push_back(keeps ? a : a - static_cast<int>(gone));
  }
  T x = arranged(v, order);
  if (!places.empty()) {
    if (op.f == op::Fold::mean && v.examples && places == std::vector<int>{1, 2} && shape_of(x).rank() == 4)
      x = global_mean(x);
    else
      x = op.f == op::Fold::mean  ? mean(x, places, false)
          : op.f == op::Fold::sum ? sum(x, places, false)
          : op.f == op::Fold::max ? max(x, places, false)
                                  : min(x, places, false);
  }
  return made(std::move(x), axes, r.out(s), v.examples);
}

template <class T>
Value<T> run(const op::Softmax& op, const Step& s, Run<T>& r) {
  const Value<T>& v = r.in(s, 0);
  std::vector<int> order = v.wide();
  auto place = std::find(order.begin(), order.end(), op.axis);
  if (place == order.end()) place = order.insert(order.end(), op.axis);
  const int at = v.first() + static_cast<int>(place - order.begin());
  const T x = arranged(v, order);
  return made(op.logarithm ? log_softmax(x, at) : softmax(x, at), order, v.dims, v.examples);
}

/// Channels last, all other axes as they lie.
template <class T>
std::vector<int> channels_at_end(const Value<T>& v) {
  return with_last(v, {1});
}

template <class T>
Value<T> run(const op::BatchNorm& op, const Step& s, Run<T>& r) {
  using S = ScalarOf<T>;
  const Value<T>& v = r.in(s, 0);
  const std::vector<int> order = channels_at_end(v);
  const T x = arranged(v, order), gamma = arranged(r.in(s, 1), {0}), beta = arranged(r.in(s, 2), {0});
  const Index c = v.extent(1);
  const auto start = [&](const std::string& name) {
    const auto& all = r.program.statistics;
    return Tensor<double>::from({c},
                                std::find_if(all.begin(), all.end(), [&](const Start& known) { return known.name == name; })->value->reals);
  };
  const Tensor<S> mean = r.scope.statistic(op.mean, start(op.mean)), variance = r.scope.statistic(op.variance, start(op.variance));
  // As nn/layers.h: a float32 statistic is used in its own precision.
  const auto in_precision = [single = r.scope.single_statistics()](double number) {
    return single ? static_cast<double>(static_cast<float>(number)) : number;
  };
  if (r.scope.mode() == Mode::evaluation) {
    Tensor<S> inverse_deviation({c});
    for (Index i = 0; i < c; ++i)
      inverse_deviation[i] = static_cast<S>(in_precision(1 / std::sqrt(in_precision(static_cast<double>(variance[i]) + op.epsilon))));
    return made(normalise(x, mean, inverse_deviation, gamma, beta), order, v.dims, v.examples);
  }
  auto result = normalise_by_batch(x, gamma, beta, op.epsilon);
  const auto blend = [&](const Tensor<S>& old, const Tensor<S>& batch) {
    Tensor<S> t(old.shape());
    for (Index i = 0; i < c; ++i)
      t[i] = static_cast<S>(in_precision(in_precision(op.momentum) * static_cast<double>(old[i])) +
                            (1 - op.momentum) * static_cast<double>(batch[i]));
    return t;
  };
  r.scope.update_statistic(op.mean, blend(mean, result.mean));
  r.scope.update_statistic(op.variance, blend(variance, result.variance));
  return made(std::move(result.y), order, v.dims, v.examples);
}

template <class T>
Value<T> run(const op::LayerNorm& op, const Step& s, Run<T>& r) {
  const Value<T>& v = r.in(s, 0);
  std::vector<int> over, own;
  for (int a = op.axis; a < static_cast<int>(v.dims.size()); ++a) over.push_back(a), own.push_back(a - op.axis);
  const std::vector<int> order = with_last(v, over);
  const T x = arranged(v, order), scale = arranged(r.in(s, 1), own);
  const T bias = r.has(s, 2) ? arranged(r.in(s, 2), own) : lift<T>(Tensor<ScalarOf<T>>::zeros(shape_of(scale)));
  return made(layer_norm(x, scale, bias, op.epsilon, shape_of(x).rank() - static_cast<int>(over.size())), order, v.dims, v.examples);
}

/// A constant for each channel.
template <class T>
T for_channels(Index channels, double value) {
  return lift<T>(Tensor<ScalarOf<T>>::full({channels}, static_cast<ScalarOf<T>>(value)));
}

template <class T>
Value<T> run(const op::GroupNorm& op, const Step& s, Run<T>& r) {
  const Value<T>& v = r.in(s, 0);
  const Index c = v.extent(1);
  const std::vector<int> order = channels_at_end(v);
  const T x = arranged(of_examples(v, r.examples), order), scale = arranged(r.in(s, 1), {0}), bias = arranged(r.in(s, 2), {0});
  if (!op.scale_by_group) return made(group_norm(x, op.groups, scale, bias, op.epsilon), order, v.dims, true);
  // A number a group, for all of its channels.
  const Shape whole = shape_of(x);
  Shape apart = whole.with_rows(whole[0]), last;
  apart = {};
  for (int i = 0; i + 1 < whole.rank(); ++i) apart.append(whole[i]);
  apart.append(op.groups);
  apart.append(c / op.groups);
  last = {op.groups, 1};
  const T y = reshape(group_norm(x, op.groups, for_channels<T>(c, 1), for_channels<T>(c, 0), op.epsilon), apart);
  return made(reshape(broadcast_add(broadcast_mul(y, under(scale, last)), under(bias, last)), whole), order, v.dims, true);
}

template <class T>
Value<T> run(const op::InstanceNorm& op, const Step& s, Run<T>& r) {
  const Value<T>& v = r.in(s, 0);
  const std::vector<int> order = channels_at_end(v);
  const T x = arranged(of_examples(v, r.examples), order);
  return made(instance_norm(x, arranged(r.in(s, 1), {0}), arranged(r.in(s, 2), {0}), op.epsilon), order, v.dims, true);
}

}  // namespace tangentplane::onnx
