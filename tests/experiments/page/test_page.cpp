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
#include "experiments/common/text/shell.h"
#include "tests/catch.h"
#include "tests/experiments/page/written_page.h"
#include "tests/experiments/run_binary.h"
#include "tests/experiments/well_formed.h"
#include "tests/places.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

namespace {

std::set<std::string> all_of(const std::string& html, const char* pattern) {
  std::set<std::string> found;
  const std::regex expression(pattern);
  for (std::sregex_iterator at(html.begin(), html.end(), expression), end; at != end; ++at) found.insert((*at)[1]);
  return found;
}

std::string unescaped(std::string text) {
  for (const auto& [from, to] :
       {std::pair{"&#39;", "'"}, std::pair{"&quot;", "\""}, std::pair{"&lt;", "<"}, std::pair{"&gt;", ">"}, std::pair{"&amp;", "&"}})
    replace_all(text, from, to);
  return text;
}

}  // namespace

TEST_CASE("the introduction explains each word before it uses it") {
  std::string text = introduction(true);
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
  CHECK(malformed("<p>" + introduction(true) + "</p>") == "");
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
  write_run(study, "classes", "train_cifar", sizes + "seed = 0\nlinearize = false\n",
            {{.task = 100, .accuracy = 0.6}, {.task = 1000, .accuracy = 0.8}});
  write_run(study, "classes-lin", "train_cifar", sizes + "seed = 0\nlinearize = true\n",
            {{.task = 100, .accuracy = 0.6}, {.task = 1000, .accuracy = 0.7}});
  for (const char* linear : {"false", "true"})
    write_run(study, std::string("dir-") + linear, "train_nads",
              fmt::format("num-train = 1000\nnads = \"n\"\nindex = \"0,1,2\"\nlinearize = {}\n", linear),
              {{.task = 0, .accuracy = 0.9}, {.task = 1, .accuracy = 0.8}, {.task = 2, .accuracy = 0.5}});
  for (const char* linear : {"false", "true"})
    write_run(study, std::string("own-") + linear, "train_ntk",
              fmt::format("num-train = 1000\nlabels = \"l.npy\"\nlinearize = {}\n", linear), {{.task = 0, .accuracy = 0.9}});
  // Not what the trainings name: under both seeds they would start from the same weights, and be one sample.
  write_run(study, "another-kernel", "compute_ntk", "num-train = 1000\n");
  const Index k = 40;
  write_eigenvalues(study, "another-kernel", std::vector<double>(k, 1));
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
  std::string script = "set -e\nPATH=" + places::binaries() + ":$PATH\ncd " + shell_quoted((box / odd).string()) + "\n";
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

TEST_CASE("commands: a network's own file, its own program, and files that are gone") {
  const TemporaryFolder study;
  study.write("net.onnx", "");
  write_run(study, "moved", "compute_ntk", "");
  study.write("moved/config.toml", "# compute_ntk: x\nmodel = \"/old/net.onnx\"\nout = \"/old/moved\"\n");
  const auto own = [&](const std::string& name, const std::string& options, const std::string& command) {
    study.write(name + "/config.toml", "# train_ntk: x\nmodel = \"mine\"\n" + options);
    study.write(name + "/run.json", "{\"command\": \"" + command + "\"}");
  };
  own("own", "", "small_ntk --model mine --out own");
  own("own-2", "", "'/home/me/my tools/small ntk' --out own-2");
  own("own-3", "", "");
  study.write("own-3/run.json", "{}");
  own("zgone", "labels = \"/nowhere/at/all.npy\"\n", "./small_ntk");
  const Study read = read_study(study.path());
  std::vector<const Run*> runs;
  for (const Run& run : read.runs) runs.push_back(&run);
  CHECK(commands(read, runs) ==
        std::vector<std::string>{
            "compute_ntk --config moved/config.toml --model net.onnx --out again/moved",
            "small_ntk --config own/config.toml --out again/own", "'small ntk' --config own-2/config.toml --out again/own-2",
            "# by the program of that network: A_PROGRAM_OF_YOUR_OWN --config own-3/config.toml --out again/own-3",
            "# --labels /nowhere/at/all.npy is no longer there: small_ntk --config zgone/config.toml --out again/zgone"});
  // What cannot be looked at is not gone: here a link to itself, elsewhere a folder without rights.
  const TemporaryFolder elsewhere;
  fs::create_symlink("round", elsewhere / "round");
  own("zgone", "labels = \"" + (elsewhere / "round/labels.npy").string() + "\"\n", "./small_ntk");
  const Study again = read_study(study.path());
  const auto last = std::find_if(again.runs.begin(), again.runs.end(), [](const Run& run) { return run.name() == "zgone"; });
  CHECK(commands(again, {&*last}) == std::vector<std::string>{"small_ntk --config zgone/config.toml --out again/zgone"});
}

TEST_CASE("bars over some of the seeds are said to be that") {
  const TemporaryFolder study;
  for (int seed = 0; seed < 2; ++seed) {
    const std::vector<Row> rows{{.task = 1, .balance = seed == 0 ? 0.5 : 0.02, .accuracy = 0.9}, {.task = 2, .accuracy = 0.8}};
    write_pair(study, rows, rows, seed);
  }
  const std::string html = page_of(study.path());
  CHECK(mentions(html, "up and down from a point: standard deviation over up to 2 seeds"));
  const Csv csv = Csv::read(study / "figures/rank-net.csv");
  CHECK(csv.rows()[0] == std::vector<std::string>{"network", "1", "90", "", "90", ""});
}

TEST_CASE("figures of folders with names alike have files of their own") {
  const TemporaryFolder study;
  for (const char* kernel : {"ä", "ö"}) {
    write_eigenfunctions(study, falling, falling, kernel == std::string("ö"));
    const std::string suffix = kernel == std::string("ö") ? "-seed1" : "";
    for (const std::string run : {"net", "lin"}) {
      std::string config = read_text(study / (run + suffix) / "config.toml") + "batch = " + (suffix.empty() ? "1" : "2") + "\n";
      fs::rename(study / (run + suffix), study / (run + " " + kernel));
      study.write(run + " " + kernel + "/config.toml", config);
    }
  }
  const std::string html = page_of(study.path());
  const auto files = all_of(html, "href=\"(figures/rank-[^\"]*csv)\"");
  CHECK(files.size() == 2);
  for (const std::string& file : files) CHECK(fs::exists(study / file));
  CHECK(mentions(html, "lenet on dead-leaves, batch 1"));
  CHECK(mentions(html, "lenet on dead-leaves, batch 2"));
}

TEST_CASE("provenance: what run.json says, of this version and of older ones") {
  const TemporaryFolder study;
  write_run(study, "a", "compute_ntk", "num-train = 9\n");
  CHECK(provenance(read_study(study.path())) == "");
  study.write(
      "a/run.json",
      R"({"date": "2026-11-27T06:51:18Z", "versions": {"tangentplane": "0.1.0", "compiler": "g++ 12"}, "machine": {"cpu": "A <CPU>", "threads": 2},
      "stages": [{"name": "kernel", "seconds": 2.25}, {"name": "alignment", "seconds": 1}]})");
  write_run(study, "b", "compute_nads", "");
  study.write("b/run.json",
              R"({"date": "2026-11-29T06:51:18Z", "version": "0.2.0", "commit": "abc123", "machine": {"cpu": "A <CPU>", "threads": 2},
              "products": {"kind": "split", "unit": "amx", "relative_difference": 3.14e-06}})");
  const std::string m = provenance(read_study(study.path()));
  CHECK(mentions(m, "<dd>2026-11-27 to 2026-11-29</dd>"));
  CHECK(mentions(m, "0.1.0, 1 run; 0.2.0 (commit abc123), 1 run"));
  CHECK(mentions(m, "<dd>A &lt;CPU&gt; (2 threads)</dd>"));
  const std::string runs = runs_section(read_study(study.path()));
  CHECK(mentions(runs, "<dd>g++ 12</dd>"));
  CHECK(mentions(runs, "<dt>Split products</dt><dd>in 1 of 2 runs (amx), measured at most 3.1e-06 from float32&#39;s"));
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
  CHECK(mentions(
      paper, "Not here: on the classes no network and linearization trained on the classes: train_cifar with and without --linearize."));
  CHECK(mentions(paper, "kernels of at most 1400 images in place of 60,000"));
  CHECK(mentions(paper, "no run on MNIST"));
  CHECK(mentions(paper, "Losses of the models of claim 5: not here"));
}
