template <class T>
T g(T x) {
  return x * slope([&](auto y) { return (lift(x) + y) * lift(x) * y; }, T{1});
}
