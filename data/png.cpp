#include "data/png.h"

#include <png.h>

#include "data/files.h"

namespace tangentplane::data {

void save_png(const std::filesystem::path& path, const Picture& p) {
  require(p.channels == 1 || p.channels == 3, "{}: a picture of {} channels; give 1 or 3", path.string(), p.channels);
  require(p.height > 0 && p.width > 0 && static_cast<Index>(p.pixels.size()) == p.height * p.width * p.channels,
          "{}: {} numbers for a picture of {} x {} x {}", path.string(), p.pixels.size(), p.height, p.width, p.channels);
  replace_atomically(path, [&](const std::filesystem::path& temporary) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(p.width);
    image.height = static_cast<png_uint_32>(p.height);
    image.format = p.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    if (!png_image_write_to_file(&image, temporary.c_str(), 0, p.pixels.data(), 0, nullptr))
      throw std::runtime_error(fmt::format("{}: cannot be written ({})", path.string(), image.message));
  });
}

}  // namespace tangentplane::data
