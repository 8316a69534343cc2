// .npz archives written by hand, so that they may say what no library would let them say; and gzip.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tangentplane::experiments::hostile {

/// Names (with .npy) and contents.
using Entries = std::vector<std::pair<std::string, std::string>>;

enum class Packing : std::uint16_t { stored = 0, deflated = 8 };

/// A zip archive of those entries in that order; names may repeat. zip64: sizes in the wide fields, as numpy writes big arrays. `method`
/// is what the headers say instead of the truth.
std::string zip_of(const Entries& entries, Packing packing, bool zip64 = false, int method = -1);
/// What is in an archive. Throws std::runtime_error for one that libzip does not read.
Entries entries_of(const std::string& archive);

/// gzip of those bytes, without a date; and back. Throws std::runtime_error for what is no gzip.
std::string gzipped(const std::string& bytes);
std::string unzipped(const std::string& bytes);

}  // namespace tangentplane::experiments::hostile
