// Commands with the shell's redirections, limits and traps around them.
#pragma once

#include "tests/experiments/run_binary.h"
#include "tests/places.h"

namespace tangentplane::experiments::test {

/// Lines for the shell, which finds the binaries by their names; it runs in the box's folder, under a name that counts for nothing.
inline Running start_shell(const Sandbox& box, const std::string& lines) {
  const TemporaryFolder& folder = box;
  folder.write(".line.sh", "PATH=" + places::binaries() + ":$PATH\n" + lines + "\n");
  return box.start("/bin/sh .line.sh");
}
inline Outcome shell(const Sandbox& box, const std::string& lines) { return start_shell(box, lines).wait(); }

/// A small kernel, some tenths of a second.
inline const std::string small_kernel = "compute_ntk --model mlp --features 3,1 --num-train 12 --num-test 4";
/// A training on it of a minute and more.
inline const std::string endless_training = "train_ntk --ntk K --index 2 --batch 4 --epochs 1000000 --quiet --out B";

/// Waits until there is such a file, or the process is over.
inline void wait_for(const fs::path& path, const Running& process) {
  while (!process.over() && !fs::exists(path)) usleep(1000);
}

}  // namespace tangentplane::experiments::test
