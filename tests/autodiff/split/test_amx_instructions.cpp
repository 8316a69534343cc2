// The code for AMX's tiles, run where there are none: each of its instructions raises SIGILL there, and the handler does what Intel's
// manual says of it. What is tested is the code, its tiles, addresses and order; the arithmetic is the handler's.
#if defined(__x86_64__) && defined(__linux__)

#include <signal.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "autodiff/cpu/split/packed.h"
#include "autodiff/random.h"
#include "autodiff/tensor.h"
#include "tests/catch.h"

using namespace tangentplane;
using namespace tangentplane::cpu;

namespace {

// The tiles' state, and how often each instruction was met.
struct Tiles {
  bool configured = false;
  unsigned char rows[8] = {}, data[8][16][64] = {};
  std::uint16_t row_bytes[8] = {};
  int loads = 0, stores = 0, products = 0, zeros = 0, releases = 0;
};
Tiles tiles;

void end_with(const char* what) {
  static_cast<void>(!write(2, what, std::strlen(what)));
  _exit(3);
}

float flushed(float x) { return std::abs(x) < 0x1p-126F ? std::copysign(0.F, x) : x; }
float upper_half(std::uint32_t bits) { return flushed(std::bit_cast<float>(bits)); }

void multiply(int to, int a, int b) {
  if (tiles.row_bytes[to] != tiles.row_bytes[b] || tiles.row_bytes[a] / 4 != tiles.rows[b] || tiles.rows[to] != tiles.rows[a])
    end_with("tdpbf16ps: tiles do not fit\n");
  for (int m = 0; m < tiles.rows[to]; ++m)
    for (int n = 0; n < tiles.row_bytes[to] / 4; ++n) {
      float first = 0, second = 0, sum;
      for (int k = 0; k < tiles.row_bytes[a] / 4; ++k) {
        std::uint32_t x, y;
        std::memcpy(&x, &tiles.data[a][m][4 * k], 4);
        std::memcpy(&y, &tiles.data[b][k][4 * n], 4);
        first = flushed(std::fma(upper_half(x << 16), upper_half(y << 16), first));
        second = flushed(std::fma(upper_half(x & 0xffff0000U), upper_half(y & 0xffff0000U), second));
      }
      std::memcpy(&sum, &tiles.data[to][m][4 * n], 4);
      sum = flushed(sum + flushed(first + second));
      std::memcpy(&tiles.data[to][m][4 * n], &sum, 4);
    }
}

/// A VEX instruction of three prefix bytes, of the map 0F38, at `code`: done, and its length returned.
int execute(const unsigned char* code, const greg_t* registers) {
  static constexpr int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                  REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  if (code[0] != 0xc4 || (code[1] & 0x1f) != 2 || (code[2] & 0x84) != 0) end_with("no instruction of AMX\n");
  const int prefix = code[2] & 3, opcode = code[3], mode = code[4] >> 6, reg = code[4] >> 3 & 7, rm = code[4] & 7;
  enum { none, p66, f3, f2 };
  int length = 5;
  greg_t at = 0, stride = 0;
  if (mode != 3) {
    const bool sib = rm == 4;
    const int base = (sib ? code[length] & 7 : rm) + (code[1] & 0x20 ? 0 : 8);
    const int index = sib ? (code[length] >> 3 & 7) + (code[1] & 0x40 ? 0 : 8) : 4;
    const int scale = sib ? code[length] >> 6 : 0;
    length += sib;
    const bool no_base = mode == 0 && (base & 7) == 5;
    std::int32_t offset = 0;
    if (mode == 1) {
      offset = static_cast<signed char>(code[length++]);
    } else if (mode == 2 || no_base) {
      std::memcpy(&offset, code + length, 4);
      length += 4;
    }
    if (!no_base)
      at = registers[order[base]];
    else if (!sib)
      at = reinterpret_cast<greg_t>(code) + length;  // relative to the next instruction
    at += offset;
    if (index != 4) stride = registers[order[index]] << scale;
  }
  auto* const memory = reinterpret_cast<unsigned char*>(at);
  if (opcode == 0x49 && prefix == none && mode != 3) {
    if (memory[0] != 1 || memory[1] != 0) end_with("ldtilecfg: palette or start row\n");
    tiles.configured = true;
    std::memcpy(tiles.row_bytes, memory + 16, sizeof tiles.row_bytes);
    std::memcpy(tiles.rows, memory + 48, sizeof tiles.rows);
    std::memset(tiles.data, 0, sizeof tiles.data);
    return length;
  }
  if (!tiles.configured) end_with("a tile is used before ldtilecfg\n");
  if (opcode == 0x49 && prefix == none && code[4] == 0xc0) {
    tiles.configured = false;
    ++tiles.releases;
  } else if (opcode == 0x49 && prefix == f2 && mode == 3 && rm == 0) {
    std::memset(tiles.data[reg], 0, sizeof tiles.data[reg]);
    ++tiles.zeros;
  } else if (opcode == 0x4b && prefix == f2 && rm == 4) {
    std::memset(tiles.data[reg], 0, sizeof tiles.data[reg]);
    for (int i = 0; i < tiles.rows[reg]; ++i) std::memcpy(tiles.data[reg][i], memory + i * stride, tiles.row_bytes[reg]);
    ++tiles.loads;
  } else if (opcode == 0x4b && prefix == f3 && rm == 4) {
    for (int i = 0; i < tiles.rows[reg]; ++i) std::memcpy(memory + i * stride, tiles.data[reg][i], tiles.row_bytes[reg]);
    ++tiles.stores;
  } else if (opcode == 0x5c && prefix == f3 && mode == 3) {
    multiply(reg, rm, ~(code[2] >> 3) & 7);
    ++tiles.products;
  } else {
    end_with("another instruction of AMX\n");
  }
  return length;
}

extern "C" void do_instruction(int, siginfo_t*, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  registers[REG_RIP] += execute(reinterpret_cast<const unsigned char*>(registers[REG_RIP]), registers);
}

/// While it lives, instructions of tiles are done by the handler.
class Handler {
 public:
  Handler() {
    struct sigaction action {};
    action.sa_sigaction = do_instruction;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGILL, &action, &before_);
  }
  ~Handler() { sigaction(SIGILL, &before_, nullptr); }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

