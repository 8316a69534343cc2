// Arrays in numpy's .npy files. Read: versions 1.0 to 3.0, C and Fortran order, little-endian. Written: version 1.0, C order,
// float32, float64 or int64. Big arrays go straight between the file and the tensor's memory: no second copy exists at any time.
// Every function throws std::invalid_argument, one line naming the file, for anything it cannot read as described.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "autodiff/tensor.h"
#include "data/files.h"
#include "data/npy_format.h"

namespace tangentplane::data {

/// Shape and element type, without reading the numbers (but checking that the file is as long as they are).
NpyInfo npy_info(const std::filesystem::path& path);

/// An array of float32 or float64, converted to S; any other element type is refused by name.
template <class S>
Tensor<S> load_npy(const std::filesystem::path& path);

/// Rows [begin, end) of its first axis; of a C-ordered file only these are read.
template <class S>
Tensor<S> load_npy_rows(const std::filesystem::path& path, Index begin, Index end);

/// Images [N, H, W, C] (`any_shape`: or [N, ...]) of float32 or float64, taken as they are, or of uint8, divided by 255; the first `count`
/// of them, by default all. A NaN or an infinity among the images read is refused, naming the first image that holds one. `hash`, if given,
/// is added header and images as they stand in the file (of a file in Fortran order all of them).
template <class S>
Tensor<S> load_npy_images(const std::filesystem::path& path, std::optional<Index> count = {}, Hash64* hash = nullptr,
                          bool any_shape = false);

/// Labels [N] of any integer, bool or float type with integral values.
std::vector<int> load_labels_npy(const std::filesystem::path& path);
/// The same, each 0 or 1; for `images` images, if that is given: another number of labels is refused before they are read.
std::vector<int> load_binary_labels_npy(const std::filesystem::path& path, std::optional<Index> images = {});

/// Hash of all bytes of a file.
std::uint64_t hash_of_file(const std::filesystem::path& path);
/// That of the file which save_npy writes for the tensor.
template <class S>
std::uint64_t hash_as_npy(const Tensor<S>& tensor);

/// float32 or float64 by S; atomic (files.h).
template <class S>
void save_npy(const std::filesystem::path& path, const Tensor<S>& tensor);
/// int64 [N].
void save_npy(const std::filesystem::path& path, const std::vector<Index>& values);
/// int64 [N].
void save_npy(const std::filesystem::path& path, const std::vector<int>& values);

/// An array that exists only piece by piece: `fill` hands the numbers over in row-major order, in spans of any length, through its
/// argument. Throws std::invalid_argument if there were more or fewer than the shape has.
template <class S>
void save_npy_in_pieces(const std::filesystem::path& path, const Shape& shape,
                        const std::function<void(const std::function<void(std::span<const S>)>& append)>& fill);

/// What the functions above share with .npz archives: an array out of any source of bytes. `integers` also takes integers and bool, by
/// value.
enum class NpyTypes { floats, integers, images };
template <class S>
Tensor<S> read_npy(ByteSource& source, NpyTypes accepted);

/// "<f4" or "<f8".
template <class S>
constexpr const char* npy_descr() {
  return sizeof(S) == 4 ? "<f4" : "<f8";
}

}  // namespace tangentplane::data
