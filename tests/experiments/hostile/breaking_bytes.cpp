#include "tests/experiments/hostile/breaking.h"

namespace tangentplane::experiments::hostile {

std::string broken_bytes(Draw& draw, std::string bytes) {
  for (std::size_t left = draw.among({1, 1, 1, 2, 4, 16}); left > 0; --left) {
    const std::size_t n = bytes.size(), at = draw.place(n), other = draw.place(n), some = draw.among({1, 2, 4, 8, 64, 512});
    if (n == 0) return bytes + std::string(1 + draw.below(40), static_cast<char>(draw.below(256)));
    switch (draw.below(9)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << draw.below(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(draw.chance(0.5) ? draw.below(256) : draw.among({0, 255, 10, 32, 39, 40, 41, 44, 123, 125}));
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes += draw.chance(0.5) ? std::string(some * some, '\0') : bytes.substr(at, some);
        break;
      case 4:
        bytes.erase(at, some);
        break;
      case 5:
        bytes.insert(at, bytes.substr(at, some));
        break;
      case 6: {  // a number where the format may have one, in either order of bytes
        const std::uint64_t value = draw.of(edges);
        const std::size_t size = draw.among({2, 4, 8});
        const bool big = draw.chance(0.3);
        for (std::size_t i = 0; i < size && at + i < n; ++i) bytes[at + i] = static_cast<char>(value >> (8 * (big ? size - 1 - i : i)));
        break;
      }
      case 7:
        bytes.replace(at, some, bytes.substr(other, some));
        break;
      default:
        bytes.replace(at, some,
                      draw.word({"PK\x01\x02", "PK\x05\x06", "PK\x06\x06", "PK\x06\x07", "\x93NUMPY", "\x1f\x8b\x08", "True", "<f8",
                                 "'descr'", std::string(8, '\xff'), std::string(64, '\0')}));
    }
  }
  return bytes;
}

std::string broken_tiles(Draw& draw, std::string bytes) {
  const auto put = [&](std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
  };
  switch (draw.below(5)) {
    case 0: {
      const std::size_t at = draw.among({0, 8, 12, 16, 24, 32, 40});
      put(at, draw.of(edges), at == 8 || at == 12 ? 4 : 8);
      break;
    }
    case 1: {
      const std::size_t mark = draw.below(64);
      put(64 + 4 * mark, draw.of(edges), 4);
      break;
    }
    case 2: {
      const std::size_t at = draw.below(bytes.size());
      bytes[at] = static_cast<char>(~bytes[at]);
      break;
    }
    case 3:
      bytes.resize(std::min(bytes.size(), draw.among({0, 1, 63, 64, 100, 4096, bytes.size() - 1})));
      break;
    default:
      return broken_bytes(draw, std::move(bytes));
  }
  return bytes;
}

std::string broken(Draw& draw, const std::string& name, const std::string& bytes) {
  const auto is = [&](const char* ending) { return name.ends_with(ending); };
  if (is(".npy")) return broken_npy(draw, bytes);
  if (is(".npz")) return broken_npz(draw, bytes);
  if (is(".gz")) return broken_gzip(draw, bytes);
  if (is(".tiles")) return broken_tiles(draw, bytes);
  if (is(".toml") || is(".json") || is(".csv")) return broken_text(draw, bytes);
  return broken_bytes(draw, bytes);
}

}  // namespace tangentplane::experiments::hostile
