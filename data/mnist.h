// MNIST (LeCun, Cortes and Burges) in its idx files: a big-endian header and one byte a pixel or label; plain or gzipped.
#pragma once

#include "data/byte_images.h"

namespace tangentplane::data {

/// Images in DIR/mnist or DIR: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each
/// plain or with .gz. Throws std::invalid_argument, one line, for a missing file, a wrong magic number, images that are not
/// 28 x 28, and counts of images and labels that differ.
PartSizes mnist_sizes(const std::filesystem::path& directory);

/// The four files.
std::vector<std::filesystem::path> mnist_files(const std::filesystem::path& directory);

/// The first images of each part in file order, as [N, 28, 28, 1]; no others are read. Throws as above, for more images than there
/// are, for a label above 9, and for a file that ends too early or too late (of a gzipped one as far as it was read).
ByteImages load_mnist(const std::filesystem::path& directory, PartSizes sizes);

}  // namespace tangentplane::data
