#include "nn/checkpoint.h"

#include <cmath>
#include <map>
#include <set>

#include "data/hash.h"

namespace tangentplane {

template <class S>
void save_variables(const std::filesystem::path& path, const Variables<S>& variables, const VariableKeys& keys) {
  data::NamedTensors<S> entries;
  for (std::size_t i = 0; i < variables.paths.size(); ++i)
    entries.emplace_back(keys.parameters + variables.paths[i], variables.parameters[i]);
  data::NamedTensors<float> single;
  for (const auto& [name, value] : variables.statistics) {
    if (variables.single_statistics)
      single.emplace_back(keys.statistics + name, cast<float>(value));
    else
      entries.emplace_back(keys.statistics + name, value);
  }
  data::save_npz(path, entries, single);
}

void require_variance(const std::string& file, const std::string& name, double variance, double epsilon) {
  require(variance > -epsilon, "{}: {} holds {}; a variance is above {}, for BatchNorm takes the root of it plus {}", file, name, variance,
          -epsilon, epsilon);
}

template <class S>
void require_usable(const std::string& file, const std::string& name, const Tensor<S>& values) {
  const bool variance = name.starts_with("batch_stats/") && name.ends_with("/var");
  for (S v : values.span()) {
    require(std::isfinite(v), "{}: {} holds {}; all weights must be finite", file, name, v);
    if (variance) require_variance(file, name, static_cast<double>(v), batch_norm_epsilon);
  }
}

template <class S>
Variables<S> load_variables(const std::filesystem::path& path, const Variables<S>& like, const VariableKeys& keys) {
  const std::string file = path.string();
  std::map<std::string, Shape> wanted;
  for (std::size_t i = 0; i < like.paths.size(); ++i) wanted[keys.parameters + like.paths[i]] = like.parameters[i].shape();
  for (const auto& [name, value] : like.statistics) wanted[keys.statistics + name] = value.shape();
  bool single_statistics = false;
  std::set<std::string> there;
  for (const auto& [name, info] : data::npz_infos(path)) {  // a small archive may unpack to a large one: headers first
    require(info.type.is('f', 4) || info.type.is('f', 8), "{}: {}: dtype {}, not float32 or float64", file, name, info.type.name());
    const auto found = wanted.find(name);
    require(found != wanted.end(), "{}: {} {} is not part of this network; check the model and its widths", file, name, info.shape);
    require(found->second == info.shape, "{}: {} has shape {}, this network takes {}", file, name, info.shape, found->second);
    there.insert(name);
    if (std::is_same_v<S, double> && keys.statistics == VariableKeys{}.statistics && name.starts_with(keys.statistics) &&
        info.type.bytes == 4)
      single_statistics = true;  // flax's way, no other tool's
  }
  for (const auto& [name, shape] : wanted)
    require(there.contains(name), "{}: {} is missing; this network has it with shape {}", file, name, shape);

  const auto entries = data::load_npz<S>(path);
  for (const auto& [name, value] : entries) require_usable(file, name, value);
  Variables<S> variables = like;
  variables.single_statistics = single_statistics;
  for (std::size_t i = 0; i < like.paths.size(); ++i) variables.parameters[i] = *data::find(entries, keys.parameters + like.paths[i]);
  for (auto& [name, value] : variables.statistics) value = *data::find(entries, keys.statistics + name);
  return variables;
}

template <class S>
std::string fingerprint(const Variables<S>& variables) {
  data::NumbersFingerprint<S> all;
  for (std::size_t i = 0; i < variables.paths.size(); ++i) {
    all.add(variables.paths[i]);
    all.add(variables.parameters[i]);
  }
  for (const auto& [path, value] : variables.statistics) {
    all.add(path);
    all.add(value);
  }
  return all.text();
}

template void require_usable(const std::string&, const std::string&, const Tensor<float>&);
template void require_usable(const std::string&, const std::string&, const Tensor<double>&);
template std::string fingerprint(const Variables<float>&);
template std::string fingerprint(const Variables<double>&);
template void save_variables(const std::filesystem::path&, const Variables<float>&, const VariableKeys&);
template void save_variables(const std::filesystem::path&, const Variables<double>&, const VariableKeys&);
template Variables<float> load_variables(const std::filesystem::path&, const Variables<float>&, const VariableKeys&);
template Variables<double> load_variables(const std::filesystem::path&, const Variables<double>&, const VariableKeys&);

}  // namespace tangentplane
