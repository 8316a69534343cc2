// A case of hostile input: a command, the inputs that it gets, and the one thing that is wrong with them.
#pragma once

#include "tests/experiments/hostile/draw.h"
#include "tests/experiments/hostile/inputs.h"

namespace tangentplane::experiments::hostile {

struct Case {
  enum class Kind { options, file, folder, report };
  Kind kind = Kind::options;
  std::vector<std::string> words;   ///< the command; its first word names the binary
  std::vector<std::string> inputs;  ///< copied for it
  std::string broken;               ///< the file that is, below its folder; empty for Kind::options
  std::string how;                  ///< what broke it, once it is broken
  std::string out;                  ///< results that were there before and that the command goes on with; empty: none
  bool may_be_long = false;         ///< valid commands need not end, if Ctrl-C ends them
  /// Whether what the run leaves must be what it leaves with nothing broken: what was lost can be computed again.
  bool recoverable = false;
};

/// Case `number` of those of `seed`, nothing copied or broken yet.
Case draw_case(Draw& draw, const Inputs& inputs);
/// Breaks the case's file in `work`, where its inputs are.
void break_file(Draw& draw, Case& one, const std::filesystem::path& work);

/// A command and options with values of all kinds, most of them wrong (Kind::options).
std::vector<std::string> hostile_command(Draw& draw);

}  // namespace tangentplane::experiments::hostile
