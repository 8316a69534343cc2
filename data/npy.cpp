#include "data/npy.h"

#include <bit>
#include <cmath>
#include <limits>
#include <ostream>

#include "autodiff/check.h"
#include "data/images.h"

namespace tangentplane::data {
namespace fs = std::filesystem;
namespace {

static_assert(std::endian::native == std::endian::little, "numbers in .npy files are little-endian, as this code's");

constexpr Index piece = 1 << 16;  // elements converted at a time

/// IEEE half precision; labels may come in it.
struct Half {
  std::uint16_t bits;
  explicit operator double() const {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double magnitude = exponent == 31  ? (fraction ? std::numeric_limits<double>::quiet_NaN() : HUGE_VAL)
                             : exponent == 0 ? std::ldexp(fraction, -24)
                                             : std::ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 ? -magnitude : magnitude;
  }
};

/// put(i, value) for each element in file order.
template <class From, class Put>
void for_each_element(ByteSource& source, Index n, const Put& put) {
  std::vector<From> values(static_cast<std::size_t>(std::min(n, piece)));
  for (Index begin = 0; begin < n; begin += piece) {
    const Index count = std::min(piece, n - begin);
    source.read(values.data(), static_cast<std::size_t>(count) * sizeof(From));
    for (Index i = 0; i < count; ++i) put(begin + i, values[static_cast<std::size_t>(i)]);
  }
}

/// Calls use(From{}) with the C++ type of the elements; false if it is not one of ours.
template <class Use>
bool with_element_type(const NpyType& type, const Use& use) {
  const auto try_type = [&](char kind, auto from) {
    if (!type.is(kind, sizeof from)) return false;
    use(from);
    return true;
  };
  return try_type('f', float{}) || try_type('f', double{}) || try_type('f', Half{}) || try_type('b', std::uint8_t{}) ||
         try_type('u', std::uint8_t{}) || try_type('u', std::uint16_t{}) || try_type('u', std::uint32_t{}) ||
         try_type('u', std::uint64_t{}) || try_type('i', std::int8_t{}) || try_type('i', std::int16_t{}) || try_type('i', std::int32_t{}) ||
         try_type('i', std::int64_t{});
}

/// Row-major place of each element that comes in Fortran order.
class FortranWalk {
 public:
  explicit FortranWalk(const Shape& shape) : shape_(shape) {
    Index stride = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis, stride *= shape[axis + 1]) strides_[static_cast<std::size_t>(axis)] = stride;
  }
  Index place() const { return place_; }
  void advance() {
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(shape_.rank()); ++axis) {
      place_ += strides_[axis];
      if (++at_[axis] < shape_[static_cast<int>(axis)]) return;
      place_ -= at_[axis] * strides_[axis];
      at_[axis] = 0;
    }
  }

 private:
  const Shape& shape_;
  std::array<Index, Shape::max_rank> strides_{}, at_{};
  Index place_ = 0;
};

void require_accepted(const std::string& name, const NpyType& type, NpyTypes accepted) {
  const bool floats = type.is('f', 4) || type.is('f', 8);
  if (accepted == NpyTypes::floats) require(floats, "{}: dtype {}, not float32 or float64", name, type.name());
  if (accepted == NpyTypes::images)
    require(floats || type.is('u', 1), "{}: dtype {}; images are float32, float64 or uint8", name, type.name());
  if (accepted == NpyTypes::integers) {
    const bool integers = type.order != '>' && (type.kind == 'i' || type.kind == 'u' || type.kind == 'b') && type.bytes <= 8;
    require(floats || integers, "{}: dtype {}, not float32, float64 or an integer", name, type.name());
  }
}

/// The numbers that follow, `shape` of them (some rows of the file's, or all).
template <class S>
Tensor<S> read_numbers(ByteSource& source, const NpyInfo& info, const Shape& shape, NpyTypes accepted) {
  Tensor<S> tensor(shape);
  const S divisor = accepted == NpyTypes::images && info.type.is('u', 1) ? S(255) : S(1);
  with_element_type(info.type, [&]<class From>(From) {
    const auto convert = [divisor](From v) {
      if constexpr (std::same_as<From, Half>)
        return static_cast<S>(static_cast<double>(v)) / divisor;
      else
        return static_cast<S>(v) / divisor;
    };
    if (info.fortran_order) {
      FortranWalk walk(shape);
      for_each_element<From>(source, tensor.size(), [&](Index, From v) {
        tensor[walk.place()] = convert(v);
        walk.advance();
      });
    } else if constexpr (std::same_as<From, S>) {
      source.read(tensor.data(), static_cast<std::size_t>(tensor.size()) * sizeof(S));
    } else {
      for_each_element<From>(source, tensor.size(), [&](Index i, From v) { tensor[i] = convert(v); });
    }
  });
  return tensor;
}

template <class S>
Tensor<S> load_rows(const fs::path& path, Index begin, std::optional<Index> end_or_all, NpyTypes accepted, Hash64* hash = nullptr) {
  auto source = ByteSource::file(path);
  if (hash) source.hash_into(*hash);
  const NpyInfo info = read_npy_header(source);
  require_accepted(source.name(), info.type, accepted);
  if (info.shape.rank() == 0) return read_numbers<S>(source, info, info.shape, accepted);
  const Index end = end_or_all.value_or(info.shape[0]);
  require(0 <= begin && begin <= end && end <= info.shape[0], "{}: rows [{}, {}) of {}: there are {}", source.name(), begin, end,
          info.shape, info.shape[0]);
  if (info.fortran_order) return read_numbers<S>(source, info, info.shape, accepted).slice(begin, end);
  source.skip(static_cast<std::uint64_t>(begin * info.shape.row_size() * info.type.bytes));
  return read_numbers<S>(source, info, info.shape.with_rows(end - begin), accepted);
}

