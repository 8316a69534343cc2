// Whole text files: read at once, or replaced so that nothing half-written ever stands under a final name.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace tangentplane::experiments {

/// A whole text, written as data/files.h writes: beside and renamed. Throws std::runtime_error with the system's reason.
void replace_text(const std::filesystem::path& path, std::string_view text);

/// The one spelling of a path: no "." or ".." in it, and no slash behind a folder.
std::filesystem::path normal_path(const std::filesystem::path& path);

/// The whole file. Throws std::invalid_argument if it cannot be read.
std::string read_text(const std::filesystem::path& path);

/// What a message says of a path at which there is no `what` (a file, a folder): that there is no such, that something else is there, or
/// what keeps it from being read.
std::string not_there(const std::string& path, const char* what);

/// What keeps this process from writing into a folder, in the system's words; empty if nothing does.
std::string why_not_writable(const std::filesystem::path& folder);

/// Throws std::invalid_argument naming the option unless there is the folder, to be written, into which `file` goes; an empty name is no
/// file.
void require_folder_for(std::string_view option, const std::string& file);

/// True if there is such an archive and it is whole: its directory and the headers of its arrays are.
bool is_whole_npz(const std::filesystem::path& path);
/// The same of a .npy.
bool is_whole_npy(const std::filesystem::path& path);

}  // namespace tangentplane::experiments
