// Generated images with the statistics of natural ones: opaque leaves of power-law sizes that hide each other (Lee, Mumford and
// Huang, "Occlusion models for natural images", IJCV 2001). Ten classes differ in the shapes and sizes of their leaves alone.
#pragma once

#include <array>
#include <cstdint>

#include "data/byte_images.h"

namespace tangentplane::data {

/// What a leaf is.
enum class LeafShape { disc, ellipse, ring, crescent, lens, square, triangle, cross, star, bar };

/// The leaves of one class.
struct LeafClass {
  const char* name;         ///< of the class
  LeafShape shape;          ///< of all its leaves
  float smallest, largest;  ///< radius in pixels of a 32 x 32 image, of the disc of the same area; density ~ radius^-3 between
};

/// Classes 0 to 4 against the rest is the default binary task. Colours, contrast and positions are drawn alike in all classes, so the mean
/// image of each is the same grey and no linear function of the pixels tells them apart.
inline constexpr std::array<LeafClass, 10> leaf_classes{{
    {"discs", LeafShape::disc, 4.5f, 14},
    {"ellipses", LeafShape::ellipse, 4.5f, 14},
    {"rings", LeafShape::ring, 4.5f, 14},
    {"crescents", LeafShape::crescent, 4.5f, 14},
    {"lenses", LeafShape::lens, 4.5f, 14},
    {"squares", LeafShape::square, 1.8f, 8},
    {"triangles", LeafShape::triangle, 1.8f, 8},
    {"crosses", LeafShape::cross, 1.8f, 8},
    {"stars", LeafShape::star, 1.8f, 8},
    {"bars", LeafShape::bar, 1.8f, 8},
}};

/// What is generated.
struct DeadLeaves {
  std::uint64_t seed = 0;                       ///< of all images
  Index height = 32, width = 32, channels = 3;  ///< of an image
};

/// Throws std::invalid_argument unless height and width are 4 to 4096 and channels 1 or 3.
void require_valid(const DeadLeaves& options);

/// Images [first, first + count), [count, H, W, C]. Image i has class i mod 10 and depends on (seed, i) and the sizes alone. One
/// channel is the mean of the three.
ByteImages dead_leaves(const DeadLeaves& options, Index first, Index count);

}  // namespace tangentplane::data