 private:
  struct sigaction before_ {};
};

}  // namespace

TEST_CASE("split: the code for AMX gives the plain unit's bits, for any number of blocks and steps, instruction by instruction") {
  RandomStream random(0, "amx instructions");
  const bool real = split::unit().name == std::string("amx");
  for (const auto& [rows, columns, steps] : {std::array<Index, 3>{1, 1, 1}, {2, 2, 3}, {3, 1, 2}, {1, 3, 9}, {2, 3, 8}, {3, 3, 17}}) {
    INFO(rows << " x " << columns << " blocks, " << steps << " steps");
    const Index m = rows * split::lanes, n = columns * split::lanes, k = steps * split::depth, stride = n + 16;
    Tensor<float> x({m, k}), y({k, n}), c({m, stride}), expected({m, stride});
    for (float& v : x.span()) v = static_cast<float>(random.normal());
    for (float& v : y.span()) v = static_cast<float>(random.normal());
    c = Tensor<float>::full({m, stride}, 7), expected = Tensor<float>::full({m, stride}, 7);
    split::Packed a({split::Side::left, x.data(), k, 1, m, k}), b({split::Side::right, y.data(), 1, n, n, k});
    a.pack(0, rows);
    b.pack(0, columns);
    REQUIRE(a.pieces() == 1);
    split::plain_unit.multiply(a.tiles(0, 0), rows, b.tiles(0, 0), columns, steps, expected.data(), stride);
    tiles = {};
    {
      const Handler handler;
      split::amx_unit.multiply(a.tiles(0, 0), rows, b.tiles(0, 0), columns, steps, c.data(), stride);
    }
    Index different = 0;
    for (Index i = 0; i < m * stride; ++i) different += std::bit_cast<std::uint32_t>(c[i]) != std::bit_cast<std::uint32_t>(expected[i]);
    CHECK(different == 0);
    if (real) continue;  // no instruction was met
    CHECK(tiles.products == 3 * rows * columns * steps);
    CHECK(tiles.stores == rows * columns * ((steps + 7) / 8));
    CHECK(tiles.releases == 1);
    CHECK(!tiles.configured);
  }
}

#endif
