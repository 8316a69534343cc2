// Networks from ONNX files: any graph of the operators in README.md becomes an ordinary model, with the file's names, weights and
// statistics.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "nn/network.h"
#include "nn/network_size.h"

namespace tangentplane::onnx {

/// Changes to what README.md's rule takes for trainable, by initialisers' names.
struct Trainable {
  std::vector<std::string> train;   ///< also these
  std::vector<std::string> freeze;  ///< not these
};

/// What a file says of its network before any number type is chosen.
struct Description {
  std::string input, output;                ///< names in the file
  int opset = 0;                            ///< of its operators
  Shape image;                              ///< an example as it is handed over: [H,W,C], [T,D] or [D]
  Index outputs = 1;                        ///< O
  std::vector<std::string> trainable;       ///< parameters, in the order of Variables::paths
  std::vector<std::string> constants;       ///< floating-point initialisers that are not trained
  std::vector<std::string> statistics;      ///< running means and variances
  std::map<std::string, double> variances;  ///< of the statistics the running variances, each with its BatchNormalization's epsilon
  NetworkSize size;                         ///< counts of numbers
  std::string computed_weight;  ///< "node X (MatMul) takes w", where w is computed from parameters and no derivatives by example
                                ///< exist; else empty
};

/// A network as a file has it.
template <class S>
struct Loaded {
  Network<S> network;       ///< of images [N, H, W, C] (or [N, D]) -> [N, O]
  Variables<S> variables;   ///< the file's weights and statistics
  Description description;  ///< names and sizes
};

/// Reads the description alone. Throws as load_onnx does.
Description describe_onnx(const std::filesystem::path& path, const Trainable& trainable = {});

/// Throws std::invalid_argument naming the file where `name` is a running variance and the value too small for a BatchNormalization to take
/// the root of it plus epsilon.
void require_variance(const std::string& file, const std::string& name, double value, const Description& description);

/// Reads a file. Throws std::invalid_argument with one line that names the file first, then what of it is not read.
template <class S>
Loaded<S> load_onnx(const std::filesystem::path& path, const Trainable& trainable = {});

/// Writes the graph of `from` with the parameters and statistics of `variables`, which were read from it, in their places (as float32 where
/// they were that), to `to`; all in one file. Throws std::invalid_argument where `variables` are not those of the graph, and
/// std::runtime_error where the file cannot be written.
template <class S>
void save_onnx(const std::filesystem::path& from, const std::filesystem::path& to, const Variables<S>& variables);

}  // namespace tangentplane::onnx
