#include "nn/onnx/read/file.h"

#include <array>
#include <bit>
#include <charconv>
#include <fstream>
#include <limits>

namespace tangentplane::onnx {

static_assert(std::endian::native == std::endian::little, "ONNX files hold little-endian numbers");

namespace {

/// A number of protobuf's: seven bits a byte, the lowest first.
bool take_varint(const std::string& bytes, std::size_t& at, std::uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at >= bytes.size()) return false;
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return true;
  }
  return true;
}

/// Why the bytes are no ModelProto, from its outermost fields alone: protobuf itself says only that they are not.
std::string why_not(const std::string& bytes) {
  constexpr const char* foreign = "is no ONNX file";
  bool any = false;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint64_t tag = 0, length = 0;
    const std::size_t start = at;
    if (!take_varint(bytes, at, tag)) return any ? "ends early" : foreign;
    const std::uint64_t field = tag >> 3, kind = tag & 7;
    // Of a ModelProto's own fields 1 and 5 are numbers, the others messages or text.
    const bool number = field == 1 || field == 5;
    if (field == 0 || field > 64 || kind != (number ? 0u : 2u)) return foreign;
    if (!take_varint(bytes, at, length)) return any ? "ends early" : foreign;
    if (!number) {
      if (length > bytes.size() - at) {
        if (!any) return foreign;
        return fmt::format("ends early: of {} bytes from byte {} on, {} are there", length, start, bytes.size() - at);
      }
      at += static_cast<std::size_t>(length);
    }
    any = true;
  }
  return "is a damaged ONNX file: its parts do not fit into one another";
}

constexpr std::array names{"undefined", "float32", "uint8",   "int8",   "uint16", "int16",     "int32",      "int64",   "string",
                           "bool",      "float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"};

template <class Number, class Out>
void from_raw(const std::string& raw, std::vector<Out>& out) {
  out.resize(raw.size() / sizeof(Number));
  for (std::size_t i = 0; i < out.size(); ++i) {
    Number v;
    std::copy_n(raw.data() + i * sizeof(Number), sizeof(Number), reinterpret_cast<char*>(&v));
    out[i] = static_cast<Out>(v);
  }
}

void numbers_from_raw(const std::string& raw, int type, Constant& c) {
  switch (type) {
    case 1:
      return from_raw<float>(raw, c.reals);
    case 11:
      return from_raw<double>(raw, c.reals);
    case 2:
    case 9:
      return from_raw<std::uint8_t>(raw, c.integers);
    case 3:
      return from_raw<std::int8_t>(raw, c.integers);
    case 4:
      return from_raw<std::uint16_t>(raw, c.integers);
    case 5:
      return from_raw<std::int16_t>(raw, c.integers);
    case 6:
      return from_raw<std::int32_t>(raw, c.integers);
    case 12:
      return from_raw<std::uint32_t>(raw, c.integers);
    default:
      return from_raw<std::int64_t>(raw, c.integers);
  }
}

}  // namespace

Index numbers(const Dims& dims) {
  Index n = 1;
  bool none = false;
  for (Index d : dims) {
    require(d >= 0, "{} has a negative extent", text(dims));
    if (d == 0)
      none = true;
    else
      require(!__builtin_mul_overflow(n, d, &n) && n <= Shape::most_numbers, "{} is above 2^60 numbers, more than any memory holds",
              text(dims));
  }
  return none ? 0 : n;
}

std::string text(const Dims& dims) { return fmt::format("[{}]", fmt::join(dims, ",")); }

std::string DataType::name(int type) {
  return type >= 0 && type < static_cast<int>(names.size()) ? names[static_cast<std::size_t>(type)] : fmt::format("type {}", type);
}
Index DataType::bytes(int type) {
  switch (type) {
    case 2:
    case 3:
    case 9:
      return 1;
    case 4:
    case 5:
      return 2;
    case 1:
    case 6:
    case 12:
      return 4;
    case 7:
    case 11:
      return 8;
    default:
      return 0;
  }
}
bool DataType::real(int type) { return type == 1 || type == 10 || type == 11 || type >= 16; }

