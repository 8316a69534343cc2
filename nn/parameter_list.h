// One tensor for each parameter of a network, as a vector: the parameters themselves, a change of them, a gradient. A tensor that is not
// there is exactly zero.
#pragma once

#include <cmath>
#include <optional>
#include <vector>

#include "autodiff/cpu/reduce.h"
#include "autodiff/value.h"

namespace tangentplane {

/// Tensors in the order of Variables::parameters, some of which may not be there. Copies share the numbers.
template <class S>
class ParameterList {
 public:
  using Entry = std::optional<Tensor<S>>;  ///< none: exactly zero

  ParameterList() = default;
  /// As a pull-back returns them.
  ParameterList(std::vector<Entry> entries) : entries_(std::move(entries)) {}
  /// All are there, as Variables::parameters are.
  ParameterList(const std::vector<Tensor<S>>& tensors) : entries_(tensors.begin(), tensors.end()) {}
  /// So many, all exactly zero.
  explicit ParameterList(std::size_t size) : entries_(size) {}

  std::size_t size() const { return entries_.size(); }                  ///< how many parameters
  Entry& operator[](std::size_t i) { return entries_[i]; }              ///< of parameter i
  const Entry& operator[](std::size_t i) const { return entries_[i]; }  ///< of parameter i
  const std::vector<Entry>& entries() const { return entries_; }        ///< as jvp takes them
  auto begin() const { return entries_.begin(); }                       ///< of the entries
  auto end() const { return entries_.end(); }                           ///< of the entries

  /// Tensors of the shapes of `like`, zeros where there is none. Throws std::invalid_argument where the lists do not fit together, as all
  /// of this file do.
  std::vector<Tensor<S>> tensors(const std::vector<Tensor<S>>& like) const {
    require_size(like.size());
    std::vector<Tensor<S>> all;
    for (std::size_t i = 0; i < size(); ++i) {
      if (entries_[i]) require_shape(i, like[i].shape());
      all.push_back(entries_[i] ? *entries_[i] : Tensor<S>::zeros(like[i].shape()));
    }
    return all;
  }

  /// Throws std::invalid_argument unless there are so many.
  void require_size(std::size_t n) const { require(size() == n, "parameters: a list of {} tensors and one of {}", size(), n); }
  /// Throws std::invalid_argument unless entry i, which is there, has this shape.
  void require_shape(std::size_t i, const Shape& shape) const {
    require(entries_[i]->shape() == shape, "parameters: tensor {} is {} in one list and {} in the other", i, entries_[i]->shape(), shape);
  }

 private:
  std::vector<Entry> entries_;
};

/// a + factor b.
template <class S>
ParameterList<S> add_scaled(ParameterList<S> a, double factor, const ParameterList<S>& b) {
  a.require_size(b.size());
  const S c = static_cast<S>(factor);
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (!b[i]) continue;
    const Tensor<S>& from = *b[i];
    if (a[i]) a.require_shape(i, from.shape());
    const Tensor<S> before = a[i] ? std::move(*a[i]) : Tensor<S>{};
    Tensor<S> sum = before.empty() || !before.unique() ? Tensor<S>(from.shape()) : before;
    if (!a[i])
      cpu::transform(sum.size(), from.data(), sum.data(), [c](S v) { return c * v; });
    else
      cpu::transform(sum.size(), before.data(), from.data(), sum.data(), [c](S u, S v) { return u + c * v; });
    a[i] = std::move(sum);
  }
  return a;
}
/// a + b.
template <class S>
ParameterList<S> add(ParameterList<S> a, const ParameterList<S>& b) {
  return add_scaled(std::move(a), 1, b);
}
/// a - b.
template <class S>
ParameterList<S> subtract(ParameterList<S> a, const ParameterList<S>& b) {
  return add_scaled(std::move(a), -1, b);
}
/// factor a.
template <class S>
ParameterList<S> scale(const ParameterList<S>& a, double factor) {
  return add_scaled(ParameterList<S>(a.size()), factor, a);
}

/// The inner product, in double.
template <class S>
double dot(const ParameterList<S>& a, const ParameterList<S>& b) {
  a.require_size(b.size());
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!a[i] || !b[i]) continue;
    a.require_shape(i, b[i]->shape());
    const S *p = a[i]->data(), *q = b[i]->data();
    total += cpu::sum<double>(a[i]->size(), [p, q](Index k) { return static_cast<double>(p[k]) * static_cast<double>(q[k]); });
  }
  return total;
}
/// Euclidean, in double.
template <class S>
double norm(const ParameterList<S>& a) {
  return std::sqrt(dot(a, a));
}
/// norm(a - b), without the list between.
template <class S>
double distance(const ParameterList<S>& a, const ParameterList<S>& b) {
  a.require_size(b.size());
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!a[i] && !b[i]) continue;
    if (a[i] && b[i]) a.require_shape(i, b[i]->shape());
    const S *p = a[i] ? a[i]->data() : nullptr, *q = b[i] ? b[i]->data() : nullptr;
    squares += cpu::sum<double>((a[i] ? *a[i] : *b[i]).size(), [p, q](Index k) {
      const double d = (p ? static_cast<double>(p[k]) : 0.0) - (q ? static_cast<double>(q[k]) : 0.0);
      return d * d;
    });
  }
  return std::sqrt(squares);
}

}  // namespace tangentplane
