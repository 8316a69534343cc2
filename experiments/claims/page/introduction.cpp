// The words of the page, each explained before it is used.
#include "experiments/claims/page/markup.h"
#include "experiments/claims/page/parts.h"
#include "experiments/common/text/html.h"

namespace tangentplane::experiments {
namespace {

struct Word {
  const char *word, *text, *formula;  // markup; the word stands as <dfn> where it is explained
};

constexpr Word explained[] = {
    {"Linearization",
     "A network is a function of its <dfn>weights</dfn>, the many numbers that training adjusts. Move them a little from where training "
     "begins, and the network's output changes nearly in proportion. The <dfn>linearization</dfn> is the model for which this holds "
     "exactly, however far they move: the flat plane in the drawing, which touches the network's curved surface at the initial weights. It "
     "has as many weights, takes the same images and is trained in the same way, but it never leaves the plane.",
     "f(θ<sub>0</sub>) + J(θ<sub>0</sub>)·(θ − θ<sub>0</sub>), with J the derivative of the outputs f by the weights θ"},
    {"Kernel",
     "Nudge the weights so that the output for one image rises. How much does the output for another image rise with it? That number, for "
     "every pair of images, is the <dfn>kernel</dfn>. Two images that the network treats alike have a large one. What the linearization "
     "is taught about one image it believes of the others, in that proportion: all that it learns goes through the kernel. The network's "
     "own "
     "kernel changes while it learns.",
     "K = J·J<sup>T</sup>, the neural tangent kernel"},
    {"Eigenfunction",
     "An <dfn>eigenfunction</dfn> is a pattern that gives every image a number, and that the kernel gives back unchanged but for one "
     "common "
     "factor, its <dfn>eigenvalue</dfn>. There are as many as images, sorted by eigenvalue, and named by their <dfn>index</dfn>: index 0 "
     "is that of the largest. The larger the eigenvalue, the faster the linearization learns the pattern, so they are a row of tasks "
     "from easy to hard. In such a task the images with a positive number are one class, and all others the other; the eigenfunction is "
     "then called the <dfn>target</dfn>.",
     "K·φ = λ·φ"},
    {"Alignment",
     "The <dfn>alignment</dfn> of a kernel with a pattern says how strongly the kernel supports it: the larger, the faster the pattern is "
     "learnt through this kernel. With the eigenfunctions of the kernel itself, over all images, it is the eigenvalue. So whether a "
     "network's kernel turns towards the task that it learns can be seen: measure its alignment with the target before training and after.",
     "φ<sup>T</sup>·K·φ / φ<sup>T</sup>·φ"},
    {"Anisotropy direction",
     "A task of another kind, without photographs: images of noise, in which the two classes differ along one fixed pattern of pixels and "
     "in "
     "nothing else. Some patterns a network finds at once, others hardly ever. Its neural <dfn>anisotropy directions</dfn> are such "
     "patterns, "
     "one for each pixel, sorted by how much the fresh network's response to training depends on them, the most first.",
     "the singular vectors of the second derivative of f by image and weights"},
};

std::string verdicts() {
  constexpr std::pair<Verdict, const char*> meanings[] = {
      {Verdict::shown, "the whole interval is on the claim's side of the threshold"},
      {Verdict::not_shown, "the whole interval is on the other side"},
      {Verdict::undecided, "it is on both, or something else stands in the way, which is named"},
      {Verdict::seen_once, "it is on the claim's side, but under a single seed, which another one may contradict"}};
  std::string m;
  for (const auto& [verdict, meaning] : meanings) m += fmt::format("<li>{} {}</li>\n", badge(verdict, word(verdict)), escape(meaning));
  return m;
}

}  // namespace

std::string introduction(bool with_gallery) {
  std::string m =
      head("words", "The words") + "<figure>" + tangent_plane() +
      "<figcaption>Left, the weights, two of many; right, the functions that they stand for. As the weights move, the network "
      "moves over its curved surface. The linearization starts at the same point and moves in the plane that touches the surface "
      "there. Near the start the two hardly differ.</figcaption></figure>\n";
  for (const auto& [word, text, formula] : explained)
    m += fmt::format("<h3>{}</h3>\n<p>{} <span class=\"quiet\">{}.</span>{}</p>\n", word, text, formula,
                     with_gallery && std::string_view(word) == "Eigenfunction" ? " <a href=\"#gallery\">What some look like.</a>" : "");
  return m +
         "<h3>Numbers and verdicts</h3>\n<p>A training goes over its images in <dfn>epochs</dfn>, one pass each. Where a run was repeated "
         "under several <dfn>seeds</dfn> (other initial weights, another order of the images and, where images are generated, other "
         "images), numbers are the mean ± the standard deviation over them. A <dfn>95 % interval</dfn> is where the true number lies with "
         "that confidence, given the seeds and test images that there are. Figures of one section whose vertical axes have the same unit "
         "have the same range, so that they can be compared. Each section names its threshold; a verdict is:</p>\n<ul>\n" +
         verdicts() + "</ul>\n</section>\n";
}

}  // namespace tangentplane::experiments