std::vector<int> load_labels(const fs::path& path, bool binary, std::optional<Index> images) {
  auto source = ByteSource::file(path);
  const NpyInfo info = read_npy_header(source);
  require(info.shape.rank() == 1, "{}: shape {}; labels are [N]{}", source.name(), info.shape,
          info.shape.rank() != 2 ? ""
          : info.shape[1] == 1   ? ", in numpy y[:, 0]"
                                 : ": of one-hot labels the classes, in numpy y.argmax(1)");
  require(!images || info.shape[0] == *images, "{}: has {} labels, there are {} images", source.name(), info.shape[0], images.value_or(0));
  std::vector<int> labels(static_cast<std::size_t>(info.shape[0]));
  const bool known = with_element_type(info.type, [&]<class From>(From) {
    for_each_element<From>(source, info.shape[0], [&](Index i, From v) {
      const auto value = static_cast<double>(v);
      if (binary) require(value == 0 || value == 1, "{}: entry {} is {}; binary labels are 0 or 1", source.name(), i, value);
      require(std::abs(value) <= std::numeric_limits<int>::max() && value == std::floor(value),
              "{}: entry {} is {}; a label is a whole number that fits 32 bits", source.name(), i, value);
      labels[static_cast<std::size_t>(i)] = static_cast<int>(value);
    });
  });
  require(known, "{}: dtype {}; labels are of an integer, bool or float type", source.name(), info.type.name());
  return labels;
}

}  // namespace

NpyInfo npy_info(const fs::path& path) {
  auto source = ByteSource::file(path);
  return read_npy_header(source);
}

template <class S>
Tensor<S> read_npy(ByteSource& source, NpyTypes accepted) {
  const NpyInfo info = read_npy_header(source);
  require_accepted(source.name(), info.type, accepted);
  return read_numbers<S>(source, info, info.shape, accepted);
}

template <class S>
Tensor<S> load_npy(const fs::path& path) {
  return load_rows<S>(path, 0, {}, NpyTypes::floats);
}

template <class S>
Tensor<S> load_npy_rows(const fs::path& path, Index begin, Index end) {
  return load_rows<S>(path, begin, end, NpyTypes::floats);
}

template <class S>
Tensor<S> load_npy_images(const fs::path& path, std::optional<Index> count, Hash64* hash, bool any_shape) {
  const Shape shape = npy_info(path).shape;
  require_image_shape(path.string(), shape, any_shape);
  require(shape.size() > 0, "{}: shape {} holds no image", path.string(), shape);
  const auto images = load_rows<S>(path, 0, count, NpyTypes::images, hash);
  require_finite(path.string(), images);
  return images;
}

std::vector<int> load_labels_npy(const fs::path& path) { return load_labels(path, false, {}); }
std::vector<int> load_binary_labels_npy(const fs::path& path, std::optional<Index> images) { return load_labels(path, true, images); }

std::uint64_t hash_of_file(const fs::path& path) {
  auto source = ByteSource::file(path);
  Hash64 hash;
  source.hash_into(hash);
  source.skip(source.left());
  return hash.value();
}

template <class S>
std::uint64_t hash_as_npy(const Tensor<S>& tensor) {
  return Hash64().add(npy_header(npy_descr<S>(), tensor.shape())).add(tensor.span()).value();
}

template <class S>
void save_npy(const fs::path& path, const Tensor<S>& tensor) {
  save_npy_in_pieces<S>(path, tensor.shape(), [&](const auto& append) { append(tensor.span()); });
}

void save_npy(const fs::path& path, const std::vector<Index>& values) {
  write_atomically(path, [&](std::ostream& out) {
    out << npy_header("<i8", {static_cast<Index>(values.size())});
    out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(Index)));
  });
}

void save_npy(const fs::path& path, const std::vector<int>& values) { save_npy(path, std::vector<Index>(values.begin(), values.end())); }

template <class S>
void save_npy_in_pieces(const fs::path& path, const Shape& shape,
                        const std::function<void(const std::function<void(std::span<const S>)>&)>& fill) {
  write_atomically(path, [&](std::ostream& out) {
    out << npy_header(npy_descr<S>(), shape);
    Index written = 0;
    fill([&](std::span<const S> values) {
      written += static_cast<Index>(values.size());
      require(written <= shape.size(), "save_npy: {}: more than the {} numbers of shape {}", path.string(), shape.size(), shape);
      out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
    });
    require(written == shape.size(), "save_npy: {}: {} of the {} numbers of shape {}", path.string(), written, shape.size(), shape);
  });
}

#define TANGENTPLANE_NPY(S)                                                                    \
  template Tensor<S> read_npy<S>(ByteSource&, NpyTypes);                                       \
  template Tensor<S> load_npy<S>(const fs::path&);                                             \
  template Tensor<S> load_npy_rows<S>(const fs::path&, Index, Index);                          \
  template Tensor<S> load_npy_images<S>(const fs::path&, std::optional<Index>, Hash64*, bool); \
  template std::uint64_t hash_as_npy<S>(const Tensor<S>&);                                     \
  template void save_npy<S>(const fs::path&, const Tensor<S>&);                                \
  template void save_npy_in_pieces<S>(const fs::path&, const Shape&,                           \
                                      const std::function<void(const std::function<void(std::span<const S>)>&)>&);
TANGENTPLANE_NPY(float)
TANGENTPLANE_NPY(double)
#undef TANGENTPLANE_NPY

}  // namespace tangentplane::data
