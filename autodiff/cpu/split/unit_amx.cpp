// The tile unit itself: TDPBF16PS on tiles of 16 rows of 64 bytes; compiled with flags of its own. Two by two blocks of c stay in four
// tiles; of A and B two tiles each are loaded, eight loads for twelve products.
#include <immintrin.h>

#include "autodiff/cpu/split/unit.h"

namespace tangentplane::cpu::split {
namespace {

/// What LDTILECFG reads: all eight tiles of full size.
struct alignas(64) Configuration {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(Configuration) == 64);
// In memory as a whole: compilers tell the instruction's operand to be its first 8 bytes, and could leave the rest of a local one
// unwritten.
constexpr Configuration configuration;

constexpr std::int64_t row_bytes = 64;

/// Where a block's tile pairs and its part of c lie.
struct Place {
  const Pair *a, *b;
  std::int64_t next_a, next_b;  // pairs from one block of 16 rows or columns to the next
  float* c;
  std::int64_t stride;
};

// The intrinsics take the numbers of tiles as literals: 0 to 3 are c, 4 and 5 of A, 6 and 7 of B.
template <int rows, int columns>
void load_c(const Place& at) {
  const auto bytes = at.stride * std::int64_t(sizeof(float));
  _tile_loadd(0, at.c, bytes);
  if constexpr (columns == 2) _tile_loadd(1, at.c + lanes, bytes);
  if constexpr (rows == 2) _tile_loadd(2, at.c + lanes * at.stride, bytes);
  if constexpr (rows == 2 && columns == 2) _tile_loadd(3, at.c + lanes * at.stride + lanes, bytes);
}

template <int rows, int columns>
void store_c(const Place& at) {
  const auto bytes = at.stride * std::int64_t(sizeof(float));
  _tile_stored(0, at.c, bytes);
  if constexpr (columns == 2) _tile_stored(1, at.c + lanes, bytes);
  if constexpr (rows == 2) _tile_stored(2, at.c + lanes * at.stride, bytes);
  if constexpr (rows == 2 && columns == 2) _tile_stored(3, at.c + lanes * at.stride + lanes, bytes);
}

template <int rows>
void load_a(const Place& at, const Pair* from) {
  _tile_loadd(4, from, row_bytes);
  if constexpr (rows == 2) _tile_loadd(5, from + at.next_a, row_bytes);
}

template <int columns>
void load_b(const Place& at, const Pair* from) {
  _tile_loadd(6, from, row_bytes);
  if constexpr (columns == 2) _tile_loadd(7, from + at.next_b, row_bytes);
}

template <int rows, int columns>
void add_products() {
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (columns == 2) _tile_dpbf16ps(1, 4, 7);
  if constexpr (rows == 2) _tile_dpbf16ps(2, 5, 6);
  if constexpr (rows == 2 && columns == 2) _tile_dpbf16ps(3, 5, 7);
}

/// c of one block of tiles (+)= the products of `count` steps.
template <int rows, int columns>
void add_steps(const Place& at, std::int64_t count, bool from_zero) {
  if (from_zero) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    load_c<rows, columns>(at);
  }
  for (std::int64_t s = 0; s < count; ++s) {
    const Pair *const a = at.a + s * tile_pair, *const b = at.b + s * tile_pair;
    load_a<rows>(at, a + tile);
    load_b<columns>(at, b);
    add_products<rows, columns>();
    load_a<rows>(at, a);
    add_products<rows, columns>();
    load_b<columns>(at, b + tile);
    add_products<rows, columns>();
  }
  store_c<rows, columns>(at);
}

void multiply(const Pair* a, std::int64_t rows, const Pair* b, std::int64_t columns, std::int64_t steps, float* c, std::int64_t stride) {
  _tile_loadconfig(&configuration);
  const std::int64_t block = steps * tile_pair;
  for (std::int64_t row = 0; row < rows; row += 2)
    for (std::int64_t first = 0; first < steps; first += steps_a_chunk) {
      const std::int64_t count = steps - first < steps_a_chunk ? steps - first : steps_a_chunk;
      for (std::int64_t column = 0; column < columns; column += 2) {
        const Place at{a + row * block + first * tile_pair,
                       b + column * block + first * tile_pair,
                       block,
                       block,
                       c + row * lanes * stride + column * lanes,
                       stride};
        const bool two_rows = row + 1 < rows, two_columns = column + 1 < columns;
        const auto add = two_rows ? (two_columns ? add_steps<2, 2> : add_steps<2, 1>) : (two_columns ? add_steps<1, 2> : add_steps<1, 1>);
        add(at, count, first == 0);
      }
    }
  _tile_release();
}

}  // namespace

const Unit amx_unit{"amx", multiply};

}  // namespace tangentplane::cpu::split
