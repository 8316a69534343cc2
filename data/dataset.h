// The images that an experiment works on: named data sets and .npy files under one roof, training images first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "autodiff/tensor.h"
#include "data/images.h"

namespace tangentplane::data {

/// Images of one source, ready for a network.
template <class S>
struct Dataset {
  std::string name;                      ///< the source's
  Tensor<S> images;                      ///< [N, H, W, C] (or [N, D]), the num_train training images first
  std::vector<int> classes;              ///< [N], or empty where the source has none (.npy)
  Index num_train = 0, num_test = 0;     ///< N = num_train + num_test
  int num_classes = 0;                   ///< 0 where the source has none
  std::vector<std::string> class_names;  ///< [num_classes]
  /// Hash of the images as their source holds them, whatever S: of a .npy file its header and the images read; of a named data set their
  /// bytes. Of `select`ed rows that of the whole.
  std::uint64_t fingerprint = 0;

  Shape image() const { return example_shape(images.shape()); }                            ///< [H, W, C]
  Tensor<S> training_images() const { return images.slice(0, num_train); }                 ///< [num_train, H, W, C], shared
  Tensor<S> test_images() const { return images.slice(num_train, num_train + num_test); }  ///< [num_test, H, W, C], shared
};

/// What to load.
struct Source {
  std::string name = "dead-leaves";          ///< dead-leaves, cifar10, mnist, or the path of a .npy file
  std::filesystem::path directory;           ///< where cifar10's and mnist's files are
  std::optional<Index> num_train, num_test;  ///< the first so many of each part; none: all
  std::uint64_t data_seed = 0;               ///< of dead-leaves, which are 32 x 32 x 3
  bool any_shape = false;                    ///< a .npy file may hold examples of any shape: rows [N, D], say
};

/// What loading will give, known without reading images.
struct Layout {
  Shape image;                        ///< [H, W, C], or what a .npy file of any_shape has
  Index num_train = 0, num_test = 0;  ///< images of each part
  int num_classes = 0;                ///< 0 for .npy files
  Index held = 0;                     ///< images that loading holds: more than are used of a .npy file in Fortran order
};

/// Checks the source: its name, that its files are there and whole, and that they hold as many images as asked for. Counts that are not
/// given are all there are; for dead-leaves 2000 and 500; for a .npy file num_train rows (all) train and the rest tests.
/// Throws std::invalid_argument with one line.
Layout layout(const Source& source);

/// The files that loading reads. Throws as layout does where one is missing.
std::vector<std::filesystem::path> source_files(const Source& source);

/// Reads the first num_train and num_test images of each part, no others. Named data sets are divided by 255 and standardised per channel
/// by the training images used; a .npy file is taken as it is (uint8 divided by 255). Throws as layout does, and for a NaN or infinity.
template <class S>
Dataset<S> load(const Source& source);

/// Which images of a class a subset takes, and how many.
struct SubsetRule {
  /// The first of each class in file order; with a seed those that come first in a permutation of the class's images in file order, drawn
  /// by RandomStream(seed, "subset of training images" or "subset of test images", class).
  std::optional<std::uint64_t> seed = {};
  /// As many of each class; or, of two classes, as many as keep their shares of the whole part (rounded, halves up for class 1).
  bool same_shares = false;
};

/// Rows of the dataset's images (training and test alike, so that they can be saved as indices.npy) of nested stratified subsets: from
/// each class of C floor(n / C) images, of the lowest n mod C classes one more, or as the rule says; file order is kept. n equal to the
/// part's size takes it whole. Throws std::invalid_argument where a class has too few images, where training images would hold none of a
/// class though there are some, and without classes.
template <class S>
std::vector<Index> stratified_rows(const Dataset<S>& dataset, Index num_train, Index num_test, const SubsetRule& rule = {});
/// The same for one list of classes, as those of training images.
std::vector<Index> stratified_rows(std::span<const int> classes, int num_classes, Index n, const SubsetRule& rule = {});

/// The dataset of these rows, the first `num_train` of which train.
template <class S>
Dataset<S> select(const Dataset<S>& dataset, std::span<const Index> rows, Index num_train);

/// 1 where the class is one of `positive`, else 0. Throws std::invalid_argument for a class outside [0, num_classes), one given twice, and
/// where `positive` is empty or all of them.
std::vector<int> binary_targets(std::span<const int> classes, int num_classes, std::span<const int> positive);

/// Share of ones. Throws std::invalid_argument for no targets.
double class_balance(std::span<const int> targets);

}  // namespace tangentplane::data
