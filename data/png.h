// Pictures as .png files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "autodiff/shape.h"

namespace tangentplane::data {

/// 8 bits a number, row by row, channels last: one channel is grey, three are red, green, blue.
struct Picture {
  Index height = 0, width = 0, channels = 1;  ///< of the picture
  std::vector<std::uint8_t> pixels;           ///< [height, width, channels]
};

/// Atomic (files.h). Throws std::invalid_argument for a picture without pixels, of other than 1 or 3 channels, or whose sizes do not agree;
/// std::runtime_error, one line naming the path, if it cannot be written.
void save_png(const std::filesystem::path& path, const Picture& picture);

}  // namespace tangentplane::data
