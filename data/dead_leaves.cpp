// Compiled without contraction (CMakeLists.txt): a fused multiply-add would round a pixel in 600,000 to another byte.
#include "data/dead_leaves.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "autodiff/check.h"
#include "autodiff/cpu/parallel.h"
#include "autodiff/portable_math.h"
#include "autodiff/random.h"

namespace tangentplane::data {
namespace {

constexpr float reach = 2.3f;  // no shape goes further from its centre, in units of its radius

float length(float x, float y) { return std::sqrt(x * x + y * y); }
float box(float x, float y, float a, float b) { return std::max(std::abs(x) - a, std::abs(y) - b); }
float triangle(float x, float y, float h) { return std::max(-y, std::abs(x) * 0.8660254f + y * 0.5f) - h; }

/// How far (x, y) is outside a leaf of area pi, roughly, negative inside: what smoothing an edge over one pixel needs.
template <LeafShape shape>
float outside(float x, float y) {
  if constexpr (shape == LeafShape::disc) return length(x, y) - 1;
  if constexpr (shape == LeafShape::ellipse) return 0.6f * (length(x * 0.6f, y * (1 / 0.6f)) - 1);
  if constexpr (shape == LeafShape::ring) return std::abs(length(x, y) - 0.92f) - 0.27f;
  if constexpr (shape == LeafShape::crescent) return std::max(length(x, y) - 1.35f, 1.1f - length(x - 0.72f, y));
  if constexpr (shape == LeafShape::lens) return std::max(length(x - 1.1f, y), length(x + 1.1f, y)) - 1.88f;
  if constexpr (shape == LeafShape::square) return box(x, y, 0.886f, 0.886f);
  if constexpr (shape == LeafShape::triangle) return triangle(x, y, 0.778f);
  if constexpr (shape == LeafShape::cross) return std::min(box(x, y, 1.19f, 0.397f), box(x, y, 0.397f, 1.19f));
  if constexpr (shape == LeafShape::star) return std::min(triangle(x, y, 0.673f), triangle(x, -y, 0.673f));
  if constexpr (shape == LeafShape::bar) return box(x, y, 1.77f, 0.443f);
}

struct Leaf {
  float x, y, radius, cosine, sine;
  std::array<float, 3> colour;
  float shade_x, shade_y;  // change of brightness a pixel
};

/// Colours of one image: brightness, warm-cold and green-purple, with the variances of natural scenes falling in that order.
struct Palette {
  std::array<double, 3> mean, deviation;

  explicit Palette(RandomStream& random) {
    const double contrast = random.uniform(0.7, 1.1);
    mean = {0.46 + 0.1 * random.normal(), 0.05 * random.normal(), 0.02 * random.normal()};
    deviation = {0.22 * contrast, 0.09 * contrast, 0.045 * contrast};
  }
  std::array<float, 3> draw(RandomStream& random) const {
    std::array<double, 3> c;
    for (std::size_t k = 0; k < 3; ++k) c[k] = mean[k] + deviation[k] * random.normal();
    return {static_cast<float>(c[0] + c[1] + 0.5 * c[2]), static_cast<float>(c[0] - c[2]), static_cast<float>(c[0] - c[1] + 0.5 * c[2])};
  }
};

/// An image that is filled from the front to the back: `light` is what still comes through at each pixel.
struct Canvas {
  Index height, width;
  std::vector<float> light;
  std::array<std::vector<float>, 3> planes;
  float open;  // sum of light

  Canvas(Index h, Index w) : height(h), width(w), light(static_cast<std::size_t>(h * w)) {
    for (auto& p : planes) p.resize(light.size());
  }
  void clear() {
    std::fill(light.begin(), light.end(), 1.0f);
    for (auto& p : planes) std::fill(p.begin(), p.end(), 0.0f);
    open = static_cast<float>(light.size());
  }

