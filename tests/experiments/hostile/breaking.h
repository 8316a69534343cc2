// Valid files turned into invalid ones, or into valid ones that nobody would write, by what their names say they are.
#pragma once

#include "tests/experiments/hostile/draw.h"

namespace tangentplane::experiments::hostile {

/// Bytes of any kind, with some flipped, overwritten, cut out, repeated, moved, cut off or added.
std::string broken_bytes(Draw& draw, std::string bytes);
/// Another header, other numbers, or bytes broken anywhere.
std::string broken_npy(Draw& draw, const std::string& bytes);
/// An archive with other entries, with sizes that are lies, or with bytes broken anywhere.
std::string broken_npz(Draw& draw, const std::string& bytes);
/// TOML, JSON or CSV with lines or words lost, repeated, exchanged or put in their place.
std::string broken_text(Draw& draw, std::string bytes);
/// A stream of gzip whose bytes or contents are broken.
std::string broken_gzip(Draw& draw, const std::string& bytes);
/// A kernel's tiles on disk: the header's fields, its marks, a number, the length.
std::string broken_tiles(Draw& draw, std::string bytes);

/// The one of these that suits a file of that name.
std::string broken(Draw& draw, const std::string& name, const std::string& bytes);

}  // namespace tangentplane::experiments::hostile
