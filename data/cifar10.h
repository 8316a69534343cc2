// CIFAR-10 (Krizhevsky, 2009) in its binary version: records of one label byte and 3 x 32 x 32 pixel bytes, a plane a colour.
#pragma once

#include <array>

#include "data/byte_images.h"

namespace tangentplane::data {

/// Names of the classes 0 to 9.
inline constexpr std::array cifar10_classes{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

/// Images in DIR/cifar-10-batches-bin or DIR: data_batch_1.bin to data_batch_5.bin train, test_batch.bin tests. Throws
/// std::invalid_argument, one line, for a missing file or one that is not a whole number of records.
PartSizes cifar10_sizes(const std::filesystem::path& directory);

/// The files, training files first.
std::vector<std::filesystem::path> cifar10_files(const std::filesystem::path& directory);

/// The first images of each part in file order, as [N, 32, 32, 3]; no others are read. Throws as above, for more images than there are, and
/// for a label above 9, naming file and record.
ByteImages load_cifar10(const std::filesystem::path& directory, PartSizes sizes);

}  // namespace tangentplane::data
