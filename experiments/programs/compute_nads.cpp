// The neural anisotropy directions of a network at its initial weights: the input directions, in order, in which the mixed derivative
// d2f / dx dtheta is largest. By default at the single point x = 0.
//
//   compute_nads --model lenet --shape 32,32,1
//   compute_nads --model resnet18 --shape 32,32,1 --sigma 1 --samples 10
//
// LeNet takes about a second on two cores, ResNet18 about a minute. Expect close to: eigenvalues that fall over seven decades; the first
// directions are smooth, later ones ever finer.
#include <limits>

#include "autodiff/transforms.h"
#include "data/hash.h"
#include "data/npy.h"
#include "data/png.h"
#include "experiments/common/cluster/ranks_of_run.h"
#include "experiments/common/figures/figures.h"
#include "experiments/common/plans/directions_plan.h"
#include "experiments/common/process/progress.h"
#include "experiments/common/process/run_main.h"
#include "experiments/common/run/network_record.h"
#include "experiments/common/subject/own_network.h"
#include "experiments/common/text/say.h"
#include "experiments/programs.h"

namespace tangentplane::experiments {

namespace {

struct Options : CommonOptions {
  std::vector<Index> shape{32, 32, 1};
  double sigma = 0;
  Index samples = 1;

  Shape image() const { return shape_of_extents(shape); }
};

/// The points at which the mixed derivative is averaged: sigma N(0, I), point i drawn from (seed, i) alone.
template <class S>
Tensor<S> draw_points(const Options& o) {
  Tensor<S> points(data::batch_shape(o.samples, o.image()));
  const Index size = o.image().size();
  for (Index i = 0; i < o.samples; ++i) {
    RandomStream random(o.seed, "nads points", static_cast<std::uint64_t>(i));
    for (Index k = 0; k < size; ++k) points[i * size + k] = static_cast<S>(o.sigma == 0 ? 0 : o.sigma * random.normal());
  }
  return points;
}

constexpr Index shown_directions = 32;

/// The first 32 directions, eight a row: grey is zero, black and white are a direction's largest magnitude. Directions of three channels
/// are in colour, of any other number the mean over the channels.
template <class S>
data::Picture picture(const Tensor<S>& directions, const Options& o) {
  const Index h = o.shape[0], w = o.shape[1], c = o.shape[2], shown_channels = c == 3 ? 3 : 1;
  const Index count = std::min(shown_directions, directions.rows()), columns = std::min<Index>(8, count),
              rows = (count + columns - 1) / columns;
  const Index zoom = std::max<Index>(1, 64 / std::max(h, w)), gap = 4, tile_h = h * zoom + gap, tile_w = w * zoom + gap;
  data::Picture p{rows * tile_h + gap, columns * tile_w + gap, shown_channels, {}};
  p.pixels.assign(static_cast<std::size_t>(p.height * p.width * p.channels), 255);
  for (Index j = 0; j < count; ++j) {
    std::vector<double> values(static_cast<std::size_t>(h * w * shown_channels));
    double largest = 0;
    for (std::size_t k = 0; k < values.size(); ++k) {
      const S* v = directions.data() + j * h * w * c + static_cast<Index>(k) * (c == 3 ? 1 : c);
      for (Index i = 0; i < (c == 3 ? 1 : c); ++i) values[k] += static_cast<double>(v[i]);
      largest = std::max(largest, std::abs(values[k]));
    }
    const Index top = gap + j / columns * tile_h, left = gap + j % columns * tile_w;
    for (Index y = 0; y < h * zoom; ++y)
      for (Index x = 0; x < w * zoom; ++x)
        for (Index i = 0; i < shown_channels; ++i) {
          const double v = values[static_cast<std::size_t>((y / zoom * w + x / zoom) * shown_channels + i)];
          p.pixels[static_cast<std::size_t>(((top + y) * p.width + left + x) * shown_channels + i)] =
              static_cast<std::uint8_t>(std::lround(127.5 + 127.5 * (largest > 0 ? v / largest : 0)));
        }
  }
  return p;
}

/// Whether the mixed derivative at a point, along the direction of all pixels, can be computed with: a bound of it by the norms of its
/// factors is finite, and so is the sum of the squares of as many as there are pixels.
template <class S>
bool has_sound_tangents(const Network<S>& network, const Variables<S>& init, const Tensor<S>& point) {
  using T = Dual<Tensor<S>>;
  const Index d = point.size();
  const auto along = Tensor<S>::full(point.shape(), static_cast<S>(1 / std::sqrt(static_cast<double>(d))));
  const Pullback<T> back([&](const std::vector<Var<T>>& p) { return forward(network, init, p, Var<T>(T(point, along))); },
                         std::vector<T>(init.parameters.begin(), init.parameters.end()));
  const auto norm = [](const auto& tensor) {
    double squares = 0;
    for (const S v : tensor.span()) squares += static_cast<double>(v) * static_cast<double>(v);
    return std::sqrt(squares);
  };
  double sum = 0;
  back.factors(T(Tensor<S>::full(shape_of(back.value()), S(1))), [&](const Factor<T>& f) {
    const double a = f.activation ? norm(f.activation->primal) : 1, c = norm(f.cotangent.primal);
    if (f.activation && f.activation->tangent) sum += norm(*f.activation->tangent) * c;
    if (f.cotangent.tangent) sum += a * norm(*f.cotangent.tangent);
  });
  const auto entry = static_cast<S>(sum);
  const double squares = static_cast<double>(entry) * static_cast<double>(entry) * static_cast<double>(d);  // an eigenvalue is kept in S
  return std::isfinite(entry) && squares <= static_cast<double>(std::numeric_limits<S>::max());
}

/// Refuses points or weights at which the derivatives cannot be computed with.
template <class S>
void require_sound_tangents(const Options& o, const Network<S>& network, const Variables<S>& init, const Tensor<S>& points) {
  if (has_sound_tangents(network, init, points.slice(0, 1))) return;
  const bool small = has_sound_tangents(network, init, Tensor<S>::zeros(points.slice(0, 1).shape()));
  require(false, "{}: the network's derivatives there are too large for {}; give smaller {}{}",
          small ? fmt::format("--sigma {}", o.sigma) : weights_option(o, o.init), o.dtype, small ? "ones" : "weights",
          o.is_double() ? "" : ", or --dtype float64");
}

template <class S>
std::string fingerprint_of(const Tensor<S>& tensor) {
  data::NumbersFingerprint<S> f;
  f.add(tensor);
  return f.text();
}

/// nads.png and spectrum.svg, of nads.npy and eigvals.npy.
template <class S>
std::vector<RunFigure> figures_of(const Options& o, const std::filesystem::path& folder) {
  std::vector<RunFigure> all;
  if (o.shape.size() == 3)
    all.push_back({folder / "nads.png", [&o, folder](const std::filesystem::path& path) {
                     const Index count = std::min(shown_directions, o.image().size());
                     data::save_png(path, picture(data::load_npy_rows<S>(folder / "nads.npy", 0, count), o));
                     return true;
                   }});
  all.push_back({folder / "spectrum.svg", [&o, folder](const std::filesystem::path& path) {
                   const auto values = data::load_npy<double>(folder / "eigvals.npy");
                   return save_figure(path, spectrum_figure(fmt::format("Anisotropy of {}", o.model_name()),
                                                            {values.data(), values.data() + values.size()}, {}));
                 }});
  return all;
}

template <class S>
void run_in(CommandLine& line, const Options& o) {
  Config config = configuration(line, o);
  if (o.is_file_model()) config.set("shape", join(o.shape));
  ResultsFolder folder(o.out, "compute_nads", config);
  folder.check();
  require_room_for_directions<S>(o, o.image(), o.samples);
  const auto subject = start_subject<S>(o, {o.image(), 1, 0, 0, 1}, o.init, "directions take");
  require_by_example(subject);
  const auto& network = subject.network;
  const auto& init = subject.init;
  const auto points = draw_points<S>(o);
  require_sound_tangents(o, network, init, points);
  Fingerprints made;
  made.set("images", fingerprint_of(points), fmt::format("--seed {} --sigma {}", o.seed, o.sigma));
  made.set("weights", fingerprint(init), weights_option(o, o.init));
  add_graph(made, o);
  require_same_inputs(folder, made);
  DirectionsPlan plan = plan_directions(o, subject, points);
  if (o.is_file_model()) plan.remarks.push_back(trainable_line(o));
  if (o.stops()) return only_begin(plan, o, folder);
  folder.has_figures(figures_of<S>(o, folder.path()));
  if (!folder.claim()) return;
  RunRecord record(folder);
  record.follow(plan);
  record.made_from(made, input_files(o));
  record_network(o, static_cast<double>(init.size()), 1, "0", record);
  save_variables(folder.path() / "init.npz", init, subject.keys);
  Nads<S> result;
  {
    auto stage = record.stage("directions", plan.of("directions"));
    Progress progress("directions", 100, "per cent");
    NadsOptions options = plan.options;
    options.progress = shown(progress);
    result = nads(network, init, points, options);
    progress.finish();
    stage.add_flops(plan.flops);
  }
  data::save_npy(folder.path() / "eigvals.npy", cast<S>(Tensor<double>::from({o.image().size()}, result.eigvals)));
  data::save_npy(folder.path() / "nads.npy", result.directions);
  record.add_fingerprint("directions", data::hash_as_npy(result.directions));
  record.finish();
  tell("{} directions: {:.6g} down to {:.6g}; in {}\n", o.image().size(), result.eigvals.front(), result.eigvals.back(),
       folder.path().string());
  folder.draw_figures();
}

void run(int argc, const char* const* argv, const OwnNetworks& own) {
  CommandLine line("Neural anisotropy directions of a network at its initial weights", "compute_nads");
  Options o;
  offer(o, own);
  o.activation = "gelu";
  add_common_options(line, o, DataOptions::none);
  add_shape(line, "--shape", o.shape, "Shape of an image", true);
  add_number<double>(line, "--sigma", o.sigma, "Deviation of the points around 0", 0, largest_factor);
  add_number<Index>(line, "--samples", o.samples, "Points to average over", 1, 1'000'000);
  parse(line, argc, argv);
  resolve(line, o);
  require_alone("compute_nads");
  if (const OwnNetwork* net = o.own(); net && net->file && !line.given("--shape")) o.shape = extents_of(net->description.image);
  require_fits(o, o.image());
  require_one_logit(o, o.image(), "anisotropy directions are");
  require(
      o.own() || o.activation != "relu" || o.sigma > 0,
      "--activation relu: at x = 0 every pre-activation sits on its kink, where no second derivative exists; give gelu or tanh, or --sigma "
      "above 0");
  require(o.samples == 1 || o.sigma > 0, "--samples {}: with --sigma 0 all points are 0; give --sigma above 0", o.samples);
  with_dtype(o, [&]<class S>() { run_in<S>(line, o); });
}

}  // namespace

int compute_nads(int argc, const char* const* argv, const OwnNetworks& own) {
  return run_main(argc, argv, [&](int count, const char* const* words) { run(count, words, own); });
}

}  // namespace tangentplane::experiments
