// Pictures of pixels: what eigenfunctions and anisotropy directions look like.
#include <algorithm>

#include "data/files.h"
#include "experiments/claims/page/context.h"
#include "experiments/claims/page/markup.h"
#include "experiments/claims/study/names.h"
#include "experiments/common/text/csv.h"
#include "experiments/common/text/html.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

constexpr double width = 480, head = 46, labels = 66;  // of a drawing, in units; as wide as a figure

std::string text(double x, double y, const char* anchor, const std::string& words) {
  return fmt::format("<text x=\"{:g}\" y=\"{:g}\" text-anchor=\"{}\">{}</text>", x, y, anchor, escape(words));
}

std::string drawing(double height, const std::string& title, const std::string& content) {
  return fmt::format(
      "<svg class=\"figure pixels\" role=\"img\" viewBox=\"0 0 {:g} {:g}\" xmlns=\"http://www.w3.org/2000/svg\" font-family=\"sans-serif\" "
      "font-size=\"13\" fill=\"currentColor\"><title>{}</title>{}{}</svg>",
      width, height, escape(title), text(width / 2, 15, "middle", title), content);
}

/// The eigenfunctions that the table beside a gallery names, in their order.
std::vector<std::string> rows_of(const fs::path& path) {
  const Csv csv = Csv::read(path);
  require(!csv.columns().empty() && csv.columns()[0] == "index" && !csv.rows().empty(), "{}: its columns are not those of a gallery",
          path.string());
  std::vector<std::string> rows;
  for (const auto& row : csv.rows())
    if (rows.empty() || rows.back() != row[0]) rows.push_back(row[0]);
  return rows;
}

// Whether anything was learnt before, as far as the run tells: a network of the user's own may bring weights along.
std::string weights_of(const Run& run) {
  if (!run.names.init.empty()) return fmt::format("The kernel is that of the weights in {}.", run.names.init);
  if (run.is_own()) return "The kernel is that of the weights that the network starts from.";
  return run.is_file_model() ? "The kernel is that of the weights in the network's file."
                             : "The kernel is that of weights as they were drawn: nothing was learnt yet.";
}

Plate gallery_plate(const Run& run, const std::string& title) {
  const fs::path png = run.folder / "eigenfunctions.png", csv = run.folder / "eigenfunctions.csv";
  const auto bytes = data::read_bytes(png);
  const auto rows = rows_of(csv);
  const double wide = width - labels, high = wide * aspect_of_png(bytes, png.string()), step = high / static_cast<double>(rows.size());
  std::string content =
      text(labels + wide / 4, head - 8, "middle", "lowest values") + text(labels + wide * 3 / 4, head - 8, "middle", "highest values");
  for (std::size_t i = 0; i < rows.size(); ++i)
    content += text(0, head + (static_cast<double>(i) + 0.5) * step + 5, "start", "index " + rows[i]);
  content += embedded_png(bytes, labels, head, wide, high);
  return {drawing(head + high, title, content),
          fmt::format("A row is an eigenfunction; the most extreme images are outside. See what the images on one side have in common that "
                      "those on the other have not. {} <a href=\"{}\">picture</a> <a href=\"{}\">numbers</a>",
                      escape(weights_of(run)), link_to(png.lexically_relative(run.folder.parent_path())),
                      link_to(csv.lexically_relative(run.folder.parent_path())))};
}

}  // namespace

Context gallery_of_eigenfunctions(const Study& study) {
  Context c{
      .id = "gallery",
      .title = "What an eigenfunction looks like",
      .paragraphs = {"An eigenfunction gives each image a number. Here are the images with its lowest and with its highest numbers: the "
                     "two ends of what it tells apart. Which end is positive means nothing; an eigenfunction may be taken with "
                     "either sign. The first one often has one sign for all images, so that even its lowest numbers are positive. No "
                     "image's name was used."},
      .missing = "eigenfunctions.png: compute_ntk of this version, into a new folder"};
  for (const Repeats& runs : matched_runs(study, study.of("compute_ntk")).groups) {
    const auto has = [](const Run* run) {
      return fs::is_regular_file(run->folder / "eigenfunctions.png") && fs::is_regular_file(run->folder / "eigenfunctions.csv");
    };
    const auto found = std::find_if(runs.begin(), runs.end(), has);
    if (found == runs.end()) continue;
    const Run& run = **found;
    c.plates.push_back(
        gallery_plate(run, fmt::format("Eigenfunctions of {}{}", title_of(run), runs.size() > 1 ? ", seed " + run.seed() : "")));
    c.runs.push_back(&run);
  }
  return c;
}

Context other_directions(const Study& study, const std::vector<Section>& sections) {
  Context c{.id = "directions",
            .title = "Anisotropy directions of other networks",
            .paragraphs = {"Directions that were computed and not trained on, so that no claim speaks of them."}};
  const auto is_shown = [&](const Run* run) {
    return std::any_of(sections.begin(), sections.end(),
                       [&](const Section& s) { return std::find(s.runs.begin(), s.runs.end(), run) != s.runs.end(); });
  };
  for (const Repeats& runs : matched_runs(study, study.of("compute_nads")).groups) {
    const Run& run = *runs.front();
    const fs::path png = run.folder / "nads.png";
    if (std::any_of(runs.begin(), runs.end(), is_shown) || !fs::is_regular_file(png)) continue;
    const auto bytes = data::read_bytes(png);
    const double high = width * aspect_of_png(bytes, png.string()), top = 24;
    c.plates.push_back(
        {drawing(top + high, "First directions of " + title_of(run) + (runs.size() > 1 ? ", seed " + run.seed() : ""),
                 embedded_png(bytes, 0, top, width, high)),
         fmt::format("One picture a direction, the first in the upper left corner; grey is zero. See whether coarse ones come "
                     "first and fine ones later. <a href=\"{}\">picture</a>",
                     link_to(png.lexically_relative(run.folder.parent_path())))});
    c.runs.push_back(&run);
  }
  return c;
}

}  // namespace tangentplane::experiments
