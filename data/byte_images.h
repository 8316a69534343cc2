// Images as the named data sets hold them: 8 bits a number.
#pragma once

#include <filesystem>
#include <vector>

#include "autodiff/shape.h"
#include "data/files.h"

namespace tangentplane::data {

/// Images with classes, before they are divided by 255.
struct ByteImages {
  Shape shape;               ///< [N, H, W, C], training images first
  Bytes pixels;              ///< row-major
  std::vector<int> classes;  ///< [N]
};

/// How many images train, and how many test.
struct PartSizes {
  Index num_train = 0, num_test = 0;  ///< of the whole set, or of what is wanted
};

/// DIR/folder/file, DIR/file or, where `gzip`, either of them with .gz appended; the first that exists. Throws std::invalid_argument
/// naming what was looked for.
std::filesystem::path find_data_file(const std::filesystem::path& directory, const std::string& folder, const std::string& file,
                                     const std::string& dataset, bool gzip);

}  // namespace tangentplane::data
