#include "nn/checkpoint.h"

#include <cmath>
#include <set>

namespace tangentplane {

template <class S>
void save_variables(const std::filesystem::path& path, const Variables<S>& variables) {
  data::NamedTensors<S> entries;
  for (std::size_t i = 0; i < variables.paths.size(); ++i) entries.emplace_back("params/" + variables.paths[i], variables.parameters[i]);
  data::NamedTensors<float> single;
  for (const auto& [name, value] : variables.statistics) {
    if (variables.single_statistics)
      single.emplace_back("batch_stats/" + name, cast<float>(value));
    else
      entries.emplace_back("batch_stats/" + name, value);
  }
  data::save_npz(path, entries, single);
}

template <class S>
Variables<S> load_variables(const std::filesystem::path& path, const Variables<S>& like) {
  const auto entries = data::load_npz<S>(path);
  std::set<std::string> wanted;
  const auto fetch = [&](const std::string& name, const Shape& shape) {
    wanted.insert(name);
    const Tensor<S>* found = data::find(entries, name);
    require(found, "{}: {} is missing; this network has it with shape {}", path.string(), name, shape);
    require(found->shape() == shape, "{}: {} has shape {}, this network takes {}", path.string(), name, found->shape(), shape);
    for (S v : found->span()) require(std::isfinite(v), "{}: {} holds {}; all weights must be finite", path.string(), name, v);
    return *found;
  };
  Variables<S> variables = like;
  for (std::size_t i = 0; i < like.paths.size(); ++i)
    variables.parameters[i] = fetch("params/" + like.paths[i], like.parameters[i].shape());
  for (auto& [name, value] : variables.statistics) value = fetch("batch_stats/" + name, value.shape());
  variables.single_statistics = false;
  for (const auto& [name, info] : data::npz_infos(path)) {
    require(info.type.kind == 'f', "{}: {} has dtype {}, not float32 or float64", path.string(), name, info.type.name());
    if (std::is_same_v<S, double> && name.starts_with("batch_stats/") && info.type.bytes == 4) variables.single_statistics = true;
  }
  for (const auto& [name, value] : entries)
    require(wanted.count(name), "{}: {} {} is not part of this network; check the model and its widths", path.string(), name,
            value.shape());
  return variables;
}

template void save_variables(const std::filesystem::path&, const Variables<float>&);
template void save_variables(const std::filesystem::path&, const Variables<double>&);
template Variables<float> load_variables(const std::filesystem::path&, const Variables<float>&);
template Variables<double> load_variables(const std::filesystem::path&, const Variables<double>&);

}  // namespace tangentplane
