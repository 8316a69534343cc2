#include "experiments/common/run/fingerprints.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "data/hash.h"
#include "data/images.h"
#include "data/npy.h"
#include "experiments/common/cluster/ranks_of_run.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;

void Fingerprints::set(std::string name, std::string text, std::string source) {
  for (Fingerprint& f : all_)
    if (f.name == name) {
      f.text = std::move(text), f.source = std::move(source);
      return;
    }
  all_.push_back({std::move(name), std::move(text), std::move(source)});
}

const Fingerprint* Fingerprints::find(std::string_view name) const {
  for (const Fingerprint& f : all_)
    if (f.name == name) return &f;
  return nullptr;
}

Fingerprints Fingerprints::read(const fs::path& folder) {
  Fingerprints found;
  const fs::path path = folder / "run.json";
  if (!fs::exists(path)) return found;
  const auto json = nlohmann::ordered_json::parse(read_text(path), nullptr, false);
  const auto wrong = [&](bool ok) {
    require(ok, "{}: is not the record of a run; put it right or delete it, and nothing is compared", path.string());
  };
  wrong(json.is_object());
  if (!json.contains("fingerprints")) return found;
  wrong(json["fingerprints"].is_object());
  for (const auto& [name, value] : json["fingerprints"].items()) {
    wrong(value.is_string());
    const auto text = value.get<std::string>();
    wrong(text.size() >= 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos);
    found.set(name, text);
  }
  return found;
}

bool is_content(std::string_view key, const std::string& a, const std::string& b, const Fingerprints& known) {
  constexpr std::pair<std::string_view, std::string_view> contents[] = {
      {"data", "images"}, {"data-dir", "images"}, {"labels", "labels"}, {"init", "weights"}, {"model", "graph"}};
  return a.starts_with('/') && b.starts_with('/') &&
         std::any_of(std::begin(contents), std::end(contents), [&](const auto& c) { return c.first == key && known.find(c.second); });
}

template <class S>
Fingerprints fingerprints_of(const CommonOptions& o, const Subject<S>& subject, const fs::path& init) {
  Fingerprints made;
  made.set("images", data::hexadecimal(subject.data.fingerprint), "--data " + o.data);
  made.set("weights", fingerprint(subject.init), weights_option(o, init));
  add_graph(made, o);
  return made;
}

void add_graph(Fingerprints& made, const CommonOptions& o) {
  if (o.is_file_model()) made.set("graph", data::hexadecimal(data::hash_of_file(o.model)), "--model " + o.model);
}
template Fingerprints fingerprints_of(const CommonOptions&, const Subject<float>&, const fs::path&);
template Fingerprints fingerprints_of(const CommonOptions&, const Subject<double>&, const fs::path&);

std::vector<fs::path> input_files(const CommonOptions& o, const std::vector<fs::path>& more) {
  auto files = data::source_files(source_of(o));
  for (const std::string& file : {o.is_file_model() ? o.model : "", o.labels, o.init})
    if (!file.empty()) files.emplace_back(file);
  files.insert(files.end(), more.begin(), more.end());
  return files;
}

std::string fingerprint(const std::vector<Target>& targets) {
  data::Hash64 hash;
  for (const Target& t : targets) hash.add(fmt::format("{} {} ", t.name, t.labels.size())).add(std::span<const int>(t.labels));
  return data::hexadecimal(hash.value());
}

void require_same(const Fingerprints& now, const Fingerprints& before, const std::string& whose, const std::string& remedy) {
  for (const Fingerprint& f : now.all())
    if (const Fingerprint* then = before.find(f.name)) {
      const bool many = f.name.ends_with('s');
      require(data::same_fingerprint(f.text, then->text), "{}: its {} {} {} ({} now, {} then); {}", f.source, f.name,
              many ? "are not those" : "is not that", whose, f.text, then->text, remedy);
    }
}

void require_same_inputs(const ResultsFolder& folder, const Fingerprints& now) {
  require_same_on_ranks(folder.config(), now);
  require_same(now, Fingerprints::read(folder.path()), fmt::format("from which {} was made", folder.path().string()),
               "put them back, or give another --out");
}

namespace {

template <class S>
std::uint64_t read_rows_through(const fs::path& file, const data::NpyInfo& info, const char* what, RowNorms norms) {
  const Index rows = info.shape[0], some = info.fortran_order ? std::max<Index>(1, rows) : 64;
  data::Hash64 hash;
  hash.add(data::npy_header(data::npy_descr<S>(), info.shape));
  for (Index i = 0; i < rows; i += some) {
    const auto part = data::load_npy_rows<S>(file, i, std::min(rows, i + some));
    data::require_finite(file.string(), part, what, i);
    for (Index r = 0; norms == RowNorms::one && r < part.rows(); ++r) {
      double square = 0;
      const auto row = part.slice(r, r + 1);
      for (const S v : row.span()) square += static_cast<double>(v) * static_cast<double>(v);
      const double norm = std::sqrt(square);
      require(std::abs(norm - 1) <= 0.01, "{}: {} {} has norm {:.4g}, not 1", file.string(), what, i + r, norm);
    }
    hash.add(part.span());
  }
  return hash.value();
}

}  // namespace

std::uint64_t read_through(const fs::path& file, const char* what, const std::string& remedy, RowNorms norms) {
  return with_remedy(remedy, [&] {
    const data::NpyInfo info = data::npy_info(file);
    require(info.shape.rank() == 2, "{}: has shape {}, which is no matrix", file.string(), info.shape);
    return info.type.is('f', 4) ? read_rows_through<float>(file, info, what, norms) : read_rows_through<double>(file, info, what, norms);
  });
}

void say_if_other(const std::string& experiment, const fs::path& file, std::uint64_t hash, const Fingerprints& before,
                  std::string_view name) {
  const Fingerprint* then = before.find(name);
  std::string line;
  if (before.all().empty())
    line = fmt::format("{}: {}: an older version made it, without fingerprints; that its inputs are the same is not checked\n", experiment,
                       file.parent_path().string());
  else if (then && then->text != data::hexadecimal(hash))
    line = fmt::format("{}: {}: is not the file that its run wrote ({} in run.json, {} now); it is taken as it is\n", experiment,
                       file.string(), then->text, data::hexadecimal(hash));
  put(stderr, line);
}

void say_if_other_dtype(const std::string& experiment, const std::string& dtype, const fs::path& folder) {
  const Config config = Config::read(folder / "config.toml");
  if (const std::string* then = config.find("dtype"); then && *then != dtype)
    remark("{}: {} is of {}, this run of {}; --dtype {} makes them alike\n", experiment, folder.string(), *then, dtype, *then);
}

}  // namespace tangentplane::experiments
