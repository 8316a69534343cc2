#include "experiments/claims/page/report_page.h"

#include <algorithm>
#include <set>

#include "data/files.h"
#include "experiments/claims/page/markup.h"
#include "experiments/claims/page/parts.h"
#include "experiments/common/process/lock.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/html.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {
namespace {

constexpr const char* page_name = "index.html";
constexpr const char* title = "What linearized neural networks say about generalization";

// Figures of one section are compared.
void share_ranges(auto& section) {
  std::vector<Figure*> figures;
  for (auto& [name, figure] : section.figures) figures.push_back(&figure);
  share_y_ranges(figures);
}

// Folders of two names may give their figures one: the later ones get a number.
void name_figures(std::vector<Section>& sections, std::vector<Context>& contexts) {
  std::set<std::string> taken;
  const auto take = [&](auto& drawings) {
    for (auto& [name, drawing] : drawings) {
      const std::string first = name;
      for (int number = 2; !taken.insert(name).second; ++number) name = fmt::format("{}-{}", first, number);
    }
  };
  for (Section& s : sections) take(s.figures), take(s.pictures);
  for (Context& c : contexts) take(c.figures);
}

/// What a report that was killed has left half written; of the results folder's own files none but the page is a report's.
void remove_leftovers(const std::filesystem::path& root, const std::filesystem::path& figures) {
  std::vector<std::filesystem::path> leftovers;
  for (const auto& folder : {root, figures}) {
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
      if (const auto file = data::temporary_of(entry->path().filename().string()); file && (folder == figures || *file == page_name))
        leftovers.push_back(entry->path());
  }
  for (const auto& file : leftovers) data::remove_file(file);
}

}  // namespace

std::vector<Section> write_report(const std::filesystem::path& root) {
  const Study study = read_study(root);
  for (const std::string& change : study.changed) remark("report: {}; the run is left out\n", change);
  std::vector<Section> sections = all_claims(study);
  std::vector<Context> contexts{spectra(study), gallery_of_eigenfunctions(study), kernel_in_training(study), loss_curves(study),
                                other_directions(study, sections)};
  name_figures(sections, contexts);
  for (Section& s : sections) share_ranges(s);
  for (Context& c : contexts) share_ranges(c);
  const auto figures = study.root / "figures";
  data::create_folders(figures);
  const FolderLock lock(figures, figures.string());
  remove_leftovers(study.root, figures);

  std::string body = fmt::format(
      "<h1>{}</h1>\n<p>A neural network learns from examples; how well it then does on images that it has never seen, its <b>test "
      "accuracy</b>, is hard to foresee. Its straight-line approximation, the linearization, is easy to analyse. Ortiz-Jiménez, "
      "Moosavi-Dezfooli and Frossard (NeurIPS 2021) asked what the easy model says about the real one. Here their claims are judged by the "
      "results in this folder: every number and every verdict on this page is computed from them.</p>\n",
      escape(title));
  const bool with_gallery = std::any_of(contexts.begin(), contexts.end(), [](const Context& c) { return c.id == "gallery" && !c.empty(); });
  body += provenance(study) + navigation(sections, contexts) + introduction(with_gallery);
  for (std::size_t i = 0; i < sections.size(); ++i) body += section_markup(study, sections[i], i + 1);
  for (const Context& c : contexts)
    if (!c.empty()) body += context_markup(study, c);
  body += paper_section(study, sections, contexts) + runs_section(study);
  replace_text(study.root / page_name, page(title, body));
  // The runs that sections point to end with this function.
  for (Section& s : sections) s.runs.clear();
  return sections;
}

}  // namespace tangentplane::experiments
