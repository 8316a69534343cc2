#include "experiments/common/run/files_of_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

#include "data/files.h"
#include "data/hash.h"
#include "experiments/common/text/files.h"

namespace tangentplane::experiments {
namespace {

namespace fs = std::filesystem;

/// Files that a run is read by, or goes on from. Others in its folder, notes say, are their owner's to change.
bool is_of_a_run(std::string_view name) {
  constexpr std::string_view names[] = {"init.npz",      "eigvals.npy",        "eigvecs.npy",         "residuals.npy",
                                        "ntk.npy",       "nads.npy",           "labels.npy",          "indices.npy",
                                        "history.csv",   "test_logits.npy",    "final.npz",           "final.onnx",
                                        "alignment.npy", "alignment_init.npy", "alignment_parts.npy", "alignment_init_parts.npy",
                                        "accuracy.csv"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names) || name.starts_with("alignment-epoch");
}

/// As FileOfRun says. Throws as data/files.h reads.
std::string content_of(const fs::path& file) {
  constexpr std::uint64_t piece = 1 << 20, pieces = 1024;
  auto source = data::ByteSource::file(file);
  const std::uint64_t step = std::max<std::uint64_t>(1, source.left() / piece / pieces);
  data::Bytes read(static_cast<std::size_t>(std::min(piece, source.left())));
  data::Hash64 hash;
  const auto add = [&](std::uint64_t count) {
    source.read(read.data(), static_cast<std::size_t>(count));
    hash.add(read.data(), static_cast<std::size_t>(count));
  };
  while (source.left() >= piece) {
    add(piece);
    source.skip(std::min(step - 1, source.left() / piece) * piece);
  }
  add(source.left());
  return data::hexadecimal(hash.value());
}

}  // namespace

void for_files(const fs::path& folder, const std::function<void(const fs::path&)>& f) {
  std::error_code error;
  std::vector<fs::path> files;  // first all of them, for f may remove one
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code unknown;
    const auto type = entry->symlink_status(unknown).type();
    if (type == fs::file_type::directory && fs::exists(entry->path() / "config.toml", unknown)) entry.disable_recursion_pending();
    if (type == fs::file_type::regular) files.push_back(entry->path());
  }
  for (const fs::path& file : files) f(file);
}

std::map<std::string, FileOfRun> files_of_run(const fs::path& folder) {
  std::map<std::string, FileOfRun> files;
  for_files(folder, [&](const fs::path& file) {
    std::error_code error;
    if (!is_of_a_run(file.filename().string())) return;
    if (const auto bytes = fs::file_size(file, error); !error)
      files[fs::relative(file, folder, error).string()] = {bytes, content_of(file)};
  });
  return files;
}

std::optional<nlohmann::json> record_in(const fs::path& folder) {
  if (!fs::is_regular_file(folder / "run.json")) return {};
  return nlohmann::json::parse(read_text(folder / "run.json"), nullptr, false);
}

bool says_unfinished(const fs::path& folder) {
  const auto record = record_in(folder);
  return record && record->is_object() && record->contains("finished") && (*record)["finished"] == false;
}

std::vector<std::pair<fs::path, std::string>> torn_files(const fs::path& folder, const std::set<std::string>& unread) {
  const auto found = record_in(folder);
  if (!found) return {};  // of a time before there was one
  const nlohmann::json& record = *found;
  if (record.is_discarded()) return {{folder / "run.json", "is cut short"}};
  std::vector<std::pair<fs::path, std::string>> torn;
  if (!record.is_object() || !record.contains("files") || !record["files"].is_object()) return {};
  const auto& contents = record.contains("contents") && record["contents"].is_object() ? record["contents"] : nlohmann::json::object();
  for (const auto& [name, bytes] : record["files"].items()) {
    const std::string file = fs::path(name).filename().string();
    if (!bytes.is_number_unsigned() || !is_of_a_run(file) || unread.contains(file)) continue;
    const auto status = fs::status(folder / name);  // throws for a disk that fails
    const auto there = fs::is_regular_file(status) ? fs::file_size(folder / name) : 0;
    const auto content = contents.find(name);
    if (!fs::is_regular_file(status))
      torn.emplace_back(folder / name, "is missing");
    else if (there != bytes.get<std::uintmax_t>())
      torn.emplace_back(folder / name, fmt::format("has {} bytes, not {}", there, bytes.get<std::uintmax_t>()));
    else if (content != contents.end() && *content != content_of(folder / name))
      torn.emplace_back(folder / name, "has other contents than the run left there");
  }
  return torn;
}

}  // namespace tangentplane::experiments
