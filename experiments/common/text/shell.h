// Words of a shell's command line.
#pragma once

#include <string>
#include <string_view>

namespace tangentplane::experiments {

/// The word as a shell reads it back, whatever is in it; quoted only where it has to be, or is not ASCII.
std::string shell_quoted(std::string_view word);

}  // namespace tangentplane::experiments
