// What CLI11 leaves to us: files of options, and its messages in our form.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace tangentplane::experiments {

/// Adds --config FILE.toml: a run's config.toml, read by our own reader (run/config.h).
void read_config_file(CLI::App& app);

/// CLI11's own messages in one line: the option or the key, what is wrong, what would be right.
std::string one_line(const CLI::ParseError& e);

}  // namespace tangentplane::experiments