  template <LeafShape shape>
  void paint(const Leaf& leaf) {
    const float r = leaf.radius, extent = reach * r;
    const auto clip = [](float v, Index n) { return std::clamp<Index>(static_cast<Index>(v), 0, n); };
    const Index left = clip(leaf.x - extent, width), right = clip(leaf.x + extent + 1, width);
    const float cosine = leaf.cosine / r, sine = leaf.sine / r;
    for (Index i = clip(leaf.y - extent, height), bottom = clip(leaf.y + extent + 1, height); i < bottom; ++i) {
      const float dy = static_cast<float>(i) + 0.5f - leaf.y;
      const Index row = i * width;
      float* const __restrict through = light.data() + row;
      float *const __restrict red = planes[0].data() + row, *const __restrict green = planes[1].data() + row,
            *const __restrict blue = planes[2].data() + row;
      for (int j = static_cast<int>(left), last = static_cast<int>(right); j < last; ++j) {
        const float dx = static_cast<float>(j) + 0.5f - leaf.x;
        const float edge = 0.5f - r * outside<shape>(cosine * dx + sine * dy, cosine * dy - sine * dx);
        const float added = std::min(std::max(edge, 0.0f), 1.0f) * through[j];
        const float shade = leaf.shade_x * dx + leaf.shade_y * dy;
        through[j] -= added;
        red[j] += added * (leaf.colour[0] + shade);
        green[j] += added * (leaf.colour[1] + shade);
        blue[j] += added * (leaf.colour[2] + shade);
      }
    }
  }
  void update_open() {
    std::array<float, 16> sums{};  // sixteen sums at once: one alone would wait for each addition
    std::size_t p = 0;
    for (; p + 16 <= light.size(); p += 16)
      for (std::size_t k = 0; k < 16; ++k) sums[k] += light[p + k];
    for (; p < light.size(); ++p) sums[0] += light[p];
    open = std::accumulate(sums.begin(), sums.end(), 0.0f);
  }
};

template <LeafShape shape>
void fill(Canvas& canvas, RandomStream& random, const Palette& palette, const LeafClass& leaves) {
  const double scale = std::sqrt(static_cast<double>(canvas.height * canvas.width)) / 32;
  const double smallest = leaves.smallest * scale, largest = leaves.largest * scale, margin = reach * largest;
  const double a = 1 / (smallest * smallest), b = 1 / (largest * largest);
  // Centres are uniform on a window from which every leaf that touches the image can come: the process does not know where it is cut.
  const auto h = static_cast<double>(canvas.height), w = static_cast<double>(canvas.width);
  for (int painted = 0; canvas.open > 0.002f * static_cast<float>(canvas.light.size()) && painted < 4000;) {
    const double r = 1 / std::sqrt(a + random.uniform() * (b - a));  // density ~ r^-3
    const double x = random.uniform(-margin, w + margin), y = random.uniform(-margin, h + margin), extent = reach * r;
    if (x < -extent || x > w + extent || y < -extent || y > h + extent) continue;
    const double angle = random.uniform(0, 2 * std::numbers::pi), slope = 0.05 * random.normal() / r,
                 direction = random.uniform(0, 2 * std::numbers::pi);
    const auto turn = portable::sine_cosine(angle), shading = portable::sine_cosine(direction);
    canvas.paint<shape>({static_cast<float>(x), static_cast<float>(y), static_cast<float>(r), static_cast<float>(turn.cosine),
                         static_cast<float>(turn.sine), palette.draw(random), static_cast<float>(slope * shading.cosine),
                         static_cast<float>(slope * shading.sine)});
    if (++painted % 8 == 0) canvas.update_open();
  }
}

using Fill = void (*)(Canvas&, RandomStream&, const Palette&, const LeafClass&);
template <LeafShape... shapes>
constexpr std::array<Fill, sizeof...(shapes)> fills_of{fill<shapes>...};
constexpr auto& fills = fills_of<LeafShape::disc, LeafShape::ellipse, LeafShape::ring, LeafShape::crescent, LeafShape::lens,
                                 LeafShape::square, LeafShape::triangle, LeafShape::cross, LeafShape::star, LeafShape::bar>;

std::uint8_t to_byte(float v) { return static_cast<std::uint8_t>(std::clamp(v, 0.0f, 1.0f) * 255 + 0.5f); }

}  // namespace

void require_valid(const DeadLeaves& options) {
  for (Index n : {options.height, options.width}) require(4 <= n && n <= 4096, "dead-leaves: size {} is not in 4 to 4096", n);
  require(options.channels == 1 || options.channels == 3, "dead-leaves: {} channels, not 1 or 3", options.channels);
}

ByteImages dead_leaves(const DeadLeaves& options, Index first, Index count) {
  require_valid(options);
  require(first >= 0 && count >= 0, "dead-leaves: images {} to {}", first, first + count);
  const Index pixels = options.height * options.width, channels = options.channels;
  ByteImages images{{count, options.height, options.width, channels}, Bytes(static_cast<std::size_t>(count * pixels * channels)), {}};
  for (Index i = 0; i < count; ++i) images.classes.push_back(static_cast<int>((first + i) % 10));
  cpu::parallel_chunks(count, 16, [&](Index begin, Index end) {
    Canvas canvas(options.height, options.width);
    for (Index i = begin; i < end; ++i) {
      RandomStream random(options.seed, "dead-leaves", static_cast<std::uint64_t>(first + i));
      const Palette palette(random);
      const LeafClass& leaves = leaf_classes[static_cast<std::size_t>((first + i) % 10)];
      canvas.clear();
      fills[static_cast<std::size_t>(leaves.shape)](canvas, random, palette, leaves);
      const auto backdrop = palette.draw(random);
      std::uint8_t* to = images.pixels.data() + i * pixels * channels;
      for (std::size_t p = 0; p < canvas.light.size(); ++p) {
        std::array<float, 3> c;
        for (std::size_t k = 0; k < 3; ++k) c[k] = canvas.planes[k][p] + canvas.light[p] * backdrop[k];
        if (channels == 1)
          *to++ = to_byte((c[0] + c[1] + c[2]) / 3);
        else
          for (float v : c) *to++ = to_byte(v);
      }
    }
  });
  return images;
}

}  // namespace tangentplane::data
