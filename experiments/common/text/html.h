// A page that needs nothing but itself: markup, style and figures in one file, readable on a phone, in light and in dark.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tangentplane::experiments {

/// A text with the characters escaped that XML gives a meaning.
std::string escape(std::string_view text);

/// Every `from` in the text becomes `to`.
void replace_all(std::string& text, std::string_view from, std::string_view to);

/// The whole document around `body`, which is markup; `title` is text.
std::string page(std::string_view title, std::string_view body);

/// A table of texts; columns whose cells all read as numbers (or are empty) are set right. Scrolls sideways in a box of its own.
std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

/// An SVG file's text as part of a page: without the XML declaration, its ids made unique by `prefix`, so that several figures may stand
/// in one document.
std::string inline_svg(std::string svg, std::string_view prefix);

/// The bytes of a PNG as an SVG <image> that needs no other file, stretched over a box in the drawing's units.
std::string embedded_png(std::span<const std::uint8_t> png, double x, double y, double width, double height);
/// Height over width. Throws std::invalid_argument, beginning with `name`, for bytes that are no PNG.
double aspect_of_png(std::span<const std::uint8_t> png, const std::string& name);

}  // namespace tangentplane::experiments
