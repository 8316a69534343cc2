#include "experiments/common/subject/logits.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "data/npy.h"
#include "experiments/common/cluster/ranks_of_run.h"
#include "experiments/common/run/fingerprints.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {
namespace {

namespace fs = std::filesystem;

/// Numbers of [C, H, W] in the order [H, W, C], `width` of them at each place: the rows of a weight that follows a flatten, or pixels.
template <class S>
void channels_last(const S* from, S* to, Index channels, Index positions, Index width) {
  for (Index p = 0; p < positions; ++p)
    for (Index c = 0; c < channels; ++c) std::copy_n(from + (c * positions + p) * width, width, to + (p * channels + c) * width);
}

/// A mistake in bringing weights or images over, and what they are without it. `change` is false where there is nothing to change.
template <class S>
struct Mistake {
  const char* cause;
  const char* remedy;
  std::function<bool(Variables<S>&, Tensor<S>&)> change;
};

/// The positions and channels that a built-in network flattens; none of resnet18, which has a mean there, or of a network of one's own.
std::optional<std::pair<Index, Index>> flattened(const CommonOptions& o, const Shape& image) {
  if (o.own() || image.rank() != 3) return {};
  if (o.model == "mlp") return std::pair(image[0] * image[1], image[2]);
  if (o.model == "lenet") return std::pair((image[0] / 4) * (image[1] / 4), o.features[1]);
  return {};
}

template <class S>
std::vector<Mistake<S>> usual_mistakes(const CommonOptions& o, const Shape& image) {
  std::vector<Mistake<S>> all;
  if (const auto flat = flattened(o, image); flat && flat->first > 1 && flat->second > 1)
    all.push_back({"the rows of Dense_0/kernel stand in the order [C,H,W], channels first, in which PyTorch flattens",
                   "turn them to [H,W,C]: dense_after_flatten in nn/FROM_PYTORCH.md",
                   [positions = flat->first, channels = flat->second](Variables<S>& v, Tensor<S>&) {
                     const auto found = std::find(v.paths.begin(), v.paths.end(), "Dense_0/kernel");
                     if (found == v.paths.end()) return false;
                     Tensor<S>& w = v.parameters[static_cast<std::size_t>(found - v.paths.begin())];
                     if (w.shape()[0] != positions * channels) return false;
                     Tensor<S> turned(w.shape());
                     channels_last(w.data(), turned.data(), channels, positions, w.shape()[1]);
                     w = turned;
                     return true;
                   }});
  if (!o.is_file_model()) {  // whose weights came with it
    all.push_back({"square dense weights are [out,in], as PyTorch has them", "transpose every Linear.weight: dense in nn/FROM_PYTORCH.md",
                   [](Variables<S>& v, Tensor<S>&) {
                     bool any = false;
                     for (Tensor<S>& w : v.parameters) {
                       const Shape& s = w.shape();
                       if (s.rank() != 2 || s[0] != s[1] || s[0] == 1) continue;
                       Tensor<S> turned(s);
                       for (Index i = 0; i < s[0]; ++i)
                         for (Index j = 0; j < s[1]; ++j) turned[i * s[1] + j] = w[j * s[0] + i];
                       w = turned;
                       any = true;
                     }
                     return any;
                   }});
    all.push_back({"height and width of the convolutions' weights are exchanged", "weights are [kh,kw,C,O]: conv in nn/FROM_PYTORCH.md",
                   [](Variables<S>& v, Tensor<S>&) {
                     bool any = false;
                     for (Tensor<S>& w : v.parameters) {
                       const Shape& s = w.shape();
                       if (s.rank() != 4 || s[0] != s[1] || s[0] == 1) continue;
                       Tensor<S> turned(s);
                       const Index block = s[2] * s[3];
                       for (Index i = 0; i < s[0]; ++i)
                         for (Index j = 0; j < s[1]; ++j)
                           std::copy_n(w.data() + (j * s[0] + i) * block, block, turned.data() + (i * s[1] + j) * block);
                       w = turned;
                       any = true;
                     }
                     return any;
                   }});
  }
  all.push_back({"the images were reshaped from [N,C,H,W], which leaves the numbers where they were",
                 "transpose them: x.transpose(0, 2, 3, 1) in numpy", [](Variables<S>&, Tensor<S>& images) {
                   const Shape& s = images.shape();
                   if (s.rank() != 4 || s[3] == 1 || s[1] * s[2] == 1) return false;
                   Tensor<S> turned(s);
                   const Index size = s[1] * s[2] * s[3];
                   for (Index i = 0; i < s[0]; ++i) channels_last(images.data() + i * size, turned.data() + i * size, s[3], s[1] * s[2], 1);
                   images = turned;
                   return true;
                 }});
  return all;
}

/// What a difference of this kind usually comes from. A network from a file brings its weights, its paddings and its epsilons along.
std::string looks_like(const LogitsDifference& d, bool from_file) {
  const double bent = 1 - std::abs(d.correlation);
  if (bent < 1e-9 && (std::abs(d.factor - 1) > 1e-4 || std::abs(d.constant) > 1e-4 * d.size))
    return fmt::format("Theirs are {:.6g} times ours{}: a last weight or bias differs, or two logits were brought over as one.", d.factor,
                       std::abs(d.constant) > 1e-4 * d.size ? fmt::format(" plus {:.6g}", d.constant) : "");
  if (d.relative() < 0.01 && std::abs(d.correlation) > 0.9)
    return "So small a difference is often another GELU (here the tanh form), or another epsilon of BatchNorm.";
  if (from_file)
    return "Was the file exported in the state in which those logits were computed, the same weights and running statistics, in eval mode? "
           "Are the images the same, in the same order, scaled as they were there (uint8 is divided by 255)?";
  // A ResNet18 of random weights whose strides are padded otherwise: 0.4 to 0.7 on images as smooth as photographs, 0 to 0.4 on noise.
  if (std::abs(d.correlation) > 0.4)
    return "Logits that are alike and not the same are often another padding (SAME has the smaller half first: a convolution of "
           "stride 2 with padding=1 sees images one pixel shifted), BatchNorm in training mode, or images that were normalised otherwise.";
  return "Logits that have so little to do with each other are often a wrong order of numbers within a right shape (flatten, [out,in], "
         "[N,C,H,W]), other images, or another order of images; of a network with strides on rough images also another padding.";
}

template <class S>
Tensor<double> evaluated(const Network<S>& network, const Variables<S>& variables, const Tensor<S>& images) {
  return cast<double>(evaluate(network, variables, images));
}

/// Logits [N, O] to compare with.
struct Theirs {
  Tensor<double> logits;
  bool single = false;  ///< in float32
};
Theirs load_theirs(const std::string& path, Index n, Index outputs) {
  const data::NpyInfo info = data::npy_info(path);
  require(info.type.is('f', 4) || info.type.is('f', 8), "--check-logits {}: dtype {}; logits are float32 or float64", path,
          info.type.name());
  require(info.shape == Shape{n, outputs} || (outputs == 1 && info.shape == Shape{n}),
          "--check-logits {}: shape {}; the network has {} of these images, training images first", path, info.shape,
          outputs == 1 ? fmt::format("[{}] or [{},1] logits", n, n) : fmt::format("[{},{}] logits", n, outputs));
  auto logits = data::load_npy<double>(path).reshaped({n, outputs});
  data::require_finite("--check-logits " + path, logits, "row");
  return {std::move(logits), info.type.bytes == 4};
}

template <class S>
void check(const std::string& path, const CommonOptions& o, const Subject<S>& subject, const Tensor<double>& ours, const Theirs& loaded) {
  const Tensor<double>& theirs = loaded.logits;
  const Index n = ours.shape()[0], outputs = ours.shape()[1];

  const LogitsDifference d = compare_logits(ours, theirs);
  const double allowed = sizeof(S) == 4 || loaded.single ? 2e-5 : 1e-9;  // the other GELU makes 1e-4
  const Index image = d.at / outputs;
  const std::string what =
      fmt::format("largest difference {:.3g}, {:.2g} of the largest logit (image {}{}: {:.6g} here, {:.6g} there)", d.largest, d.relative(),
                  image, outputs > 1 ? fmt::format(", output {}", d.at % outputs) : "", ours[d.at], theirs[d.at]);
  if (d.relative() <= allowed) {
    tell("The logits of {} images agree with {}: {}\n", n, path, what);
    return;
  }
  tell("The logits of {} images are not those of {}: {}; correlation {:.3f}\n", n, path, what, d.correlation);
  bool explained = false;
  for (const Mistake<S>& mistake : usual_mistakes<S>(o, subject.data.image())) {
    Variables<S> variables = subject.init;
    Tensor<S> images = subject.data.images;
    if (!mistake.change(variables, images)) continue;
    const LogitsDifference left = compare_logits(evaluated(subject.network, variables, images), theirs);
    if (!(left.relative() < 0.01 * d.relative())) continue;
    explained = true;
    tell("It is as if {}. Without that the largest difference is {:.2g} of the largest logit{}. Remedy: {}.\n", mistake.cause,
         left.relative(), left.relative() <= allowed ? ", which is rounding" : "", mistake.remedy);
  }
  if (!explained) tell("{}\n", looks_like(d, o.is_file_model()));
  throw std::runtime_error(
      fmt::format("--check-logits {}: the logits differ by {:.2g} of the largest; {:.0e} would be rounding", path, d.relative(), allowed));
}

}  // namespace

