// Which tile units an x86-64 processor under Linux has.
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "autodiff/cpu/split/unit.h"

namespace tangentplane::cpu::split {
namespace {

bool has_tiles() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned bf16 = 1U << 22, tile = 1U << 24;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & bf16) == 0 || (d & tile) == 0) return false;
  // Tiles are 8 KiB of a thread's state, which Linux saves for processes that have asked for it. A kernel that does not know them refuses.
  constexpr long ask = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, ask, tile_data) == 0;
}

Units find() {
  Units found{};
  const auto add = [&found](const Unit& one) { found.units[found.count++] = &one; };
  __builtin_cpu_init();
  if (has_tiles()) add(amx_unit);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) add(fma_unit);
  add(plain_unit);
  return found;
}

}  // namespace

const Units& units() {
  static const Units found = find();
  return found;
}

}  // namespace tangentplane::cpu::split
