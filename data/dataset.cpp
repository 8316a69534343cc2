#include "data/dataset.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "autodiff/check.h"
#include "autodiff/cpu/parallel.h"
#include "autodiff/random.h"
#include "data/cifar10.h"
#include "data/dead_leaves.h"
#include "data/mnist.h"
#include "data/npy.h"

namespace tangentplane::data {
namespace {

bool is_npy(const std::string& name) { return name.ends_with(".npy"); }

/// The counts asked for, or what there is.
PartSizes resolve(const Source& source, PartSizes there) {
  const PartSizes sizes{source.num_train.value_or(there.num_train), source.num_test.value_or(there.num_test)};
  require(sizes.num_train <= there.num_train, "{}: {} training images asked for, there are {}", source.name, sizes.num_train,
          there.num_train);
  require(sizes.num_test <= there.num_test, "{}: {} test images asked for, there are {}", source.name, sizes.num_test, there.num_test);
  return sizes;
}

Layout npy_layout(const Source& source) {
  const NpyInfo info = npy_info(source.name);
  require_image_shape(source.name, info.shape, source.any_shape);
  require(info.shape.size() > 0, "{}: shape {} holds no image; images are [N,H,W,C], each at least 1", source.name, info.shape);
  const Index n = info.shape[0], num_train = source.num_train.value_or(n);
  require(num_train <= n, "{}: {} training images asked for, there are {}", source.name, num_train, n);
  const Index num_test = source.num_test.value_or(n - num_train);
  require(num_test <= n - num_train, "{}: {} test images asked for, {} follow the {} training images", source.name, num_test, n - num_train,
          num_train);
  return {example_shape(info.shape), num_train, num_test, 0, info.fortran_order ? n : num_train + num_test};
}

template <class S>
Tensor<S> divided_by_255(const ByteImages& from) {
  std::array<S, 256> value;
  for (std::size_t b = 0; b < 256; ++b) value[b] = static_cast<S>(b) / S(255);
  Tensor<S> images(from.shape);
  cpu::parallel_chunks(images.size(), cpu::elementwise_chunk, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) images[i] = value[from.pixels[static_cast<std::size_t>(i)]];
  });
  return images;
}

}  // namespace

Layout layout(const Source& source) {
  require(!source.num_train || *source.num_train > 0, "{}: {} training images asked for; at least 1", source.name,
          source.num_train.value_or(0));
  require(!source.num_test || *source.num_test >= 0, "{}: {} test images asked for", source.name, source.num_test.value_or(0));
  if (is_npy(source.name)) return npy_layout(source);
  if (source.name == "cifar10") {
    const PartSizes sizes = resolve(source, cifar10_sizes(source.directory));
    return {{32, 32, 3}, sizes.num_train, sizes.num_test, 10, sizes.num_train + sizes.num_test};
  }
  if (source.name == "mnist") {
    const PartSizes sizes = resolve(source, mnist_sizes(source.directory));
    return {{28, 28, 1}, sizes.num_train, sizes.num_test, 10, sizes.num_train + sizes.num_test};
  }
  require(source.name == "dead-leaves", "data {}: unknown; one of dead-leaves, cifar10, mnist or a FILE.npy", source.name);
  const DeadLeaves leaves;
  const Index num_train = source.num_train.value_or(2000), num_test = source.num_test.value_or(500);
  return {{leaves.height, leaves.width, leaves.channels}, num_train, num_test, 10, num_train + num_test};
}

std::vector<std::filesystem::path> source_files(const Source& source) {
  if (is_npy(source.name)) return {source.name};
  if (source.name == "cifar10") return cifar10_files(source.directory);
  if (source.name == "mnist") return mnist_files(source.directory);
  return {};
}

