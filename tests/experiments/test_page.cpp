// The page around the claims: its words, links, commands, pictures, and what it does where results are older or fewer.
#include <algorithm>
#include <regex>
#include <set>

#include "data/npy.h"
#include "data/png.h"
#include "experiments/claims/page/markup.h"
#include "experiments/claims/page/parts.h"
#include "experiments/claims/page/report_page.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/html.h"
#include "tests/catch.h"
#include "tests/experiments/run_binary.h"
#include "tests/experiments/well_formed.h"
#include "tests/experiments/written_runs.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

namespace {

const std::vector<double> falling{0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55};

std::string page_of(const fs::path& study) {
  write_report(study);
  std::string html = read_text(study / "index.html");
  CHECK(malformed(html) == "");
  return html;
}

std::set<std::string> all_of(const std::string& html, const char* pattern) {
  std::set<std::string> found;
  const std::regex expression(pattern);
  for (std::sregex_iterator at(html.begin(), html.end(), expression), end; at != end; ++at) found.insert((*at)[1]);
  return found;
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t at = text.find(begin);
  if (at == std::string::npos) return "";
  return text.substr(at + begin.size(), text.find(end, at + begin.size()) - at - begin.size());
}

std::string unescaped(std::string text) {
  for (const auto& [from, to] :
       {std::pair{"&#39;", "'"}, std::pair{"&quot;", "\""}, std::pair{"&lt;", "<"}, std::pair{"&gt;", ">"}, std::pair{"&amp;", "&"}})
    replace_all(text, from, to);
  return text;
}

void write_eigenvalues(const TemporaryFolder& study, const std::string& kernel, const std::vector<double>& values) {
  data::save_npy(study / (kernel + "/eigvals.npy"), Tensor<double>::from({static_cast<Index>(values.size())}, values));
}

/// [3, k]: ones but for the target.
void write_alignment(const fs::path& path, Index target, double at_target, Index k = 5) {
  auto alignment = Tensor<double>::full({3, k}, 1);
  for (Index row = 0; row < 3; ++row) alignment[row * k + target] = at_target + static_cast<double>(row);
  fs::create_directories(path.parent_path());
  data::save_npy(path, alignment);
}

}  // namespace

TEST_CASE("the introduction explains each word before it uses it") {
  std::string text = introduction();
  text = text.substr(text.find("</figure>"));  // what the drawing says is its own
  for (const std::string word : {"weights", "linearization", "kernel", "eigenfunction", "eigenvalue", "index", "target", "alignment",
                                 "anisotropy direction", "epoch", "seed"}) {
    INFO(word);
    const std::size_t at = text.find("<dfn>" + word);
    REQUIRE(at != std::string::npos);
    // Not even as a part of another: "eigenvalues". Headings announce what comes.
    std::string before = std::regex_replace(text.substr(0, at), std::regex("<h3>[^<]*</h3>"), "");
    CHECK(before.find(word) == std::string::npos);
  }
  CHECK(malformed("<p>" + introduction() + "</p>") == "");
}

TEST_CASE("links of a page lead somewhere, and the contents name each section with its verdict") {
  const TemporaryFolder study;
  write_eigenfunctions(study, falling, falling);
  write_run(study, "kernel <&>", "compute_ntk", "num-train = 1000\n");
  write_eigenvalues(study, "kernel <&>", {3, 2, 1});
  const std::string html = page_of(study.path());
  const auto ids = all_of(html, " id=[\"']([^\"']*)[\"']"), links = all_of(html, "href=\"#([^\"]*)\"");
  for (const std::string& link : links) {
    INFO(link);
    CHECK(ids.contains(link));
  }
  const std::string contents = between(html, "<nav", "</nav>");
  std::size_t at = 0;
  for (const Section& s : all_claims(read_study(study.path()))) {
    at = contents.find("href=\"#" + s.id + "\"", at);
    REQUIRE(at != std::string::npos);
    CHECK(mentions(contents.substr(at, contents.find("</li>", at) - at), s.verdict_text()));
  }
  for (const char* id : {"words", "spectra", "paper", "runs"}) CHECK(links.contains(id));
  for (const std::string& file : all_of(html, "href=\"([^#\"][^\"]*)\"")) {
    INFO(file);
    CHECK(fs::exists(study / file));
  }
  // Tables of numbers are folded.
  CHECK(!mentions(html, "<details open"));
  const std::string rank = between(html, "<section id=\"rank\">", "</section>");
  CHECK(mentions(rank, "<details><summary>Numbers: "));
  CHECK(rank.find("<table>") > rank.find("<details>"));
}