void add_logits_options(CommandLine& line, LogitsOptions& o) {
  const auto set_save = [&o](const std::string& text) {
    require(text.ends_with(".npy"), "--save-logits {}: give a .npy file", text.empty() ? "\"\"" : text);
    o.save = text;
  };
  line.add("--save-logits", set_save, {"Write the logits of all images there, [N, O], compute nothing else", "FILE.npy", ""});
  add_path(line, "--check-logits", o.check, ".npy",
           "Compare the logits of all images with those in this file, [N] or [N, O], compute nothing else");
}

LogitsDifference compare_logits(const Tensor<double>& ours, const Tensor<double>& theirs) {
  require(ours.shape() == theirs.shape() && ours.size() > 0, "compare_logits: {} and {}", ours.shape(), theirs.shape());
  LogitsDifference d;
  const auto n = static_cast<double>(ours.size());
  double mean_ours = 0, mean_theirs = 0;
  for (Index i = 0; i < ours.size(); ++i) {
    const double off = std::abs(ours[i] - theirs[i]);
    if (off > d.largest) d.largest = off, d.at = i;
    d.size = std::max(d.size, std::abs(theirs[i]));
    mean_ours += ours[i] / n;
    mean_theirs += theirs[i] / n;
  }
  double a = 0, b = 0, both = 0;
  for (Index i = 0; i < ours.size(); ++i) {
    const double x = ours[i] - mean_ours, y = theirs[i] - mean_theirs;
    a += x * x, b += y * y, both += x * y;
  }
  if (a > 0) d.factor = both / a;
  if (a > 0 && b > 0) d.correlation = both / std::sqrt(a * b);
  d.constant = mean_theirs - d.factor * mean_ours;
  return d;
}

