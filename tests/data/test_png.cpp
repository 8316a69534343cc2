// Pictures read back through libpng's own reader.
#include "data/png.h"

#include <png.h>

#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

using namespace tangentplane;

namespace {

data::Picture drawn(Index height, Index width, Index channels) {
  data::Picture p{height, width, channels, {}};
  for (Index i = 0; i < height * width * channels; ++i) p.pixels.push_back(static_cast<std::uint8_t>(i * 37 % 256));
  return p;
}

data::Picture read(const std::filesystem::path& path, Index channels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_file(&image, path.c_str()));
  CHECK(image.format == (channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB));
  data::Picture p{static_cast<Index>(image.height), static_cast<Index>(image.width), channels, {}};
  p.pixels.resize(PNG_IMAGE_SIZE(image));
  REQUIRE(png_image_finish_read(&image, nullptr, p.pixels.data(), 0, nullptr));
  return p;
}

}  // namespace

TEST_CASE("a picture reads back as it was, grey and in colour") {
  const TemporaryFolder folder;
  for (Index channels : {1, 3})
    for (const auto& [height, width] : {std::pair<Index, Index>{1, 1}, {7, 5}, {64, 3}}) {
      const auto p = drawn(height, width, channels);
      data::save_png(folder / "p.png", p);
      const auto q = read(folder / "p.png", channels);
      CHECK(q.height == height);
      CHECK(q.width == width);
      CHECK(q.pixels == p.pixels);
    }
}

TEST_CASE("pictures that are none are refused, and a failure leaves nothing behind") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(data::save_png(folder / "p.png", drawn(2, 2, 2)), Catch::Matchers::ContainsSubstring("2 channels; give 1 or 3"));
  CHECK_THROWS_WITH(data::save_png(folder / "p.png", drawn(0, 2, 1)), Catch::Matchers::ContainsSubstring("0 x 2"));
  auto p = drawn(2, 2, 1);
  p.pixels.pop_back();
  CHECK_THROWS_WITH(data::save_png(folder / "p.png", p), Catch::Matchers::ContainsSubstring("3 numbers"));
  CHECK_THROWS_WITH(data::save_png(folder / "none" / "p.png", drawn(2, 2, 1)), Catch::Matchers::ContainsSubstring("none/p.png"));
  CHECK(std::filesystem::is_empty(folder.path()));
}
