#include <cmath>
#include <cstring>
#include <limits>

#include "tests/experiments/hostile/archives.h"
#include "tests/experiments/hostile/arrays.h"
#include "tests/experiments/hostile/breaking.h"

namespace tangentplane::experiments::hostile {

std::string broken_npz(Draw& draw, const std::string& bytes) {
  if (draw.chance(0.35)) return broken_bytes(draw, bytes);
  Entries entries = entries_of(bytes);
  const std::size_t i = draw.below(entries.size());
  auto& [name, content] = entries[i];
  Packing packing = draw.chance(0.5) ? Packing::stored : Packing::deflated;
  const bool zip64 = draw.chance(0.3);
  const auto float_array = [](const std::vector<Index>& extents, float value) {
    std::size_t n = 1;
    for (Index e : extents) n *= static_cast<std::size_t>(e);
    std::string numbers(4 * n, '\0');
    for (std::size_t k = 0; k < n; ++k) std::memcpy(numbers.data() + 4 * k, &value, 4);
    const std::string header = header_of("<f4", "False", shape_text(extents));
    return put_together(header, numbers, 1, header.size() + 1);
  };
  const float inf = std::numeric_limits<float>::infinity();
  switch (draw.below(12)) {
    case 0:
      entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    case 1:
      entries.push_back(std::pair(entries[i]));
      break;
    case 2: {
      const std::string other = draw.word({"", "extra", "../../evil", "/abs", "params/" + std::string(5000, 'x'), "epoch", "a\nb",
                                           "params/Dense_0/kernel", "\xc3\xbc", "\xff", ".npy"});
      entries.insert(entries.begin() + static_cast<std::ptrdiff_t>(i), {other + ".npy", std::string(content)});
      break;
    }
    case 3:
    case 4:
      content = broken_npy(draw, content);
      break;
    case 5:
      content = draw.chance(0.3) ? "" : float_array({}, draw.of(std::vector<float>{0, 1, -1, std::nanf(""), inf, 1e30f}));
      break;
    case 6:
      content = float_array(draw.of(std::vector<std::vector<Index>>{{0}, {0, 3}, {1, 0}, {2}, {1, 1}, {5, 5, 5}}), 0);
      break;
    case 7: {  // the epochs that a training has done, where it says so
      std::string* epoch = &content;
      for (auto& [n, c] : entries)
        if (n == "epoch.npy") epoch = &c;
      *epoch = float_array({1}, draw.of(std::vector<float>{std::nanf(""), -1, 0, 1, 3, 5, 6, 1e9f, 1e30f, -1e30f, inf, 0.5f}));
      break;
    }
    case 8:
      for (std::size_t k = entries.size(); k > 1; --k) std::swap(entries[k - 1], entries[draw.below(k)]);
      break;
    case 9:  // small as a file, big when read
      content = float_array({static_cast<Index>(draw.among({1 << 20, 8 << 20}))}, 0);
      packing = Packing::deflated;
      break;
    case 10:
      return zip_of({}, packing);
    default: {  // a header of an entry that lies
      std::string lying = zip_of(entries, packing, zip64, draw.chance(0.3) ? static_cast<int>(draw.among({0, 8, 9, 12, 14, 93, 99})) : -1);
      std::vector<std::size_t> marks;
      for (std::size_t at = lying.find("PK"); at != std::string::npos; at = lying.find("PK", at + 1)) marks.push_back(at);
      const std::size_t at = draw.of(marks) + draw.among({4, 6, 8, 10, 14, 16, 18, 20, 22, 24, 26, 28, 30, 42});
      const std::uint64_t value = draw.of(edges);
      for (std::size_t k = 0; k < 4 && at + k < lying.size(); ++k) lying[at + k] = static_cast<char>(value >> (8 * k));
      return lying;
    }
  }
  return zip_of(entries, packing, zip64);
}

}  // namespace tangentplane::experiments::hostile
