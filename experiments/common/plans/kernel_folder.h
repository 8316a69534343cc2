// The file that a kernel larger than memory is kept in while a run lasts, and the room that its folder has for it.
#pragma once

#include <filesystem>

namespace tangentplane::experiments {

/// The file's name in the results folder; it is there only while a run is not finished.
inline constexpr const char* tiles_name = "kernel.tiles";

/// The folder in the results folder that holds parts of the kernel, each with its own tiles, computed by jobs of an array.
inline constexpr const char* parts_name = "parts";

/// Bytes that a run into the folder may take: free there, or where it would be made, and those of tiles that are there already.
double free_space(const std::filesystem::path& folder);
/// Throws std::invalid_argument naming --out unless `bytes` are free there.
void require_space(const std::filesystem::path& folder, double bytes, double free);

}  // namespace tangentplane::experiments
