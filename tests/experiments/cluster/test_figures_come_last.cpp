// A figure never decides how a run ends: it comes after all results, and what keeps it from being drawn is one line.
#include "tests/experiments/cluster/shell.h"

#include "experiments/common/figures/figure.h"
#include "experiments/common/process/interrupt.h"
#include "experiments/common/process/lock.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
using test::shell;
namespace fs = std::filesystem;

namespace {

/// A program of that name, before all others on the shell's PATH.
std::string with_gnuplot(const Sandbox& box, const std::string& script) {
  box.write("fake/gnuplot", "#!/bin/sh\n" + script + "\n");
  fs::permissions(box / "fake/gnuplot", fs::perms::owner_all);
  return "PATH=$PWD/fake:$PATH\n";
}

std::ptrdiff_t lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace

TEST_CASE("figures come last: a gnuplot that fails or is killed costs one line a figure, the run is finished") {
  for (const std::string script : {"exit 3", "kill -9 $$", "echo '<svg>'", "exit 127"}) {
    INFO(script);
    const Sandbox box;
    const std::string path = with_gnuplot(box, script);
    const auto run = [&](const std::string& command, const std::string& out, std::ptrdiff_t figures) {
      const auto end = shell(box, path + command + " --quiet --out " + out);
      INFO(command << "\n" << end.err);
      CHECK(end.status == 0);
      CHECK(lines(end.err) == figures);
      CHECK_THAT(end.err, ContainsSubstring(".svg: not drawn, gnuplot"));
      CHECK(!fs::exists(box / out / ".unfinished"));
    };
    const std::string recipe = " --epochs 1 --batch 4";
    run(test::small_kernel, "K", 1);
    run("compute_nads --model mlp --features 3,1 --shape 4,4,1", "N", 1);
    run("train_ntk --ntk K --index 1,2" + recipe, "T", 3);
    CHECK(fs::exists(box / "T/1/final.npz"));
    CHECK(fs::exists(box / "T/2/alignment.npy"));
    CHECK(fs::exists(box / "N/nads.png"));
    run("train_nads --nads N --index 0 --num-train 8 --num-test 4" + recipe, "D", 1);
    run("pretrained_ntk_comparison --ntk K --index 1" + recipe, "P", 1);
    run("train_cifar --model mlp --features 3,1 --num-train 8 --num-test 4" + recipe, "C", 1);
  }
}

TEST_CASE("figures come last: when they are drawn the run is finished, and a place that cannot be written costs the figure alone") {
  const Sandbox box;
  const std::string early = with_gnuplot(box,
                                         "for f in K T; do [ -e $f/.unfinished ] && echo $f >> early; done\n"
                                         "for f in K/spectrum T/alignment; do [ -d ${f%/*} ] && mkdir -p $f.svg; done; echo '<svg></svg>'");
  auto end = shell(box, early + test::small_kernel + " --quiet --out K");
  CHECK(end.status == 0);
  CHECK_THAT(end.err, ContainsSubstring("spectrum.svg: not drawn, cannot write") && ContainsSubstring("it is a folder"));
  CHECK(lines(end.err) == 1);
  end = shell(box, early + "train_ntk --ntk K --index 1 --epochs 1 --batch 4 --quiet --out T");
  INFO(end.err);
  CHECK(end.status == 0);
  CHECK_THAT(end.err, ContainsSubstring("alignment.svg: not drawn, cannot write"));
  CHECK(!fs::exists(box / "early"));
}

TEST_CASE("figures come last: a finished run that lacks figures draws them when it is asked again, as it would have") {
  const Sandbox box;
  const std::string without = with_gnuplot(box, "exit 3");
  const std::string recipe = " --epochs 2 --batch 4 --quiet";
  struct Kind {
    std::string command, png, drawn;
  };
  for (const Kind& k :
       std::vector<Kind>{{test::small_kernel + " --quiet", "eigenfunctions.png", "spectrum.svg, eigenfunctions.png"},
                         {"compute_nads --model mlp --features 3,1 --shape 4,4,1 --quiet", "nads.png", "nads.png, spectrum.svg"},
                         {"train_ntk --ntk compute_ntk --index 1,2" + recipe, "", "accuracy.svg, 1/alignment.svg, 2/alignment.svg"},
                         {"train_nads --nads compute_nads --index 0,3 --num-train 8 --num-test 4" + recipe, "", "accuracy.svg"},
                         {"pretrained_ntk_comparison --ntk compute_ntk --index 1,2" + recipe, "", "1/curves.svg, 2/curves.svg"},
                         {"train_cifar --model mlp --features 3,1 --num-train 8 --num-test 4" + recipe, "", "accuracy.svg"}}) {
    INFO(k.command);
    const std::string whole = k.command.substr(0, k.command.find(' '));
    box.good(k.command + " --out " + whole);
    CHECK(shell(box, without + k.command + " --out again").status == 0);
    if (!k.png.empty()) fs::remove(box / "again" / k.png);
    const std::string finished = whole + ": " + (box / "again").string() + " is finished, nothing to do";
    CHECK(box.good(k.command + " --out again") == finished + " but to draw " + k.drawn + "\n");
    CHECK(test::differing(box.results("again"), box.results(whole)) == "");
    CHECK(box.good(k.command + " --out again") == finished + "\n");
    fs::remove_all(box / "again");
  }
  // One alone is drawn alone, and none while another process is at work there, which may be drawing it.
  const std::string command = "train_ntk --ntk compute_ntk --index 1,2" + recipe + " --out train_ntk";
  const auto kept = fs::last_write_time(box / "train_ntk/accuracy.svg");
  fs::remove(box / "train_ntk/2/alignment.svg");
  {
    const FolderLock lock(box / "train_ntk", "--out train_ntk");
    CHECK_THAT(box.good(command), ContainsSubstring("is finished, nothing to do\n"));
    CHECK(!fs::exists(box / "train_ntk/2/alignment.svg"));
  }
  CHECK_THAT(box.good(command), ContainsSubstring("nothing to do but to draw 2/alignment.svg\n"));
  CHECK(fs::exists(box / "train_ntk/2/alignment.svg"));
  CHECK(fs::last_write_time(box / "train_ntk/accuracy.svg") == kept);
  CHECK(!fs::exists(box / "train_ntk/.lock"));
  // A figure of fewer targets is no figure of more.
  const std::string more = "train_ntk --ntk compute_ntk --index 1,2,3" + recipe + " --out ";
  box.good(more + "whole");
  CHECK(shell(box, without + more + "train_ntk").status == 0);
  CHECK(!fs::exists(box / "train_ntk/accuracy.svg"));
  CHECK_THAT(box.good(more + "train_ntk"), ContainsSubstring("nothing to do but to draw accuracy.svg, "));
  CHECK(test::differing(box.results("train_ntk"), box.results("whole")) == "");
  // Still no gnuplot: a line a figure, and nothing else changes.
  fs::remove(box / "train_ntk/2/alignment.svg");
  const auto end = shell(box, without + command);
  CHECK(end.status == 0);
  CHECK_THAT(end.err, ContainsSubstring("alignment.svg: not drawn, gnuplot"));
  CHECK(lines(end.err) == 1);
}

TEST_CASE("figures come last: no number that an axis can show, no folder, no figure, and one line of it") {
  const TemporaryFolder folder;
  Figure f{.title = "t", .x_label = "x", .y_label = "y", .log_y = true, .series = {{.label = "a", .x = {1, 2}, .y = {-1, 0}}}};
  const auto leave = [&](const fs::path& path) { return save_figure(path, f); };
  CHECK(test::captured(2, [&] { CHECK(!try_figure(folder / "f.svg", leave)); }) ==
        "f.svg: not drawn, no number can be drawn: all are missing, or not positive on a logarithmic axis\n");
  f.log_y = false;
  CHECK(test::captured(2, [&] { CHECK(!try_figure(folder / "nowhere/f.svg", leave)); }).starts_with("f.svg: not drawn, cannot write"));
  CHECK(test::captured(2, [&] { CHECK(try_figure(folder / "f.svg", leave)); }) == "");
  CHECK_THROWS_AS(try_figure(folder / "f.svg", [](const fs::path&) -> bool { throw Interrupted(2); }), Interrupted);
}

TEST_CASE("figures come last: a spectrum of zeros has no picture, and the run is finished") {
  const Sandbox box;
  const auto end = box.run("compute_nads --model mlp --features 1,1 --activation relu --sigma 1 --shape 4,4,1 --quiet --out Z");
  INFO(end.err);
  CHECK(end.status == 0);
  CHECK(!fs::exists(box / "Z/.unfinished"));
  CHECK(lines(end.err) <= 1);
}
