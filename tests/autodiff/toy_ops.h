// Ops for tests of the tape: a map that rearranges numbers, and numpy's broadcasting as plain loops, by a map and by a form.
#pragma once

#include "tests/check.h"

namespace tangentplane {

/// [A, ...] -> [..., A], the first axis last: row a of the input is column a of the output.
struct FirstLast {
  static constexpr const char* name = "first_last";
  static constexpr bool rearranges = true;
  Shape from;
  Shape to() const {
    Shape s;
    for (int i = 1; i < from.rank(); ++i) s.append(from[i]);
    s.append(from[0]);
    return s;
  }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    Tensor<S> y(to());
    const Index rows = from[0], size = from.row_size();
    for (Index r = 0; r < rows; ++r)
      for (Index i = 0; i < size; ++i) y[i * rows + r] = x[r * size + i];
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    Tensor<S> x(from);
    const Index rows = from[0], size = from.row_size();
    for (Index r = 0; r < rows; ++r)
      for (Index i = 0; i < size; ++i) x[r * size + i] = y[i * rows + r];
    return x;
  }
};
template <class T>
T first_last(const T& x) {
  return apply(FirstLast{shape_of(x)}, x);
}

/// Where entry i of `to` stands in a tensor of shape `from` that is broadcast to it: axes of 1 and missing ones are repeated.
inline Index broadcast_place(const Shape& from, const Shape& to, Index i) {
  Index place = 0, step = 1;
  for (int axis = 1; axis <= to.rank(); ++axis) {
    const Index along = i % to[-axis];
    i /= to[-axis];
    if (axis > from.rank()) continue;
    if (from[-axis] != 1) place += along * step;
    step *= from[-axis];
  }
  return place;
}
inline bool repeats_rows(const Shape& from, const Shape& to) { return from.rank() < to.rank() || from[0] == 1; }

/// `shape` with the first extent of `rows`, if it is the shape of something with a row an example along `to`.
inline Shape with_rows_of(const Shape& shape, const Shape& to, const Shape& rows) {
  return repeats_rows(shape, to) ? shape : shape.with_rows(rows[0]);
}

/// Broadcasting as a map, of any number of examples.
struct ToyBroadcast {
  static constexpr const char* name = "broadcast";
  Shape from, to;
  bool repeats_for_examples() const { return repeats_rows(from, to); }
  Reach reach() const { return from.rank() == to.rank() && from[0] == to[0] ? Reach::row : Reach::batch; }
  template <class S>
  Tensor<S> apply(const Tensor<S>& x) const {
    Tensor<S> y(repeats_rows(from, to) ? to : to.with_rows(x.shape()[0]));
    for (Index i = 0; i < y.size(); ++i) y[i] = x[broadcast_place(x.shape(), y.shape(), i)];
    return y;
  }
  template <class S>
  Tensor<S> add_to(Tensor<S> x, const Tensor<S>& b) const {
    Tensor<S> y = x.clone();
    for (Index i = 0; i < y.size(); ++i) y[i] += b[broadcast_place(b.shape(), y.shape(), i)];
    return y;
  }
  template <class S>
  Tensor<S> transpose(const Tensor<S>& y) const {
    Tensor<S> x = Tensor<S>::zeros(with_rows_of(from, to, y.shape()));
    for (Index i = 0; i < y.size(); ++i) x[broadcast_place(x.shape(), y.shape(), i)] += y[i];
    return x;
  }
};
template <class T>
T broadcast(const T& x, const Shape& to) {
  return apply(ToyBroadcast{shape_of(x), to}, x);
}
/// x + y, where y is broadcast.
template <class T>
T plus(const T& x, const T& y) {
  return add(x, ToyBroadcast{shape_of(y), shape_of(x)}, y);
}

/// x w, either of them broadcast to `out`.
struct Times {
  static constexpr const char* name = "times";
  Shape in, weight, out;
  Reach reach() const { return Reach::row; }
  bool weight_is_shared() const { return repeats_rows(weight, out); }
  Times swapped() const { return {weight, in, out}; }

  template <Slot s, class S>
  Tensor<S> solve(const Tensor<S>& p, const Tensor<S>& q) const {
    const Shape shapes[] = {in, weight, out};
    const Shape &a = shapes[s == Slot::input], &b = shapes[s == Slot::output ? 1 : 2];
    const Shape rows = repeats_rows(a, out) ? q.shape() : p.shape();  // of one that has the examples
    const bool any = !repeats_rows(a, out) || !repeats_rows(b, out);
    const Shape to = any ? out.with_rows(rows[0]) : out;
    Tensor<S> y = Tensor<S>::zeros(any ? with_rows_of(shapes[static_cast<int>(s)], out, rows) : shapes[static_cast<int>(s)]);
    for (Index i = 0; i < to.size(); ++i)
      y[broadcast_place(y.shape(), to, i)] += p[broadcast_place(p.shape(), to, i)] * q[broadcast_place(q.shape(), to, i)];
    return y;
  }
};
template <class T>
T times(const T& x, const T& w, const Shape& out) {
  return solve<Slot::output>(Times{shape_of(x), shape_of(w), out}, x, w);
}

/// a [N, M, K] times b [N, K, C], matrix by matrix: both operands have examples.
struct EachMatMul {
  static constexpr const char* name = "each_matmul";
  static constexpr bool shares_weight = false;
  Index m, k, c;
  Reach reach() const { return Reach::row; }

  template <Slot s, class S>
  Tensor<S> solve(const Tensor<S>& p, const Tensor<S>& q) const {
    const Index n = p.shape()[0];
    Tensor<S> r = Tensor<S>::zeros(s == Slot::output ? Shape{n, m, c} : (s == Slot::input ? Shape{n, m, k} : Shape{n, k, c}));
    for (Index e = 0; e < n; ++e)
      for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < k; ++j)
          for (Index o = 0; o < c; ++o) {
            const Index x = (e * m + i) * k + j, w = (e * k + j) * c + o, y = (e * m + i) * c + o;
            if constexpr (s == Slot::output)
              r[y] += p[x] * q[w];
            else if constexpr (s == Slot::input)
              r[x] += p[w] * q[y];
            else
              r[w] += p[x] * q[y];
          }
    return r;
  }
};
template <class T>
T each_matmul(const T& a, const T& b) {
  const Shape &s = shape_of(a), &t = shape_of(b);
  return solve<Slot::output>(EachMatMul{s[1], s[2], t[2]}, a, b);
}

/// Sums of the rows: [N, ...] -> [N, 1].
template <class T>
T row_sums(const T& x) {
  const T flat = flatten(x);
  return matmul(flat, lift<T>(Tensor<ScalarOf<T>>::full({shape_of(flat)[1], 1}, 1)));
}

}  // namespace tangentplane