proto::ModelProto parse_model(const std::filesystem::path& path) {
  const std::string file = path.string();
  std::error_code error;
  require(std::filesystem::is_regular_file(path, error), "{}: there is no such file", file);
  std::ifstream in(path, std::ios::binary);
  const auto size = std::filesystem::file_size(path, error);
  require(in.good() && !error, "{}: cannot be read", file);
  require(size <= static_cast<std::uintmax_t>(std::numeric_limits<int>::max()),
          "{}: {} bytes; one file holds at most 2 GB, export larger models with external data", file, size);
  std::string bytes(static_cast<std::size_t>(size), '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  require(in.gcount() == static_cast<std::streamsize>(bytes.size()), "{}: cannot be read to its end", file);
  require(!bytes.empty(), "{}: is empty; an ONNX file holds a graph", file);
  require(!bytes.starts_with("version https://git-lfs"), "{}: is no ONNX file but a git-lfs pointer to one; fetch it with git lfs pull",
          file);
  proto::ModelProto model;
  if (!model.ParseFromString(bytes)) throw std::invalid_argument(fmt::format("{}: {}", file, why_not(bytes)));
  require(model.has_graph() && (model.graph().node_size() > 0 || model.graph().output_size() > 0), "{}: holds no graph", file);
  return model;
}

std::string read_external(const std::string& file, const std::filesystem::path& folder, const std::string& what,
                          const proto::TensorProto& t, Index bytes) {
  std::string location;
  std::uint64_t offset = 0, length = static_cast<std::uint64_t>(bytes);
  bool has_length = false;
  for (const auto& entry : t.external_data()) {
    const auto number = [&](std::uint64_t& to) {
      const std::string& s = entry.value();
      const auto [end, failed] = std::from_chars(s.data(), s.data() + s.size(), to);
      require(failed == std::errc{} && end == s.data() + s.size(), "{}: {}: {} of its external data is '{}', not a number of bytes", file,
              what, entry.key(), s);
    };
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") number(offset);
    if (entry.key() == "length") number(length), has_length = true;
  }
  require(!location.empty() && location.find('\0') == std::string::npos, "{}: {}: its external data names no file", file, what);
  const std::filesystem::path at = std::filesystem::path(location).lexically_normal();
  require(!at.is_absolute() && *at.begin() != "..", "{}: {} lies in {}, which is outside the model's folder", file, what, location);
  require(!has_length || length == static_cast<std::uint64_t>(bytes), "{}: {}: {} bytes of external data where its dims take {}", file,
          what, length, bytes);
  std::error_code error;
  const std::filesystem::path path = folder / at;
  require(std::filesystem::is_regular_file(path, error),
          "{}: {} lies in {}, which is not there; it belongs beside the model (or save the model as one file)", file, what, location);
  const std::uint64_t size = std::filesystem::file_size(path, error);
  require(!error && offset <= size && length <= size - offset, "{}: {}: bytes {} to {} of {}, which has {}", file, what, offset,
          offset + length, location, size);
  std::ifstream in(path, std::ios::binary);
  std::string data(static_cast<std::size_t>(length), '\0');
  in.seekg(static_cast<std::streamoff>(offset));
  in.read(data.data(), static_cast<std::streamsize>(data.size()));
  require(in.good() || data.empty(), "{}: {}: {} cannot be read", file, what, location);
  return data;
}

Constant read_tensor(const std::string& file, const std::filesystem::path& folder, const std::string& what, const proto::TensorProto& t) {
  const int type = t.data_type();
  Constant c;
  c.dims.assign(t.dims().begin(), t.dims().end());
  for (Index d : c.dims) require(d >= 0, "{}: {} has dims {}, one of them negative", file, what, text(c.dims));
  require(DataType::bytes(type) > 0, "{}: {} is of type {}{}", file, what, DataType::name(type),
          DataType::real(type) ? "; export the model in float32" : ", which no network here takes");
  c.type = DataType::real(type) ? Type::real : type == DataType::boolean ? Type::boolean : Type::integer;
  Index count = 0;
  try {
    count = numbers(c.dims);
  } catch (const std::invalid_argument&) {
    throw std::invalid_argument(fmt::format("{}: {} has dims {}, which multiply to more than any memory holds", file, what, text(c.dims)));
  }
  const Index bytes = count * DataType::bytes(type);
  const auto same = [&](Index there, const char* unit, Index wanted) {
    require(there == wanted, "{}: {} has {} {} where dims {} of {} take {}", file, what, there, unit, text(c.dims), DataType::name(type),
            wanted);
  };
  if (t.data_location() == proto::TensorProto::EXTERNAL) {
    numbers_from_raw(read_external(file, folder, what, t, bytes), type, c);
    return c;
  }
  if (t.has_raw_data()) {
    same(static_cast<Index>(t.raw_data().size()), "bytes of raw_data", bytes);
    numbers_from_raw(t.raw_data(), type, c);
    return c;
  }
  const auto list = [&](const auto& from, auto& to) {
    same(from.size(), "numbers", count);
    to.assign(from.begin(), from.end());
  };
  if (type == DataType::float32)
    list(t.float_data(), c.reals);
  else if (type == DataType::float64)
    list(t.double_data(), c.reals);
  else if (type == DataType::int64)
    list(t.int64_data(), c.integers);
  else
    list(t.int32_data(), c.integers);
  return c;
}

}  // namespace tangentplane::onnx
