// From which sources a run's program was built, and how it was called.
#pragma once

#include <string>

namespace tangentplane::experiments {

/// Of the project: "1.0.0".
std::string version();
/// The commit of the sources at the latest build, 40 digits, and a + where they differed from it, or that of the git archive that they are;
/// "unknown" otherwise.
std::string commit();

/// Notes the command line; run_main does it.
void remember_command(int argc, const char* const* argv);
/// As a line that a shell reads as the same words; empty before remember_command.
const std::string& command();

}  // namespace tangentplane::experiments
