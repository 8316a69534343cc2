// The cotangent of a parameter, not yet multiplied out: what the op saw (the activation) and what came back to its output (the
// cotangent). Everything that the study computes is one contraction of a list of these (linearize/).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <typeinfo>

#include "autodiff/forms.h"
#include "autodiff/maps.h"
#include "autodiff/value.h"

namespace tangentplane {

/// How the numbers of a parameter are rearranged on their way to the op that takes it: weights may lie in a file's layout.
template <class T>
class View {
 public:
  virtual ~View() = default;
  virtual T seen(T own) const = 0;  ///< from the parameter's own layout to the op's
  virtual T own(T seen) const = 0;  ///< and back
};

/// How a parameter enters the network: the op that takes it, without its operands, and the view through which the op sees it, if there is
/// one.
template <class T>
class Entrance {
 public:
  /// Through a view, or none.
  explicit Entrance(std::shared_ptr<const View<T>> view = nullptr) : view_(std::move(view)) {}
  virtual ~Entrance() = default;
  virtual const char* name() const = 0;  ///< of the op, for messages
  /// The parameter's cotangent in its own layout: solve<weight>(activation, cotangent), summed over the examples.
  virtual T gradient(const std::optional<T>& activation, const T& cotangent) const = 0;
  /// B(activation, v): what a change v of the parameter, in its own layout, adds to the op's output.
  virtual T output(const std::optional<T>& activation, const T& v) const = 0;
  /// sum + output(activation, v), for maps without the array in between.
  virtual T add_output(T sum, const std::optional<T>& activation, const T& v) const { return add(std::move(sum), output(activation, v)); }
  /// True if the op meets every row of its input with the same parameter, so that the pair can be taken apart by rows. Whether rows are
  /// examples shows in the factor alone: require_example_rows.
  virtual bool per_example() const = 0;

  /// The op itself if it is an `Op`, else null: for contractions that know a faster way.
  template <class Op>
  const Op* as() const {
    return type() == typeid(Op) ? static_cast<const Op*>(op()) : nullptr;
  }

  /// True if the op takes the parameter in another layout than its own: what is computed from the op itself (`as`) is in the op's.
  bool rearranged() const { return view_ != nullptr; }
  /// A gradient in the op's layout, in the parameter's own.
  T own_layout(T gradient) const { return view_ ? view_->own(std::move(gradient)) : gradient; }
  /// A change of the parameter in its own layout, as the op takes it.
  T op_layout(T v) const { return view_ ? view_->seen(std::move(v)) : v; }

 protected:
  virtual const std::type_info& type() const = 0;  ///< of the op
  virtual const void* op() const = 0;              ///< the op itself

 private:
  std::shared_ptr<const View<T>> view_;
};

/// One term of a parameter's cotangent.
template <class T>
struct Factor {
  int parameter;                                ///< its number in the list of parameters
  std::shared_ptr<const Entrance<T>> entrance;  ///< the op that takes the parameter
  std::optional<T> activation;                  ///< none for maps, whose activation is 1
  T cotangent;                                  ///< what came back to the op's output

