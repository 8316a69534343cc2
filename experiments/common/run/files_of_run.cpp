#include "experiments/common/run/files_of_run.h"

#include <fmt/format.h>
#include <algorithm>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

#include "data/hash.h"
#include "experiments/common/text/files.h"

namespace tangentplane::experiments {
namespace {

namespace fs = std::filesystem;

/// Files that a run is read by, or goes on from. Others in its folder, notes say, are their owner's to change.
bool is_of_a_run(std::string_view name) {
  constexpr std::string_view names[] = {"init.npz",  "eigvals.npy", "eigvecs.npy",   "residuals.npy",      "ntk.npy",
                                        "nads.npy",  "labels.npy",  "indices.npy",   "history.csv",        "test_logits.npy",
                                        "final.npz", "final.onnx",  "alignment.npy", "alignment_init.npy", "accuracy.csv"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names) || name.starts_with("alignment-epoch");
}

/// As FileOfRun says. Throws std::runtime_error naming the file where it cannot be read.
std::string content_of(const fs::path& file, std::uintmax_t bytes) {
  constexpr std::uintmax_t piece = 1 << 20, pieces = 1024;
  const std::uintmax_t all = bytes / piece, step = std::max<std::uintmax_t>(1, all / pieces);
  std::vector<char> read(static_cast<std::size_t>(std::min<std::uintmax_t>(piece, bytes)));
  data::Hash64 hash;
  std::ifstream in(file, std::ios::binary);
  const auto add = [&](std::uintmax_t at, std::uintmax_t count) {
    in.seekg(static_cast<std::streamoff>(at));
    in.read(read.data(), static_cast<std::streamsize>(count));
    if (!in) throw std::runtime_error(file.string() + ": cannot be read back");
    hash.add(read.data(), static_cast<std::size_t>(count));
  };
  for (std::uintmax_t i = 0; i < all; i += step) add(i * piece, piece);
  if (bytes % piece > 0) add(all * piece, bytes % piece);
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
      files[fs::relative(file, folder, error).string()] = {bytes, content_of(file, bytes)};
  });
  return files;
}

bool says_unfinished(const fs::path& folder) {
  const fs::path record_path = folder / "run.json";
  if (!fs::is_regular_file(record_path)) return false;
  const auto record = nlohmann::json::parse(read_text(record_path), nullptr, false);
  return record.is_object() && record.contains("finished") && record["finished"] == false;
}

std::vector<std::pair<fs::path, std::string>> torn_files(const fs::path& folder) {
  const fs::path record_path = folder / "run.json";
  if (!fs::is_regular_file(record_path)) return {};  // of a time before there was one
  const auto record = nlohmann::json::parse(read_text(record_path), nullptr, false);
  if (record.is_discarded()) return {{record_path, "is cut short"}};
  std::vector<std::pair<fs::path, std::string>> torn;
  if (!record.is_object() || !record.contains("files") || !record["files"].is_object()) return {};
  const auto& contents = record.contains("contents") && record["contents"].is_object() ? record["contents"] : nlohmann::json::object();
  for (const auto& [name, bytes] : record["files"].items()) {
    if (!bytes.is_number_unsigned() || !is_of_a_run(fs::path(name).filename().string())) continue;
    const auto status = fs::status(folder / name);  // throws for a disk that fails
    const auto there = fs::is_regular_file(status) ? fs::file_size(folder / name) : 0;
    const auto content = contents.find(name);
    if (!fs::is_regular_file(status))
      torn.emplace_back(folder / name, "is missing");
    else if (there != bytes.get<std::uintmax_t>())
      torn.emplace_back(folder / name, fmt::format("has {} bytes, not {}", there, bytes.get<std::uintmax_t>()));
    else if (content != contents.end() && *content != content_of(folder / name, there))
      torn.emplace_back(folder / name, "has other contents than the run left there");
  }
  return torn;
}

}  // namespace tangentplane::experiments
