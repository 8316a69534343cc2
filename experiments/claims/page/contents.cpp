// What is on the page, and what of the paper is not.
#include <algorithm>

#include "experiments/claims/page/markup.h"
#include "experiments/claims/page/parts.h"
#include "experiments/common/text/html.h"

namespace tangentplane::experiments {
namespace {

bool is_model(const Run& run, std::string_view model) { return run.get("model") == model; }

/// The models among the runs that a section has read, with the paper's ones that are not there.
struct Models {
  std::string here, missing;
};
Models models_of(std::vector<const Run*> runs, std::string_view experiment, const std::vector<std::string>& of_the_paper) {
  std::erase_if(runs, [&](const Run* run) { return run->experiment != experiment; });
  std::vector<std::string> here, missing;
  for (const Run* run : runs)
    if (const std::string model = run->model(); !run->get("model").empty() && std::find(here.begin(), here.end(), model) == here.end())
      here.push_back(model);
  for (const std::string& model : of_the_paper)
    if (std::none_of(runs.begin(), runs.end(), [&](const Run* run) { return is_model(*run, model); })) missing.push_back(model);
  return {fmt::format("{}", fmt::join(here, ", ")), fmt::format("{}", fmt::join(missing, ", "))};
}

const Section* find(const std::vector<Section>& sections, std::string_view id) {
  const auto found = std::find_if(sections.begin(), sections.end(), [&](const Section& s) { return s.id == id; });
  return found == sections.end() ? nullptr : &*found;
}

std::string link(const std::string& id, const std::string& words) { return fmt::format("<a href=\"#{}\">{}</a>", id, escape(words)); }

std::string item(const std::string& paper, const std::string& here) {
  return "<tr><td>" + escape(paper) + "</td><td>" + here + "</td></tr>\n";
}

/// A figure that is a claim's: where it is, for which models, and which of the paper's networks it lacks and why.
std::string of_claim(const std::vector<Section>& sections, const std::string& id, std::string_view experiment) {
  const Section* s = find(sections, id);
  if (!s || s->figures.empty()) return escape(s && !s->missing.empty() ? "Not here: " + s->missing + "." : "Not here.");
  const Models models = models_of(s->runs, experiment, {"mlp", "lenet", "resnet18"});
  std::string m = link(id, s->title) + ": " + escape(models.here) + ".";
  if (!models.missing.empty()) m += escape(fmt::format(" Not for {}: not among the runs of this folder.", models.missing));
  return m;
}

/// What is smaller here than in the paper.
std::vector<std::string> smaller(const Study& study) {
  std::vector<std::string> reasons;
  double most = 0;
  bool narrow = false, generated = false;
  for (const Run& run : study.runs) {
    if (is_model(run, "resnet18") && !run.get("filters").empty() && run.get("filters") != "64") narrow = true;
    if (run.data() == "dead-leaves") generated = true;
    if (run.experiment != "compute_ntk" || run.get("num-train").empty()) continue;
    most = std::max(most, run.images());
  }
  if (most > 0 && most < 60'000)
    reasons.push_back(
        fmt::format("kernels of at most {} images in place of 60,000: time and memory grow with the square of that number", most));
  if (generated)
    reasons.push_back(
        "generated images (dead leaves) in place of CIFAR-10, which must be fetched: reproduce --data cifar10 --data-dir DIR --out "
        "ANOTHER");
  if (narrow) reasons.push_back("a ResNet18 of fewer filters than 64, whose trainings would take days on two cores");
  return reasons;
}

}  // namespace

std::string navigation(const std::vector<Section>& sections, const std::vector<Context>& contexts) {
  std::string m = "<nav id=\"contents\" aria-label=\"Contents\">\n<ol>\n";
  for (std::size_t i = 0; i < sections.size(); ++i)
    m += fmt::format("<li>{}{}</li>\n", link(sections[i].id, fmt::format("{}. {}", i + 1, sections[i].title)), badge(sections[i]));
  m += "</ol>\n<ul>\n<li>" + link("words", "The words of this page") + "</li>\n";
  for (const Context& c : contexts)
    if (!c.empty()) m += "<li>" + link(c.id, c.title) + "</li>\n";
  return m + "<li>" + link("paper", "The paper's figures, and what is not here") + "</li>\n<li>" + link("runs", "The runs") +
         "</li>\n</ul>\n</nav>\n";
}

std::string paper_section(const Study& study, const std::vector<Section>& sections, const std::vector<Context>& contexts) {
  std::string m = head("paper", "The paper's figures, and what is not here");
  if (const auto reasons = smaller(study); !reasons.empty())
    m += fmt::format("<p>Smaller here than in the paper: {}.</p>\n", escape(fmt::format("{}", fmt::join(reasons, "; "))));
  m += "<div class=\"scroll\"><table><thead><tr><th>The paper shows</th><th>Here</th></tr></thead><tbody>\n";
  m += item("A sketch of the tangent plane", link("words", "The words"));
  m += item("Test accuracy on eigenfunctions, of networks and their linearizations", of_claim(sections, "rank", "train_ntk"));
  m += item("The classes of CIFAR-10 in two groups, for training sets of growing size", of_claim(sections, "classes", "train_cifar"));
  m += item("Test accuracy along anisotropy directions", of_claim(sections, "nads", "train_nads"));
  m += item("Alignment with the eigenfunctions after training", of_claim(sections, "evolution", "train_ntk"));
  m += item("Training of the network and of its linearizations at the initial and at the trained weights",
            of_claim(sections, "trained", "pretrained_ntk_comparison"));
  const bool mnist = std::any_of(study.runs.begin(), study.runs.end(), [](const Run& run) { return run.data() == "mnist"; });
  m += item("Eigenfunctions of kernels on MNIST",
            mnist ? "Among the sections above: their settings name the data."
                  : escape("Not here: no run on MNIST in this folder. reproduce --data mnist --data-dir DIR --out ANOTHER makes them."));
  m += "</tbody></table></div>\n";
  std::string missing;
  for (const Context& c : contexts)
    if (c.empty() && !c.missing.empty())
      missing += fmt::format("<li>{}: not here. It takes {}.</li>\n", escape(c.title), escape(c.missing));
  if (!missing.empty()) m += "<p>What this page can show besides:</p>\n<ul>\n" + missing + "</ul>\n";
  return m + "</section>\n";
}

}  // namespace tangentplane::experiments
