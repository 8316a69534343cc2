#include "experiments/claims/page/markup.h"

#include <algorithm>
#include <cmath>
#include <set>

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
    case Section::Verdict::undecided:
      return "undecided";
    case Section::Verdict::seen_once:
      return "once";
    case Section::Verdict::missing:
      break;
  }
  return "missing";
}

// Draws into figures/ and gives the markup that shows it; where there is no gnuplot, the numbers' place.
std::string figure_markup(const fs::path& root, const std::string& name, const std::string& title, const std::string& caption,
                          const auto& drawing) {
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
  return fmt::format("<figure>{}<figcaption>{} <a href=\"figures/{}.svg\">picture</a> {}</figcaption></figure>\n",
                     inline_svg(read_text(path), name), escape(caption), escape(name), link);
}

std::string error_bars_of(const Figure& f) {
  if (!f.error_bars.empty()) return f.error_bars;
  if (f.samples.empty()) return "standard error of the test images";
  const auto lacks_some = [](const Series& s) {
    return std::any_of(s.samples.begin(), s.samples.end(), [](const auto& values) {
      return std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); });
    });
  };
  const bool of_some = std::any_of(f.series.begin(), f.series.end(), lacks_some);
  return fmt::format("standard deviation over {}{} seeds", of_some ? "up to " : "", f.samples.size());
}

// What all labels of a section's legends mean, once.
std::string legend(const std::vector<std::pair<std::string, Figure>>& figures) {
  std::vector<std::pair<std::string, std::string>> entries;
  std::set<std::string> bars;
  const auto add = [&](const std::string& label) {
    const std::string meaning = meaning_of(label);
    const bool is_new = std::none_of(entries.begin(), entries.end(), [&](const auto& e) { return e.second == meaning; });
    if (!meaning.empty() && is_new) entries.emplace_back(label, meaning);
  };
  for (const auto& [name, f] : figures) {
    for (const Series& s : f.series) {
      add(s.label);
      if (!s.error.empty()) bars.insert(error_bars_of(f));
    }
    for (const ReferenceLine& line : f.lines) add(line.label);
  }
  if (entries.empty() && bars.empty()) return "";
  std::string m = "<dl class=\"legend\">";
  for (const auto& [label, meaning] : entries) m += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", escape(label), escape(meaning));
  for (const std::string& bar : bars) m += fmt::format("<div><dt>bars</dt><dd>up and down from a point: {}</dd></div>", escape(bar));
  return m + "</dl>\n";
}

std::string figures_markup(const fs::path& root, const std::vector<std::pair<std::string, Figure>>& figures) {
  std::string m;
  for (auto [name, figure] : figures) {
    figure.error_bars = error_bars_of(figure);
    m += figure_markup(root, name, figure.title, what_to_see(name, figure), figure);
  }
  return m;
}

std::string folded(const Table& t) {
  return fmt::format("<details><summary>Numbers: {}</summary>\n{}</details>\n", escape(t.caption), table(t.header, t.rows));
}

std::string commands_markup(const Study& study, const std::vector<const Run*>& runs) {
  std::string lines;
  for (const std::string& line : commands(study, runs)) lines += escape(line) + "\n";
  if (lines.empty()) return "";
  const bool own = std::any_of(runs.begin(), runs.end(), [](const Run* run) { return run->is_own(); });
  return std::string(
             "<details><summary>Commands that run it again</summary>\n<p>In the folder of this page, with the folder of the programs "
             "(build/release/bin)") +
         (own ? " and those of your own" : "") + " in <code>PATH</code>:</p>\n<pre>" + lines + "</pre></details>\n";
}

}  // namespace

std::string head(const std::string& id, const std::string& title) {
  return fmt::format("<section id=\"{}\">\n<header><h2>{}</h2><a href=\"#contents\">contents</a></header>\n", id, escape(title));
}

std::string badge(Section::Verdict verdict, const std::string& text) {
  return fmt::format("<span class=\"verdict {}\">{}</span>", css_class(verdict), escape(text));
}
std::string badge(const Section& s) { return badge(s.verdict(), s.verdict_text()); }

std::string section_markup(const Study& study, const Section& s, std::size_t number) {
  std::string m = head(s.id, fmt::format("{}. {}", number, s.title)) + fmt::format("<p>{}</p>\n", badge(s));
  m += fmt::format("<p>{}</p>\n", escape(s.claim));
  if (s.findings.empty()) return m + fmt::format("<p class=\"quiet\">Missing: {}</p>\n</section>\n", escape(s.missing));
  m += "<ul>\n";
  for (const Finding& f : s.findings) m += fmt::format("<li>{} {}</li>\n", badge(f.verdict, word(f.verdict)), escape(f.text));
  m += fmt::format("</ul>\n<p class=\"quiet\">Shown means: {}.</p>\n", escape(s.threshold));
  for (const std::string& remark : s.remarks) m += fmt::format("<p>{}</p>\n", escape(remark));
  m += legend(s.figures) + "<div class=\"figures\">\n" + figures_markup(study.root, s.figures);
  for (const auto& [name, pictures] : s.pictures)
    m += figure_markup(study.root, name, pictures.title,
                       "One picture a direction, the first in the upper left corner. Blue and orange are opposite signs, grey is zero. See "
                       "whether coarse ones come first and fine ones later.",
                       pictures);
  m += "</div>\n";
  for (const Table& t : s.tables) m += folded(t);
  return m + commands_markup(study, s.runs) + "</section>\n";
}

std::string context_markup(const Study& study, const Context& c) {
  std::string m = head(c.id, c.title);
  for (const std::string& paragraph : c.paragraphs) m += fmt::format("<p>{}</p>\n", escape(paragraph));
  m += legend(c.figures) + "<div class=\"figures\">\n" + figures_markup(study.root, c.figures);
  for (const Plate& p : c.plates) m += fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n", p.markup, p.caption);
  m += "</div>\n";
  for (const Table& t : c.tables) m += folded(t);
  return m + commands_markup(study, c.runs) + "</section>\n";
}

std::string link_to(const fs::path& relative) {
  std::string link;
  for (const char c : relative.generic_string()) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (std::isalnum(byte) || std::string_view("-._~/").find(c) != std::string_view::npos);
    link += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return link;
}

}  // namespace tangentplane::experiments
