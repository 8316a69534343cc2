// Which outputs of a network with several a Jacobian and a kernel are of, and how they lie in them.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "autodiff/shape.h"

namespace tangentplane {

/// Of a network with O outputs f_0 ... f_{O-1}, each with a Jacobian J_o [N, P].
struct Outputs {
  /// Which of them, and in what layout.
  enum class Kind {
    one,    ///< f_which alone; the kernel is J_o J_o^T [N, N]
    sum,    ///< their sum over sqrt(O), one function; the kernel is its own [N, N]
    trace,  ///< all; the kernel is the mean over the outputs of J_o J_o^T [N, N]
    full    ///< all; the kernel is that of every output with every other, [N O, N O], row n O + o for output o of image n
  };
  Kind kind = Kind::one;  ///< as above
  Index which = 0;        ///< of one

  static Outputs one(Index which) { return {Kind::one, which}; }  ///< f_which
  static Outputs sum() { return {Kind::sum, 0}; }                 ///< sum of all over sqrt(O)
  static Outputs trace() { return {Kind::trace, 0}; }             ///< all, on average
  static Outputs full() { return {Kind::full, 0}; }               ///< all, each with each

  /// The inverse of str: "3" (output 3), "sum", "trace", "full". Throws std::invalid_argument for any other word.
  static Outputs parse(std::string_view word) {
    for (const Outputs& o : {sum(), trace(), full()})
      if (word == o.str()) return o;
    Index number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    require(!word.empty() && error == std::errc() && end == word.data() + word.size() && number >= 0,
            "outputs: '{}' is none; give the number of one (0 is the first), sum, trace or full", word);
    return one(number);
  }
  /// As it is given on a command line.
  std::string str() const {
    switch (kind) {
      case Kind::sum:
        return "sum";
      case Kind::trace:
        return "trace";
      case Kind::full:
        return "full";
      case Kind::one:
        break;
    }
    return std::to_string(which);
  }

  /// What a network of so many outputs is asked for: `asked`, or without it the only output, or trace if there are several. Throws
  /// std::invalid_argument, naming `what` was asked, for one that does not exist.
  static Outputs choose(const char* what, const std::optional<Outputs>& asked, Index outputs) {
    const Outputs chosen = asked.value_or(outputs == 1 ? one(0) : trace());
    require(chosen.kind != Kind::one || (0 <= chosen.which && chosen.which < outputs), "{}: output {} of a network with {}", what,
            chosen.which, outputs);
    return chosen;
  }
  /// R, the cotangents that an image is pulled back with: rows of its Jacobian.
  Index cotangents(Index outputs) const { return kind == Kind::one || kind == Kind::sum ? 1 : outputs; }

  bool operator==(const Outputs&) const = default;  ///< the same outputs in the same layout
};

}  // namespace tangentplane