  /// Multiplied out, summed over the examples.
  T gradient() const { return entrance->gradient(activation, cotangent); }
};

/// Throws std::invalid_argument unless each of the factor's rows belongs to one of as many examples: the one place that decides whether a
/// factor can be taken apart by example. `what` names the quantity that was asked for, `parameter` the factor's.
template <class T>
void require_example_rows(const Factor<T>& f, Index examples, const char* what, const std::string& parameter) {
  const char* const op = f.entrance->name();
  require(f.entrance->per_example(), "{}: parameter {} enters through {}, whose cotangent is summed over the examples", what, parameter,
          op);
  const Shape& shape = shape_of(f.cotangent);
  const Index rows = shape.rank() == 0 ? 0 : shape[0];
  const bool tokens = shape.rank() == 2 && examples > 0 && rows > examples && rows % examples == 0;
  require(rows == examples && (!f.activation || (shape_of(*f.activation).rank() > 0 && shape_of(*f.activation)[0] == examples)),
          "{}: parameter {} meets {} row{} in {} (output {}) where the batch has {} example{}; keep the examples as the first axis{}", what,
          parameter, rows, rows == 1 ? "" : "s", op, shape, examples, examples == 1 ? "" : "s",
          tokens ? ": a layer over T tokens takes [N,T,C]" : "");
}

/// True if both factors came back from the output of one op, as those of a layer's weight and bias do. (After a reshape the numbers are the
/// same but the positions are others.)
template <class S>
bool share_cotangent(const Factor<Tensor<S>>& f, const Factor<Tensor<S>>& g) {
  return f.cotangent.data() == g.cotangent.data() && f.cotangent.shape() == g.cotangent.shape();
}

namespace factor_detail {

/// A view by a map, after another view or none.
template <class Map, class T>
class ViewBy : public View<T> {
 public:
  ViewBy(Map map, std::shared_ptr<const View<T>> before) : map_(std::move(map)), before_(std::move(before)) {}
  T seen(T own) const override { return apply(map_, before_ ? before_->seen(std::move(own)) : own); }
  T own(T seen) const override {
    T x = apply(transposed(map_), seen);
    return before_ ? before_->own(std::move(x)) : x;
  }

 private:
  Map map_;
  std::shared_ptr<const View<T>> before_;
};

template <class Op_, class T>
class EntranceOf : public Entrance<T> {
 public:
  explicit EntranceOf(Op_ op, std::shared_ptr<const View<T>> view = nullptr) : Entrance<T>(std::move(view)), op_(std::move(op)) {}
  const char* name() const override { return Op_::name; }

 protected:
  const std::type_info& type() const override { return typeid(Op_); }
  const void* op() const override { return &op_; }
  Op_ op_;
};

}  // namespace factor_detail

/// A parameter in the weight slot of a form.
template <class Form, class T>
class FormEntrance : public factor_detail::EntranceOf<Form, T> {
 public:
  using factor_detail::EntranceOf<Form, T>::EntranceOf;
  T gradient(const std::optional<T>& activation, const T& cotangent) const override {
    return this->own_layout(solve<Slot::weight>(this->op_, *activation, cotangent));
  }
  T output(const std::optional<T>& activation, const T& v) const override {
    return solve<Slot::output>(this->op_, *activation, this->op_layout(v));
  }
  bool per_example() const override { return weight_is_shared(this->op_); }
};

/// A parameter that enters through a map.
template <class Map, class T>
class MapEntrance : public factor_detail::EntranceOf<Map, T> {
 public:
  using factor_detail::EntranceOf<Map, T>::EntranceOf;
  T gradient(const std::optional<T>&, const T& cotangent) const override {
    return this->own_layout(apply(transposed(this->op_), cotangent));
  }
  T output(const std::optional<T>&, const T& v) const override { return apply(this->op_, this->op_layout(v)); }
  T add_output(T sum, const std::optional<T>&, const T& v) const override { return add(std::move(sum), this->op_, this->op_layout(v)); }
  bool per_example() const override { return broadcasts(this->op_); }
};

/// A parameter whose cotangent is already multiplied out (and summed over the examples).
struct Direct {
  static constexpr const char* name = "an operand that leaves no factor (of a form whose shares_weight is false, or of add)";
};
/// The entrance of such a parameter: the gradient is the cotangent, and there is no J v.
template <class T>
class DirectEntrance : public factor_detail::EntranceOf<Direct, T> {
 public:
  DirectEntrance() : factor_detail::EntranceOf<Direct, T>(Direct{}) {}
  T gradient(const std::optional<T>&, const T& cotangent) const override { return cotangent; }
  T output(const std::optional<T>&, const T&) const override {
    throw std::invalid_argument("factor: the cotangent of this parameter is summed over the examples; J v needs it for each of them");
  }
  bool per_example() const override { return false; }
};

}  // namespace tangentplane