TEST_CASE("every label of the claims' legends is explained, and every figure says what to see in it") {
  const TemporaryFolder study;
  write_eigenfunctions(study, falling, falling);
  write_eigenfunctions(study, falling, falling, 1);
  const std::string sizes = "num-train = \"100,1000\"\n";
  write_run(study, "classes", "train_cifar", sizes + "seed = 0\nlinearize = false\n", {{100, 0.5, 0.6}, {1000, 0.5, 0.8}});
  write_run(study, "classes-lin", "train_cifar", sizes + "seed = 0\nlinearize = true\n", {{100, 0.5, 0.6}, {1000, 0.5, 0.7}});
  for (const char* linear : {"false", "true"})
    write_run(study, std::string("dir-") + linear, "train_nads",
              fmt::format("num-train = 1000\nnads = \"n\"\nindex = \"0,1,2\"\nlinearize = {}\n", linear),
              {{0, 0.5, 0.9}, {1, 0.5, 0.8}, {2, 0.5, 0.5}});
  write_run(study, "kernel", "compute_ntk", "num-train = 1000\n");
  const Index k = 40;
  write_eigenvalues(study, "kernel", std::vector<double>(k, 1));
  write_alignment(study / "net/alignment_init.npy", 7, 1, k);
  for (const char* target : {"0", "7"}) write_alignment(study / ("net/" + std::string(target) + "/alignment.npy"), 7, 9, k);
  write_comparison(study, "a", "3", "", history({0.6, 0.7}, 0.8), history({0.8, 0.95}, 0.6));
  std::size_t figures = 0;
  for (const Section& s : all_claims(read_study(study.path())))
    for (const auto& [name, f] : s.figures) {
      INFO(name);
      ++figures;
      CHECK(what_to_see(name, f) != "");
      for (const Series& series : f.series) {
        INFO(series.label);
        CHECK(meaning_of(series.label) != "");
      }
      for (const ReferenceLine& line : f.lines) {
        INFO(line.label);
        CHECK(meaning_of(line.label) != "");
      }
    }
  CHECK(figures >= 7);
  const std::string html = page_of(study.path()), rank = between(html, "<section id=\"rank\">", "</section>");
  CHECK(mentions(rank, "<dt>network</dt><dd>" + meaning_of("network") + "</dd>"));
  CHECK(mentions(rank, "up and down from a point: standard deviation over 2 seeds"));
  CHECK(mentions(rank, "See whether the two curves rise and fall together."));
  const Csv csv = Csv::read(study / "figures/rank-net.csv");
  CHECK(csv.columns() ==
        std::vector<std::string>{"series", "index", "test_accuracy_percent", "standard_deviation_over_2_seeds", "seed_0", "seed_1"});
  CHECK(csv.rows()[0][1] == "1");
}

TEST_CASE("figures of a section that show the same unit have one range") {
  const TemporaryFolder study;
  write_comparison(study, "a", "3", "", history({0.6, 0.7, 1}, 0.8), history({0.8, 0.95, 1}, 0.2));
  write_report(study.path());
  const auto tics = [&](const char* name) {
    const std::string svg = read_text(study / name);
    std::string found;
    for (int tic = 10; tic <= 110; tic += 5)
      if (mentions(svg, fmt::format("> {}<", tic))) found += fmt::format("{} ", tic);
    return found;
  };
  CHECK(tics("figures/trained-train-a.svg") == tics("figures/trained-test-a.svg"));  // 60 to 100 there, 20 to 80 here
  CHECK(mentions(tics("figures/trained-train-a.svg"), "20 "));
}