namespace {

template <class S>
void look_at_logits(const LogitsOptions& logits, const CommonOptions& o, const data::Layout& layout, const fs::path& init) {
  auto subject = start_subject<S>(o, layout, init, fmt::format("the logits of {} images take", layout.held));
  const Theirs theirs = logits.check.empty() ? Theirs{} : load_theirs(logits.check, layout.num_train + layout.num_test, subject.outputs);
  subject.data = data::load<S>(source_of(o));
  const Tensor<S> ours = evaluate(subject.network, subject.init, subject.data.images);
  for (Index i = 0; i < ours.size(); ++i)
    require(std::isfinite(ours[i]), "{}: the logits of image {} are not finite ({}); give other weights or images{}",
            weights_option(o, init), i / subject.outputs, ours[i], sizeof(S) == 4 ? ", or --dtype float64" : "");
  if (!logits.save.empty()) {
    data::save_npy(logits.save, ours);
    tell("Logits {} of {} images; in {}\n", ours.shape(), ours.rows(), logits.save);
  }
  if (!logits.check.empty()) check(logits.check, o, subject, cast<double>(ours), theirs);
}

}  // namespace

bool only_logits(const CommandLine& line, const LogitsOptions& logits, const CommonOptions& o, const data::Layout& layout,
                 const fs::path& init) {
  if (!logits.asked()) return false;
  const char* option = logits.check.empty() ? "--save-logits" : "--check-logits";
  require_alone(fmt::format("{} {}", line.name(), option));
  require(!o.plan, "--plan: {} needs none; leave one of them out", option);
  require(!o.begin, "--begin: {} makes no folder; leave one of them out", option);
  require_folder_for("--save-logits", logits.save);
  std::error_code error;
  for (const fs::path& input : input_files(o, {logits.check}))
    require(logits.save.empty() || !fs::equivalent(logits.save, input, error), "--save-logits {}: is read by this run; give another name",
            logits.save);
  with_dtype(o, [&]<class S>() { look_at_logits<S>(logits, o, layout, init); });
  return true;
}

}  // namespace tangentplane::experiments