template <class S>
Dataset<S> load(const Source& source) {
  const Layout at = layout(source);
  Dataset<S> d;
  d.name = source.name;
  d.num_train = at.num_train;
  d.num_test = at.num_test;
  d.num_classes = at.num_classes;
  if (is_npy(source.name)) {
    Hash64 hash;
    d.images = load_npy_images<S>(source.name, at.num_train + at.num_test, &hash, source.any_shape);
    d.fingerprint = hash.value();
    return d;
  }
  const PartSizes sizes{at.num_train, at.num_test};
  ByteImages bytes;
  if (source.name == "cifar10") {
    bytes = load_cifar10(source.directory, sizes);
    d.class_names.assign(cifar10_classes.begin(), cifar10_classes.end());
  } else if (source.name == "mnist") {
    bytes = load_mnist(source.directory, sizes);
    for (int c = 0; c < 10; ++c) d.class_names.push_back(std::to_string(c));
  } else {
    bytes = dead_leaves({.seed = source.data_seed}, 0, sizes.num_train + sizes.num_test);
    for (const LeafClass& c : leaf_classes) d.class_names.emplace_back(c.name);
  }
  d.fingerprint = Hash64().add(fmt::format("{}", bytes.shape)).add(std::span<const std::uint8_t>(bytes.pixels)).value();
  d.classes = std::move(bytes.classes);
  auto images = divided_by_255<S>(bytes);
  bytes = {};
  const auto statistics = channel_statistics(images.slice(0, d.num_train));
  d.images = standardised(source.name, std::move(images), statistics);
  return d;
}

