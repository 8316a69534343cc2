// A network of one's own, for images of any shape.
#pragma once
#include <nn/layers.h>

struct Tiny {
  template <class T>
  T operator()(const tangentplane::Scope<T>& scope, const T& images) const {
    using namespace tangentplane;
    return dense(scope / "out", 1, tanh(dense(scope / "in", 7, flatten(images))));
  }
};
