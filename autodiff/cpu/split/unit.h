// What multiplies tiles of bfloat16 pairs: the processor's matrix unit, or an emulation with the same bits. Nothing but <cstdint> is
// included here: files that are compiled for other processors than the rest of the library include it.
#pragma once

#include <cstdint>

namespace tangentplane::cpu::split {

using Pair = std::uint32_t;  ///< two bfloat16, each the upper half of a float: the first in the lower half

constexpr std::int64_t lanes = 16;            ///< rows of A, or columns of B, in a tile
constexpr std::int64_t pairs = 16;            ///< terms of the inner sum in a tile, two by two
constexpr std::int64_t depth = 2 * pairs;     ///< terms
constexpr std::int64_t tile = lanes * pairs;  ///< pairs in a tile: 1 KiB
constexpr std::int64_t tile_pair = 2 * tile;  ///< a tile of high parts, then that of the low ones
constexpr std::int64_t steps_a_chunk = 8;     ///< steps for which two rows of tile pairs of A stay in L1

/// One way of multiplying tiles.
struct Unit {
  const char* name;  ///< "amx", "fma" or "plain"
  /// c [16 rows, 16 columns], whose rows are `stride` apart, <- A B. a: for each block of 16 rows its `steps` tile pairs, a tile being
  /// [lane][pair]. b: for each block of 16 columns, a tile being [pair][lane]. For each step in order the tiles low high, high high, high
  /// low are added to c, each of them as Intel's manual says of TDPBF16PS: two sums of 16 terms from zero, of the first and of the second
  /// numbers, by fused multiply-adds; their sum; that sum added to c. All rounded to nearest even, denormal operands and results being
  /// zero.
  void (*multiply)(const Pair* a, std::int64_t rows, const Pair* b, std::int64_t columns, std::int64_t steps, float* c,
                   std::int64_t stride);
};

extern const Unit plain_unit;  ///< any processor
extern const Unit fma_unit;    ///< x86-64 with AVX2 and fused multiply-add
extern const Unit amx_unit;    ///< x86-64 with AMX's tiles for bfloat16

/// The units that this processor and system have, the fastest first; asks the system for the tiles at the first call.
struct Units {
  const Unit* units[3];  ///< so many of these
  int count;
};
/// Of this process.
const Units& units();
/// The first of them.
inline const Unit& unit() { return *units().units[0]; }

}  // namespace tangentplane::cpu::split
