// Nothing half-written ever stands under a final name.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace tangentplane::experiments {

/// Calls write(beside), a path in the same folder, then renames that file to `path`; if `write` throws, the file is removed.
void replace_file(const std::filesystem::path& path, const std::function<void(const std::filesystem::path&)>& write);

/// The same for a text. Throws std::runtime_error with the system's reason.
void replace_text(const std::filesystem::path& path, std::string_view text);

/// The whole file. Throws std::invalid_argument if it cannot be read.
std::string read_text(const std::filesystem::path& path);

}  // namespace tangentplane::experiments
