// A command as mpirun starts it.
#pragma once

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "autodiff/random.h"
#include "tests/experiments/run_binary.h"

namespace tangentplane::experiments::test {

/// What mpirun is like here (tests/mpi/CMakeLists.txt, as is its command line, MPIRUN): whether it was told to keep its own advice, and
/// whether it hands nothing on once it is interrupted.
constexpr bool can_be_quiet = CAN_BE_QUIET, silent_once_interrupted = SILENT_ONCE_INTERRUPTED;

/// The command on so many ranks of one thread.
inline std::string on(int ranks, const std::string& command) {
  return fmt::format("{} -n {} {}/{} --threads 1", MPIRUN, ranks, places::binaries(), command);
}

/// The command on so many ranks, of which one runs another. By a script: a colon between two commands, any two, ends the mpirun of Open MPI
/// 5.0.7 (Debian 13) in SIGSEGV.
inline std::string on_all_but_one(const Sandbox& box, int ranks, const std::string& command, int one, const std::string& other) {
  const auto script = box / "by-rank";
  std::ofstream(script) << fmt::format("#!/bin/sh\nif [ \"${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}}\" = {} ]; then {}; else exec {}; fi\n", one,
                                       other, command);
  fs::permissions(script, fs::perms::owner_all);
  return fmt::format("{} -n {} {}", MPIRUN, ranks, script.string());
}

/// A small network and few images of it.
inline const std::string network = " --model lenet --features 3,4,10,8,1 --quiet", small = " --num-train 70 --num-test 30" + network;

/// Images of normal noise.
template <class S>
void save_noise(const fs::path& path, const Shape& shape) {
  RandomStream random(1, "images");
  Tensor<S> images(shape);
  for (S& v : images.span()) v = static_cast<S>(random.normal());
  data::save_npy(path, images);
}

inline Tensor<double> load(const fs::path& path) { return data::load_npy<double>(path); }

/// Of two folders in the box: eigenvalues, and the first of the eigenvectors.
inline void require_same_pairs(const Sandbox& box, const std::string& a, const std::string& b, double tolerance) {
  INFO(a << " and " << b);
  const auto va = load(box / a / "eigvals.npy"), vb = load(box / b / "eigvals.npy"), ua = load(box / a / "eigvecs.npy"),
             ub = load(box / b / "eigvecs.npy");
  REQUIRE(va.shape() == vb.shape());
  REQUIRE(ua.shape() == ub.shape());
  for (Index j = 0; j < va.size(); ++j) CHECK(std::abs(va[j] - vb[j]) <= tolerance * vb[0]);
  const Index n = ua.shape()[1];
  for (Index j = 0; j < std::min<Index>(5, va.size()); ++j) {
    double dot = 0;
    for (Index i = 0; i < n; ++i) dot += ua[j * n + i] * ub[j * n + i];
    CHECK(dot > 1 - 1e-6);
  }
}

/// Lines of a text.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

/// Lines of standard error; of an mpirun that cannot be quiet those of the programs, which begin with their names.
inline std::vector<std::string> errors_of(const std::string& text) {
  auto lines = lines_of(text);
  if (!can_be_quiet)
    std::erase_if(lines, [](const std::string& line) {
      return !line.starts_with("compute_") && !line.starts_with("train_") && !line.starts_with("own_networks") &&
             !line.starts_with("pretrained_");
    });
  return lines;
}

/// Processes that run that binary in that folder, by number.
inline std::vector<pid_t> processes_of(const std::string& binary, const fs::path& folder) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::error_code error;
    const auto program = fs::read_symlink(entry.path() / "exe", error);
    if (!error && program.filename() == binary && fs::read_symlink(entry.path() / "cwd", error) == fs::canonical(folder))
      found.push_back(std::stoi(entry.path().filename().string()));
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Waits for f(). The test fails where that takes longer than only a hang takes.
template <class F>
void wait_until(const std::string& what, const F& f) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(3);
  while (!f()) {
    INFO(what << " within three minutes");
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// Waits for the run.json of a run under way: all ranks have agreed by then, and nothing is computed yet. The test fails if the run ends
/// without.
inline void wait_for_record(Running& run, const fs::path& folder) {
  wait_until("run.json", [&] { return fs::exists(folder / "run.json") || run.over(); });
  if (fs::exists(folder / "run.json")) return;
  const Outcome end = run.wait();
  FAIL("status " << end.status << " without " << folder << ": " << end.err);
}

}  // namespace tangentplane::experiments::test
