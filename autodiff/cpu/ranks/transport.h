// What carries bytes between ranks: mpi.cpp by MPI, alone.cpp where there is one rank. The build takes one of the two.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "autodiff/cpu/ranks.h"

namespace tangentplane::cpu::transport {

/// This process's number among all.
struct Place {
  int rank = 0;     ///< from 0
  int count = 1;    ///< of all
  int on_node = 1;  ///< of all, how many are on this machine
};
Place start();
bool started_apart();
void end();
void barrier();
void broadcast(void* bytes, std::size_t count, int from);
/// Counts and places are of units of so many bytes.
void all_gather(const void* own, std::span<const Index> counts, void* all, std::size_t unit);
void exchange(const void* from, std::span<const Piece> out, void* to, std::span<const Piece> in, std::size_t unit);
[[noreturn]] void end_all(int status, const std::string& line, const std::function<void(const std::string&)>& say);
void on_failure_elsewhere(std::function<void(const std::string&)> say);

}  // namespace tangentplane::cpu::transport