TEST_CASE("commands on a page run again from the folder that it lies in, wherever that was moved") {
  const Sandbox box;
  const std::string odd = "r\u00e9sults 'of' \"$HOME\" & 100 %";
  data::save_npy(box / "labels.npy", std::vector<int>{0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0});
  fs::create_directory(box / "study");
  fs::rename(box / "labels.npy", box / "study/labels.npy");
  box.good("compute_ntk --model mlp --features 4,1 --num-train 16 --num-test 8 --eigen 3 --out study/kernel");
  box.good("train_ntk --ntk study/kernel --index 1 --epochs 1 --batch 8 --out study/-net");
  box.good("train_ntk --ntk study/kernel --index 1 --epochs 1 --batch 8 --linearize --out study/linear");
  box.good(
      "train_ntk --model mlp --features 4,1 --num-train 16 --num-test 8 --labels study/labels.npy --epochs 1 --batch 8 --out study/own");
  const Study here = read_study(box / "study");
  for (const Run& run : here.runs) CHECK(mentions(run.config.toml(), "study/"));  // absolute paths
  fs::rename(box / "study", box / odd);
  const std::string html = page_of(box / odd);
  std::string script = "set -e\nPATH=" + std::string(TESTS_BIN) + ":$PATH\ncd " + shell_quoted((box / odd).string()) + "\n";
  const Study moved = read_study(box / odd);
  std::vector<const Run*> runs;
  for (const Run& run : moved.runs) runs.push_back(&run);
  const auto lines = commands(moved, runs);
  CHECK(lines == std::vector<std::string>{"train_ntk --config ./-net/config.toml --ntk kernel --out again/-net",
                                          "compute_ntk --config kernel/config.toml --out again/kernel",
                                          "train_ntk --config linear/config.toml --ntk kernel --out again/linear",
                                          "train_ntk --config own/config.toml --labels labels.npy --out again/own"});
  for (const std::string& line : lines) script += line + "\n";
  // The page shows those of its sections.
  const std::string shown = unescaped(between(html.substr(html.find("<section id=\"rank\">")), "<pre>", "</pre>"));
  CHECK(shown == lines[0] + "\n" + lines[2] + "\n");
  box.write("again.sh", script);
  const Outcome end = box.run("/bin/sh again.sh");
  INFO(end.err);
  CHECK(end.status == 0);
  for (const char* run : {"-net", "linear"})
    CHECK(bytes_of(box / odd / run / "accuracy.csv") == bytes_of(box / odd / "again" / run / "accuracy.csv"));

  CHECK(shell_quoted("a/b-c.d,e") == "a/b-c.d,e");
  CHECK(shell_quoted("it's") == "'it'\\''s'");
  CHECK(shell_quoted("") == "''");
}

TEST_CASE("spectra: a figure for each data set, eigenvalues a image, means over seeds") {
  const TemporaryFolder study;
  const auto kernel = [&](const std::string& name, const std::string& data, int seed, const std::vector<double>& values, int images = 80) {
    study.write(
        name + "/config.toml",
        fmt::format("# compute_ntk: x\nmodel = \"lenet\"\ndata = \"{}\"\nseed = {}\nnum-train = {}\nnum-test = 20\n", data, seed, images));
    write_eigenvalues(study, name, values);
  };
  kernel("a", "dead-leaves", 0, {300, 100});
  kernel("a-seed1", "dead-leaves", 1, {500, 200});
  kernel("b", "cifar10", 0, {10, 5, 1});
  kernel("c", "cifar10", 0, {10, 5, 1}, 30);
  write_run(study, "older", "compute_ntk", "num-train = 7\n");  // without a file of eigenvalues
  write_run(study, "nads", "compute_nads", "shape = \"2,2,1\"\n");
  write_eigenvalues(study, "nads", {8, 4, 2, 1});
  const Study read = read_study(study.path());
  const Context c = spectra(read);
  REQUIRE(c.figures.size() == 3);
  const Figure &cifar = c.figures[0].second, &leaves = c.figures[1].second, &directions = c.figures[2].second;
  CHECK(leaves.title == "Kernels on dead-leaves");
  REQUIRE(leaves.series.size() == 1);
  CHECK(leaves.series[0].label == "lenet");
  CHECK(leaves.series[0].y == std::vector<double>{4, 1.5});
  CHECK(leaves.series[0].samples == std::vector<std::vector<double>>{{3, 1}, {5, 2}});
  REQUIRE(cifar.series.size() == 2);
  CHECK(cifar.series[0].label == "lenet (100 images)");
  CHECK(cifar.series[1].label == "lenet (50 images)");
  CHECK(cifar.series[1].y[0] == 0.2);
  CHECK(directions.series[0].y == std::vector<double>{1, 0.5, 0.25, 0.125});
  page_of(study.path());
  data::save_npy(study / "a/eigvals.npy", Tensor<double>::zeros({2, 2}));
  CHECK(mentions(thrown([&] { spectra(read_study(study.path())); }), "a/eigvals.npy: has shape [2,2], expected [k]"));
}

