#include "data/linearly_separable.h"

#include "autodiff/cpu/parallel.h"
#include "autodiff/random.h"

namespace tangentplane::data {

template <class S>
Samples<S> linearly_separable(const LinearlySeparable& task, Index first, Index count) {
  const Shape& shape = task.direction.shape();
  require(shape.rank() == 3 && shape.size() > 0, "linearly separable: direction {}; takes an image [H,W,C]", shape);
  require(first >= 0 && count >= 0, "linearly separable: samples from {}, {} of them; neither may be negative", first, count);
  require(task.epsilon >= 0 && task.sigma >= 0, "linearly separable: epsilon {}, sigma {}; neither may be negative", task.epsilon,
          task.sigma);
  const Index d = shape.size();
  double square = 0;
  for (double v : task.direction.span()) square += v * v;
  require(std::isfinite(square) && square > 0, "linearly separable: the direction has norm {}; give one that is finite and above 0",
          std::sqrt(square));
  std::vector<double> v(task.direction.data(), task.direction.data() + d);
  for (double& x : v) x /= std::sqrt(square);

  Samples<S> samples{Tensor<S>({count, shape[0], shape[1], shape[2]}), std::vector<int>(static_cast<std::size_t>(count))};
  const std::string stream = fmt::format("linearly separable/{}", task.index);
  cpu::parallel_chunks(count, 16, [&](Index begin, Index end) {
    std::vector<double> z(static_cast<std::size_t>(d));
    for (Index i = begin; i < end; ++i) {
      RandomStream random(task.seed, stream, static_cast<std::uint64_t>(first + i));
      const int label = static_cast<int>(random.below(2));
      double along = 0;
      for (std::size_t k = 0; k < z.size(); ++k) along += v[k] * (z[k] = task.sigma * random.normal());
      const double shift = (label ? 0.5 : -0.5) * task.epsilon - along;
      S* to = samples.images.data() + i * d;
      for (std::size_t k = 0; k < z.size(); ++k) to[k] = static_cast<S>(z[k] + shift * v[k]);
      samples.labels[static_cast<std::size_t>(i)] = label;
    }
  });
  return samples;
}

template Samples<float> linearly_separable(const LinearlySeparable&, Index, Index);
template Samples<double> linearly_separable(const LinearlySeparable&, Index, Index);

}  // namespace tangentplane::data
