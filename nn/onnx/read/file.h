// The bytes of a file: its messages and its tensors. All functions throw std::invalid_argument with one line that names the file first.
#pragma once

#include <filesystem>

#include "nn/onnx/constant.h"
#include "onnx.pb.h"

namespace tangentplane::onnx {

/// ONNX's names and sizes of types of numbers (TensorProto.DataType).
struct DataType {
  static constexpr int float32 = 1, int32 = 6, int64 = 7, boolean = 9, float64 = 11;
  /// As in messages: float16, int64. "type 99" for one that there is not.
  static std::string name(int type);
  /// Bytes a number in raw_data; 0 for types that are not read.
  static Index bytes(int type);
  /// Whether its numbers are floating-point ones, of whatever width.
  static bool real(int type);
};

/// The file's messages. Tells a file that ends early from one that is no ONNX file, and names a git-lfs pointer as such.
proto::ModelProto parse_model(const std::filesystem::path& path);

/// The tensor's numbers, from raw_data, one of the typed lists, or a file beside the model (`folder`). Sizes are compared before anything
/// is allocated. `what` names the tensor in messages.
Constant read_tensor(const std::string& file, const std::filesystem::path& folder, const std::string& what, const proto::TensorProto& t);

/// The tensor's bytes in a file beside the model, which must lie in the model's folder or below.
std::string read_external(const std::string& file, const std::filesystem::path& folder, const std::string& what,
                          const proto::TensorProto& t, Index bytes);

}  // namespace tangentplane::onnx