TEST_CASE("the kernel in the course of training: with and without the initial one") {
  const TemporaryFolder study;
  write_eigenfunctions(study, falling, falling);
  study.write("net/config.toml", read_text(study / "net/config.toml") + "epochs = 9\n");
  CHECK(kernel_in_training(read_study(study.path())).empty());  // older results, and those without --alignment-every
  write_alignment(study / "net/1/alignment.npy", 1, 9);
  CHECK(kernel_in_training(read_study(study.path())).empty());
  write_alignment(study / "net/1/alignment-epoch3.npy", 1, 3);
  write_alignment(study / "net/1/alignment-epoch6.npy", 1, 6);
  study.write("net/1/alignment-epoch.npy", "");  // no epoch
  Context c = kernel_in_training(read_study(study.path()));
  REQUIRE(c.figures.size() == 2);
  CHECK(mentions(c.paragraphs.back(), "Epoch 0 is left out"));
  const Figure& leads = c.figures[0].second;
  REQUIRE(leads.series.size() == 1);
  CHECK(leads.series[0].label == "index 1");
  CHECK(leads.series[0].x == std::vector<double>{3, 6, 9});
  CHECK(leads.series[0].y == std::vector<double>{4, 7, 10});  // of test images, the second row
  write_alignment(study / "net/alignment_init.npy", 1, 0);
  c = kernel_in_training(read_study(study.path()));
  CHECK(!mentions(c.paragraphs.back(), "left out"));
  CHECK(c.figures[0].second.series[0].x == std::vector<double>{0, 3, 6, 9});
  CHECK(c.figures[0].second.series[0].y == std::vector<double>{1, 4, 7, 10});
  const Figure& spikes = c.figures[1].second;
  REQUIRE(spikes.series.size() == 5);
  CHECK(spikes.series[0].label == "epoch 0");
  CHECK(spikes.series[3].y == std::vector<double>{1, 10, 1, 1, 1});
  CHECK(spikes.series[4].y == std::vector<double>{1, 4, 7, 10});  // the rings
  CHECK(mentions(page_of(study.path()), "<section id=\"in-training\">"));
  data::save_npy(study / "net/1/alignment-epoch6.npy", Tensor<double>::zeros({3, 4}));
  CHECK(mentions(thrown([&] { kernel_in_training(read_study(study.path())); }),
                 "the alignment after epoch 6 has shape [3,4], expected [3,k]"));
}

TEST_CASE("loss curves are means over seeds of the middle target's") {
  const TemporaryFolder study;
  History slow = history({0.6, 0.7}, 0.8), fast = slow;
  slow[0].train_loss = 4, slow[1].train_loss = 2, fast[0].train_loss = 2, fast[1].train_loss = 1;
  slow[0].test_loss = 5, fast[0].test_loss = 3;
  for (int seed : {0, 1})
    for (const char* folder : {"/3", "/4"})
      write_comparison(study, fmt::format("a{}", seed), "3,4", folder, seed == 0 ? slow : fast, fast, seed);
  const Context c = loss_curves(read_study(study.path()));
  REQUIRE(c.figures.size() == 2);
  const Figure &train = c.figures[0].second, &test = c.figures[1].second;
  CHECK(train.title == "Loss on training images: lenet, 2 seeds, target 4");
  REQUIRE(train.series.size() == 3);
  CHECK(train.series[1].label == "linear at init");
  CHECK(train.series[1].x == std::vector<double>{1, 2});
  CHECK(train.series[1].y == std::vector<double>{3, 1.5});
  CHECK(train.series[2].y == std::vector<double>{2, 1});
  CHECK(train.series[1].samples == std::vector<std::vector<double>>{{4, 2}, {2, 1}});
  CHECK(test.series[1].y[0] == 4);
  CHECK(test.y_label == "test loss");
  CHECK(mentions(page_of(study.path()), "<section id=\"losses\">"));
}

