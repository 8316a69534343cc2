// One run of a binary within limits of memory and of time, and how it ended.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tangentplane::experiments::hostile {

// A sanitizer takes terabytes of address space, and time.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
inline constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool sanitized = false;
#endif

struct Limits {
  double patience = sanitized ? 300 : 60;                ///< seconds until it is killed
  std::uint64_t processor_time = sanitized ? 120 : 20;   ///< seconds of its threads together, likewise
  double interrupted_after = 0;                          ///< seconds until it is sent SIGINT; 0: never
  std::uint64_t address_space = std::uint64_t{2} << 30;  ///< bytes of virtual memory (not with a sanitizer)
  std::uint64_t file_size = 0;                           ///< bytes of a file that it writes; 0: any
};

struct End {
  int status = 0;     ///< as a shell has it: 128 + signal if one ended it
  bool hung = false;  ///< it was killed for its time
  bool by_signal = false;
  bool interrupted = false;       ///< it was sent SIGINT
  std::uint64_t peak_memory = 0;  ///< bytes resident
  std::string err;
};

/// The first word is the binary's name in places::binaries, or a path. It runs in `folder`, sees no gnuplot (PATH is of no use), keeps
/// its temporary files in `temporary`, writes to two files beside `folder`, stdout and stderr, and has two processors at most:
/// OpenBLAS takes address space for each of its threads. `streams` are paths to open in place of standard input, output and error, "-"
/// to close one.
End run_child(const std::vector<std::string>& words, const std::filesystem::path& folder, const std::filesystem::path& temporary,
              const Limits& limits, const std::vector<std::string>& streams = {});

/// The same as a line to type.
std::string command_line(const std::vector<std::string>& words, const std::filesystem::path& folder);

}  // namespace tangentplane::experiments::hostile
