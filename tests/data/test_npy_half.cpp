// Labels in half precision, as numpy writes float16: IEEE 754's values, small ones included.
#include "data/npy.h"
#include "data/npy_format.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

using namespace tangentplane;
using namespace tangentplane::data;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("half precision: whole numbers are labels, all others are named as what they are") {
  const TemporaryFolder folder;
  const auto load = [&](const std::vector<std::uint16_t>& bits) {
    const std::string numbers(reinterpret_cast<const char*>(bits.data()), 2 * bits.size());
    return load_labels_npy(folder.write("y.npy", npy_header("<f2", {static_cast<Index>(bits.size())}) + numbers));
  };
  CHECK(load({0x0000, 0x8000, 0x3c00, 0x4000, 0x4200, 0xc500, 0x7bff}) == std::vector<int>{0, 0, 1, 2, 3, -5, 65504});
  CHECK_THAT(thrown([&] { load({0x3c00, 0x3800}); }), ContainsSubstring("entry 1 is 0.5;"));
  CHECK_THAT(thrown([&] { load({0x0001}); }), ContainsSubstring("entry 0 is 5.960464477539063e-08;"));   // 2^-24, the smallest
  CHECK_THAT(thrown([&] { load({0x83ff}); }), ContainsSubstring("entry 0 is -6.097555160522461e-05;"));  // -1023 2^-24
  CHECK_THAT(thrown([&] { load({0x0400}); }), ContainsSubstring("entry 0 is 6.103515625e-05;"));         // 2^-14, the smallest normal
  CHECK_THAT(thrown([&] { load({0x7c00}); }), ContainsSubstring("entry 0 is inf;"));
  CHECK_THAT(thrown([&] { load({0x7e00}); }), ContainsSubstring("entry 0 is nan;"));
}
