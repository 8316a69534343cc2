#include "experiments/claims/report_page.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/files.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/html.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

const char* css_class(Section::Verdict verdict) {
  switch (verdict) {
    case Section::Verdict::shown:
      return "shown";
    case Section::Verdict::partly:
      return "partly";
    case Section::Verdict::not_shown:
      return "not";
    case Section::Verdict::missing:
      break;
  }
  return "missing";
}

std::string badge(Section::Verdict verdict, const std::string& text) {
  return fmt::format("<span class=\"verdict {}\">{}</span>", css_class(verdict), escape(text));
}
std::string badge(const Section& s) { return badge(s.verdict(), s.verdict_text()); }

// Draws into figures/ and gives the markup that shows it; where there is no gnuplot, the numbers' place.
std::string figure_markup(const fs::path& root, const std::string& name, const std::string& title, const auto& drawing) {
  const fs::path path = root / "figures" / (name + ".svg");
  constexpr bool has_numbers = requires { numbers(drawing); };
  const bool drawn = try_figure(path, [&](const fs::path& to) {
    if constexpr (has_numbers)
      return save_figure(to, drawing);
    else
      return draw(to, drawing);
  });
  const std::string link = has_numbers ? fmt::format("<a href=\"figures/{0}.csv\">numbers</a>", escape(name)) : "";
  if (!drawn) return fmt::format("<p class=\"quiet\">{}: not drawn, gnuplot is missing or failed. {}</p>\n", escape(title), link);
  std::string caption = link;
  if constexpr (has_numbers)
    if (!drawing.samples.empty())
      caption = fmt::format("Mean and standard deviation over {} seeds; each in the {}.", drawing.samples.size(), link);
  return fmt::format("<figure>{}<figcaption>{} <a href=\"figures/{}.svg\">picture</a></figcaption></figure>\n",
                     inline_svg(read_text(path), name), caption, escape(name));
}

std::string commands(const Section& s, const fs::path& root) {
  std::string lines;
  std::vector<std::string> seen;
  for (const Run* run : s.runs) {
    const std::string folder = (root.filename() / run->name()).string();
    const std::string line = fmt::format("build/release/bin/{} --config {}/config.toml --out NEW", run->experiment, folder);
    if (std::find(seen.begin(), seen.end(), line) != seen.end()) continue;
    seen.push_back(line);
    lines += escape(line) + "\n";
  }
  return "<details><summary>Commands that run it again</summary>\n<pre>" + lines + "</pre></details>\n";
}

std::string section_markup(const Section& s, std::size_t number, const fs::path& root) {
  std::string m = fmt::format("<section id=\"{}\">\n<h2>{}. {}</h2>\n<p>{}</p>\n", s.id, number, escape(s.title), badge(s));
  m += fmt::format("<p>{}</p>\n", escape(s.claim));
  if (s.verdict() == Section::Verdict::missing)
    return m + fmt::format("<p class=\"quiet\">Missing: {}</p>\n</section>\n", escape(s.missing));
  m += "<ul>\n";
  for (const Finding& f : s.findings)
    m += fmt::format("<li>{} {}</li>\n",
                     badge(f.shown ? Section::Verdict::shown : Section::Verdict::not_shown, f.shown ? "shown" : "not shown"),
                     escape(f.text));
  m += fmt::format("</ul>\n<p class=\"quiet\">Shown means: {}.</p>\n", escape(s.threshold));
  for (const std::string& remark : s.remarks) m += fmt::format("<p>{}</p>\n", escape(remark));
  m += "<div class=\"figures\">\n";
  for (const auto& [name, figure] : s.figures) m += figure_markup(root, name, figure.title, figure);
  for (const auto& [name, pictures] : s.pictures) m += figure_markup(root, name, pictures.title, pictures);
  m += "</div>\n";
  for (const Table& t : s.tables)
    m += fmt::format("<details{}><summary>Numbers: {}</summary>\n{}</details>\n", t.rows.size() <= 15 ? " open=\"open\"" : "",
                     escape(t.caption), table(t.header, t.rows));
  return m + commands(s, root) + "</section>\n";
}

// What run.json says of a run; the report does without it.
std::vector<std::string> run_row(const Run& run) {
  std::vector<std::string> row{run.name(), run.experiment, run.get("model").empty() ? "" : run.model(), run.data(), ""};
  if (!fs::is_regular_file(run.folder / "run.json")) return row;
  const auto json = nlohmann::json::parse(read_text(run.folder / "run.json"), nullptr, false);
  if (!json.is_object() || !json.contains("stages") || !json["stages"].is_array()) return row;
  // Stages may lie inside one another, e.g. a target's alignment inside the target: the longest reading would count it twice.
  double seconds = 0;
  for (const auto& stage : json["stages"])
    if (stage.value("name", "") != "alignment") seconds += stage.value("seconds", 0.0);
  row.back() = fmt::format("{:.1f}", seconds);
  return row;
}

std::string introduction(const Study& study, const std::vector<Section>& sections) {
  std::string m =
      "<h1>What linearized neural networks say about generalization</h1>\n<p>The claims of Ortiz-Jiménez, Moosavi-Dezfooli and Frossard "
      "(NeurIPS 2021), judged by the results in this folder. Every number and every verdict is computed from them. Where a run was "
      "repeated "
      "under several seeds (other weights, another order of batches and, where images are generated, other images) numbers are the mean ± "
      "the "
      "standard deviation over them. Standard errors are those of the mean and of the test images together, the latter not divided by the "
      "number of seeds, which may share them.</p>\n<div "
      "class=\"scroll\"><table><thead><tr><th>Claim</th>"
      "<th>Here</th></tr></thead><tbody>\n";
  for (std::size_t i = 0; i < sections.size(); ++i)
    m += fmt::format("<tr><td><a href=\"#{}\">{}. {}</a></td><td>{}</td></tr>\n", sections[i].id, i + 1, escape(sections[i].title),
                     badge(sections[i]));
  m += "</tbody></table></div>\n";
  if (!study.unfinished.empty())
    m += fmt::format("<p>Unfinished and not looked at: {}.</p>\n", escape(fmt::format("{}", fmt::join(study.unfinished, ", "))));
  return m;
}

}  // namespace

std::vector<Section> write_report(const fs::path& root) {
  const Study study = read_study(root);
  std::vector<Section> sections = all_claims(study);
  data::create_folders(study.root / "figures");
  std::string body = introduction(study, sections);
  for (std::size_t i = 0; i < sections.size(); ++i) body += section_markup(sections[i], i + 1, study.root);
  std::vector<std::vector<std::string>> rows;
  for (const Run& run : study.runs) rows.push_back(run_row(run));
  body += "<section id=\"runs\">\n<h2>Runs</h2>\n" + table({"folder", "experiment", "model", "data", "seconds"}, rows) + "</section>\n";
  replace_text(study.root / "index.html", page("What linearized neural networks say about generalization", body));
  // The runs that sections point to end with this function.
  for (Section& s : sections) s.runs.clear();
  return sections;
}

}  // namespace tangentplane::experiments