namespace {

/// The images of which a subset is taken.
struct Part {
  std::string name, what;  ///< for messages: "mnist" and "training images (--num-train)"
  bool trains;
  std::span<const int> classes;
  int num_classes;
};

std::vector<Index> images_of_each_class(const Part& part) {
  std::vector<Index> there(static_cast<std::size_t>(part.num_classes));
  for (int c : part.classes) ++there.at(static_cast<std::size_t>(c));
  return there;
}

/// How many images of each class a subset of n takes: as many of each, as far as that goes.
std::vector<Index> even_counts(const Part& part, Index n) {
  const auto there = images_of_each_class(part);
  const auto size = static_cast<Index>(part.classes.size());
  const Index even = part.num_classes * *std::min_element(there.begin(), there.end());
  std::vector<Index> wanted;
  for (std::size_t c = 0; c < there.size(); ++c) {
    wanted.push_back(n / part.num_classes + (static_cast<Index>(c) < n % part.num_classes));
    require(wanted[c] <= there[c], "{}: {} {} take {} of class {}, there are {}; give at most {}, or all {}", part.name, n, part.what,
            wanted[c], c, there[c], even, size);
  }
  return wanted;
}

/// The shares of the whole part.
std::vector<Index> same_shares(const Part& part, Index n) {
  require(part.num_classes == 2, "{}: subsets keep the shares of two classes, not of {}", part.name, part.num_classes);
  const auto there = images_of_each_class(part);
  const auto size = static_cast<Index>(part.classes.size());
  const Index ones = (2 * n * there[1] + size) / (2 * size);
  std::vector<Index> wanted{n - ones, ones};
  for (std::size_t c = 0; c < 2 && part.trains; ++c) {
    if (wanted[c] > 0 || there[c] == 0) continue;
    const Index least = c == 1 ? (size + 2 * there[c] - 1) / (2 * there[c]) : size / (2 * there[c]) + 1;
    require(false, "{}: {} {} would hold none of class {}, which {} of all {} are; give at least {}", part.name, n, part.what, c, there[c],
            size, least);
  }
  return wanted;
}

std::vector<Index> stratified(const Part& part, Index n, const SubsetRule& rule) {
  const auto size = static_cast<Index>(part.classes.size());
  require(part.num_classes > 0 && size > 0, "{}: has no classes to take a stratified subset by", part.name);
  require(0 < n && n <= size, "{}: {} {} asked for, there are {}", part.name, n, part.what, size);
  std::vector<Index> rows;
  if (n == size) {
    rows.resize(static_cast<std::size_t>(n));
    std::iota(rows.begin(), rows.end(), Index(0));
    return rows;
  }
  const auto wanted = rule.same_shares ? same_shares(part, n) : even_counts(part, n);
  std::vector<std::vector<Index>> of_class(wanted.size());
  for (Index i = 0; i < size; ++i) of_class[static_cast<std::size_t>(part.classes[static_cast<std::size_t>(i)])].push_back(i);
  for (std::size_t c = 0; c < wanted.size(); ++c) {
    const auto& images = of_class[c];
    const auto count = static_cast<std::size_t>(wanted[c]);
    if (!rule.seed) {
      rows.insert(rows.end(), images.begin(), images.begin() + wanted[c]);
      continue;
    }
    auto order = RandomStream(*rule.seed, part.trains ? "subset of training images" : "subset of test images", c)
                     .permutation(static_cast<Index>(images.size()));
    for (std::size_t k = 0; k < count; ++k) rows.push_back(images[static_cast<std::size_t>(order[k])]);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace

std::vector<Index> stratified_rows(std::span<const int> classes, int num_classes, Index n, const SubsetRule& rule) {
  return stratified({"stratified subset", "images", true, classes, num_classes}, n, rule);
}

template <class S>
std::vector<Index> stratified_rows(const Dataset<S>& dataset, Index num_train, Index num_test, const SubsetRule& rule) {
  const std::span<const int> classes = dataset.classes;
  require(!classes.empty(), "{}: has no classes to take a stratified subset by", dataset.name);
  const auto training = static_cast<std::size_t>(dataset.num_train);
  auto rows =
      stratified({dataset.name, "training images (--num-train)", true, classes.first(training), dataset.num_classes}, num_train, rule);
  if (num_test == 0) return rows;
  for (Index i :
       stratified({dataset.name, "test images (--num-test)", false, classes.subspan(training), dataset.num_classes}, num_test, rule))
    rows.push_back(dataset.num_train + i);
  return rows;
}

template <class S>
Dataset<S> select(const Dataset<S>& dataset, std::span<const Index> rows, Index num_train) {
  const auto n = static_cast<Index>(rows.size());
  require(0 < num_train && num_train <= n, "select: {} training images of {} rows", num_train, n);
  Dataset<S> d{dataset.name,       take_rows(dataset.images, rows), {}, num_train, n - num_train, dataset.num_classes, dataset.class_names,
               dataset.fingerprint};
  if (!dataset.classes.empty())
    for (Index i : rows) d.classes.push_back(dataset.classes[static_cast<std::size_t>(i)]);
  return d;
}

std::vector<int> binary_targets(std::span<const int> classes, int num_classes, std::span<const int> positive) {
  std::vector<int> target(static_cast<std::size_t>(num_classes)), targets;
  for (int c : positive) {
    require(0 <= c && c < num_classes, "positive classes (--positive): {} is not one of 0 to {}", c, num_classes - 1);
    require(!target[static_cast<std::size_t>(c)], "positive classes (--positive): {} is given twice", c);
    target[static_cast<std::size_t>(c)] = 1;
  }
  require(!positive.empty() && positive.size() < target.size(), "positive classes (--positive): {} of {}; both labels need at least one",
          positive.size(), num_classes);
  for (int c : classes) {
    require(0 <= c && c < num_classes, "binary_targets: class {} is not one of 0 to {}", c, num_classes - 1);
    targets.push_back(target[static_cast<std::size_t>(c)]);
  }
  return targets;
}

double class_balance(std::span<const int> targets) {
  require(!targets.empty(), "class_balance: no targets");
  return static_cast<double>(std::count(targets.begin(), targets.end(), 1)) / static_cast<double>(targets.size());
}

#define TANGENTPLANE_DATASET(S)                                                                       \
  template Dataset<S> load<S>(const Source&);                                                         \
  template std::vector<Index> stratified_rows<S>(const Dataset<S>&, Index, Index, const SubsetRule&); \
  template Dataset<S> select<S>(const Dataset<S>&, std::span<const Index>, Index);
TANGENTPLANE_DATASET(float)
TANGENTPLANE_DATASET(double)
#undef TANGENTPLANE_DATASET

}  // namespace tangentplane::data
