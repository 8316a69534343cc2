# What doxygen is shown of a file, line by line: docs for names that our style documents elsewhere or together.

# One comment for several names, `Index height = 0, width = 0;  ///< of an image`, is one for each of them.
match($0, /^ +[A-Za-z_][A-Za-z0-9_:<> ]* [a-z_0-9]+({}| = [^,()]*)?(, [a-z_0-9]+({}| = [^,()]*)?)+; +\/\/\/< /) {
  comment = substr($0, RLENGTH + 1)
  count = split(substr($0, 1, index($0, ";") - 1), part, ", ")
  first = part[1]
  sub(/( = |{}).*/, "", first)
  type = first
  sub(/[a-z_0-9]+$/, "", type)
  line = ""
  for (i = 1; i <= count; ++i) line = line " /** " comment " */ " (i == 1 ? part[1] : type part[i]) ";"
  print line
  next
}

# A specialisation of another library's template, which doxygen does not follow.
/^template <>$/ { print ""; next }
/^struct fmt::formatter</ { foreign = 1 }
foreign { if (/^};/) foreign = 0; print ""; next }

# What every op of a kind has (autodiff/README.md, "The three kinds").
/^  static constexpr const char\* name = .*;$/ { $0 = $0 "  ///< In messages." }
/^  static constexpr bool shares_weight = / { sub(/;.*/, ";  ///< Whether one weight meets every example: then a parameter there leaves a factor.") }
/^  static constexpr bool rearranges = / { sub(/;.*/, ";  ///< It only rearranges numbers: a parameter behind it stays one.") }
/^  bool weight_is_shared\(\) const/ { sub(/^ +/, "  /** Whether one weight meets every example. */ ") }
/^  bool operator==\(const [A-Za-z]+&\) const = default;$/ { $0 = $0 "  ///< Of all members." }
/^template <class X>$/ { freestanding = $0; next }
freestanding { print (/^ScalarDual<X> / ? "/** By the rules of differentiation. */ " : "") freestanding; freestanding = "" }
/^  static constexpr bool broadcasts_to_examples = / { sub(/;.*/, ";  ///< Its output repeats its input for every example.") }
/^  Reach reach\(\) const/ { sub(/^ +/, "  /** How far an entry of its output looks into its input. */ ") }
/^  template <class X>$/ { $0 = "  /** Its value at a number, or at a scalar dual around one. */ template <class X>" }
/^  template <Slot s, class S>$/ || /^  template <Slot, class S>$/ { $0 = "  /** The third slot, given the values in the two others, in the order of Slot. */" $0 }
/^  friend .*ScalarDual/ { sub(/^ +/, "  /** By the rules of differentiation. */ ") }
# What every value type has (value.h).
/^  using Scalar = ScalarOf<T>;$/ || /^  using Scalar = S;$/ { if ($0 !~ /\/\/\//) $0 = $0 "  ///< Of the numbers inside." }
/^  static const Tensor<S(calar)?>& primal\(/ { sub(/^ +/, "  /** The innermost tensor. */ ") }
/^  static .* lift\(Tensor</ { sub(/^ +/, "  /** A constant. */ ") }
/^  static bool exactly_zero\(/ { sub(/^ +/, "  /** Whether it is zero in every part that a derivative could read. */ ") }
/^  template <class S>$/ { held = $0; next }
/^  Tensor<S> apply\(const Tensor<S>& [a-z]+\) const/ { if (held) held = "  /** Its output. */" held }
/^  Tensor<S> transpose\(const Tensor<S>& .\) const/ { if (held) held = "  /** The cotangent of its input, given that of its output. */" held }
/^  Tensor<S> add_to\(/ { if (held) held = "  /** x plus its output for b, in one sweep. */" held }
held { print held; held = "" }
{ print }