TEST_CASE("the gallery and directions that no claim shows are part of the page itself") {
  const TemporaryFolder study;
  write_run(study, "older", "compute_ntk", "num-train = 1000\n");
  std::string html = page_of(study.path());
  CHECK(!mentions(html, "<section id=\"gallery\">"));
  CHECK(mentions(html, "What an eigenfunction looks like: not here, there is no such run. It takes eigenfunctions.png"));
  write_run(study, "k %", "compute_ntk", "num-train = 900\n");
  data::save_png(study / "k %/eigenfunctions.png", {40, 120, 1, std::vector<std::uint8_t>(4800, 7)});
  study.write("k %/eigenfunctions.csv",
              "index,side,place,image,value\n0,lowest,0,1,1\n0,highest,0,2,2\n20,lowest,0,1,1\n20,highest,0,2,2\n");
  write_run(study, "nads", "compute_nads", "shape = \"2,2,1\"\n");
  data::save_png(study / "nads/nads.png", {10, 20, 1, std::vector<std::uint8_t>(200, 7)});
  html = page_of(study.path());
  const std::string gallery = between(html, "<section id=\"gallery\">", "</section>");
  CHECK(mentions(gallery, "<image x=\"66\" y=\"46\" width=\"414\" height=\"138\""));  // a third as high as wide
  CHECK(mentions(gallery, "data:image/png;base64,iVBORw0KGgo"));
  CHECK(mentions(gallery, ">index 0<"));
  CHECK(mentions(gallery, ">index 20<"));
  CHECK(mentions(gallery, "href=\"k%20%25/eigenfunctions.png\""));
  CHECK(mentions(between(html, "<section id=\"directions\">", "</section>"), "First directions of lenet"));
  for (const char* needs_network : {"<script", "src=", "@import", "<link", "href=\"http"}) CHECK(!mentions(html, needs_network));
  study.write("k %/eigenfunctions.png", "no picture");
  CHECK(mentions(thrown([&] { write_report(study.path()); }), "eigenfunctions.png: is no PNG picture"));
}

TEST_CASE("embedded bytes are base64") {
  const auto of = [](const std::string& text) {
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    return between(embedded_png(bytes, 0, 0, 1, 1), "base64,", "\"");
  };
  // RFC 4648, section 10.
  CHECK(of("f") == "Zg==");
  CHECK(of("fo") == "Zm8=");
  CHECK(of("foo") == "Zm9v");
  CHECK(of("foobar") == "Zm9vYmFy");
  CHECK(of("\xff\xef\xbe") == "/+++");
}

TEST_CASE("provenance: what run.json says, of this version and of older ones, and nothing where it is damaged") {
  const TemporaryFolder study;
  write_run(study, "a", "compute_ntk", "num-train = 9\n");
  CHECK(provenance(read_study(study.path())) == "");
  study.write("a/run.json", "{\"date\": ");
  CHECK(provenance(read_study(study.path())) == "");
  study.write(
      "a/run.json",
      R"({"date": "2026-11-27T06:51:18Z", "versions": {"tangentplane": "0.1.0", "compiler": "g++ 12"}, "machine": {"cpu": "A <CPU>", "threads": 2},
      "stages": [{"name": "kernel", "seconds": 2.25}, {"name": "alignment", "seconds": 1}]})");
  write_run(study, "b", "compute_nads", "");
  study.write("b/run.json",
              R"({"date": "2026-11-29T06:51:18Z", "version": "0.2.0", "commit": "abc123", "machine": {"cpu": "A <CPU>", "threads": 2}})");
  const std::string m = provenance(read_study(study.path()));
  CHECK(mentions(m, "<dd>2026-11-27 to 2026-11-29</dd>"));
  CHECK(mentions(m, "0.1.0, 1 run; 0.2.0 (commit abc123), 1 run"));
  CHECK(mentions(m, "<dd>A &lt;CPU&gt; (2 threads)</dd>"));
  const std::string runs = runs_section(read_study(study.path()));
  CHECK(mentions(runs, "<dd>g++ 12</dd>"));
  CHECK(mentions(runs, "2.2"));
  CHECK(mentions(runs, "2026-11-29"));
  CHECK(mentions(page_of(study.path()), m));
}

TEST_CASE("what the paper shows and a folder lacks is named with the reason") {
  const TemporaryFolder study;
  write_eigenfunctions(study, falling, falling);
  write_run(study, "another", "compute_ntk", "num-train = 1000\n");
  const std::string paper = between(page_of(study.path()), "<section id=\"paper\">", "</section>");
  CHECK(mentions(paper, "<a href=\"#rank\">"));
  CHECK(mentions(paper, "lenet. Not for mlp, resnet18: not among the runs of this folder."));
  CHECK(mentions(paper, "Not here: no such runs in this folder. reproduce --only &#39;classes-*&#39; makes them."));
  CHECK(mentions(paper, "kernels of at most 1400 images in place of 60,000"));
  CHECK(mentions(paper, "no run on MNIST"));
  CHECK(mentions(paper, "Loss curves of the three models of claim 5: not here"));
}
