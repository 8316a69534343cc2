// What is drawn is what the numbers say, the same every time; a missing gnuplot costs the picture alone.
#include <cmath>
#include <cstdlib>

#include "experiments/common/figures/figures.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/html.h"
#include "tests/catch.h"
#include "tests/experiments/captured.h"
#include "tests/experiments/well_formed.h"
#include "tests/temporary_folder.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using test::captured;
using test::malformed;
using test::thrown;
namespace fs = std::filesystem;

namespace {

Figure some_figure() {
  return {.title = "<b> & 'quotes' \"double\" `true` $PATH",
          .x_label = "index_1 {2}",
          .y_label = "accuracy (%)",
          .log_x = true,
          .series = {{.label = "network", .x = {1, 10, 100}, .y = {90, 80, 70.5}, .error = {1, 2, 3}},
                     {.label = "linear 'x'", .x = {1, 10, 100}, .y = {95, NAN, 60}}},
          .lines = {{"guessing", 50}}};
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

// For the time of its life the programs of `path` alone are found.
class Path {
 public:
  explicit Path(const std::string& path) : before_(std::getenv("PATH")) { setenv("PATH", path.c_str(), 1); }
  ~Path() { setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

}  // namespace

TEST_CASE("numbers of a figure hold the samples that its means are of, and nothing where one is missing") {
  Figure f = some_figure();
  CHECK(numbers(f).columns() == std::vector<std::string>{"series", "index_1_2", "accuracy_percent", "error"});
  f.error_bars = "standard deviation over 2 seeds";
  f.samples = {"seed_0", "seed_1"};
  f.series[0].samples = {{91, NAN, 70}, {89, 80, 71}};
  const Csv csv = numbers(f);
  CHECK(csv.columns() ==
        std::vector<std::string>{"series", "index_1_2", "accuracy_percent", "standard_deviation_over_2_seeds", "seed_0", "seed_1"});
  CHECK(csv.rows().at(0) == std::vector<std::string>{"network", "1", "90", "1", "91", "89"});
  CHECK(csv.rows().at(1) == std::vector<std::string>{"network", "10", "80", "2", "", "80"});
  CHECK(csv.rows().at(3) == std::vector<std::string>{"linear 'x'", "1", "95", "", "", ""});
  CHECK(csv.rows().back() == std::vector<std::string>{"guessing", "", "50", "", "", ""});
  f.series[0].samples.pop_back();
  CHECK(thrown([&] { numbers(f); }).find("series network has 1 samples, the figure names 2") != std::string::npos);
  f.series[0].samples.push_back({1, 2});
  CHECK(thrown([&] { numbers(f); }).find("series network has a sample of 2 values for 3 points") != std::string::npos);
}

TEST_CASE("a figure is well-formed SVG, holds its texts as they are, follows the page's colour, and is the same every time") {
  const TemporaryFolder folder;
  REQUIRE(save_figure(folder / "a.svg", some_figure()));
  REQUIRE(save_figure(folder / "b.svg", some_figure()));
  const std::string svg = read_text(folder / "a.svg");
  CHECK(svg == read_text(folder / "b.svg"));
  CHECK(malformed(svg) == "");
  CHECK(svg.find("<title>&lt;b&gt; &amp; &#39;quotes&#39; &quot;double&quot; `true` $PATH</title>") != std::string::npos);
  CHECK(svg.find("index_1 {2}") != std::string::npos);
  for (const char* label : {"network", "linear 'x'", "guessing", "accuracy (%)"}) CHECK(svg.find(label) != std::string::npos);
  CHECK(svg.find("currentColor") != std::string::npos);
  CHECK(svg.find("color=\"black\"") == std::string::npos);
  CHECK(svg.find("GNUPLOT") == std::string::npos);  // its version would change the bytes
  // Nothing but the drawing and its numbers is left.
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 4);
}

TEST_CASE("a title that is longer than the drawing is wide takes lines, and its legend keeps all its entries") {
  const TemporaryFolder folder;
  std::string word;
  for (int i = 0; i < 150; ++i) word += "ä";
  for (const std::string& title :
       {std::string("Growth at the target over that of its neighbours: resnet18 of 4 filters on dead-leaves, batch 32, 3 seeds"), word}) {
    Figure f = some_figure();
    f.title = title;
    REQUIRE(draw(folder / "a.svg", f));
    const std::string svg = read_text(folder / "a.svg");
    CHECK(malformed(svg) == "");
    CHECK(svg.find("<title>" + title + "</title>") != std::string::npos);
    const auto text_at = [&](const std::string& text) {
      return svg.find("\">" + text) != std::string::npos || svg.find("<text>" + text) != std::string::npos;
    };
    CHECK(text_at(title == word ? word.substr(0, 120) + "<" : "Growth at the target"));  // 60 letters a line
    CHECK(svg.find(">" + title + "</text>") == std::string::npos);
    for (const char* label : {"network", "guessing"}) CHECK(text_at(label + std::string("<")));
  }
}

TEST_CASE("numbers hold texts with what a cell does not take") {
  Figure f = some_figure();
  f.series[0].label = "mlp, \"a\"";
  CHECK(numbers(f).rows()[0][0] == "mlp; 'a'");
}

TEST_CASE("numbers are named for what they hold, and an index is itself") {
  CHECK(column_name("test accuracy (%)") == "test_accuracy_percent");
  CHECK(column_name("growth over its neighbours'") == "growth_over_its_neighbours");
  CHECK(column_name("eigenvalue / number of images") == "eigenvalue_number_of_images");
  CHECK(column_name("‖Ku - θu‖") == "ku_u");
  CHECK(column_name("°") == "");
  Figure f{.title = "t", .x_label = "eigenfunction (index + 1)", .y_label = "alignment", .log_x = true};
  f.series = {{.label = "a", .x = {1, 2, 301}, .y = {5, 4, 3}}};
  f.lines = {{"line", 2}};
  const Csv csv = numbers(f);
  CHECK(csv.columns() == std::vector<std::string>{"series", "index", "alignment"});  // no error bars, no column
  CHECK(csv.rows() == std::vector<std::vector<std::string>>{{"a", "0", "5"}, {"a", "1", "4"}, {"a", "300", "3"}, {"line", "", "2"}});
  f.x_label = "training images";
  CHECK(numbers(f).columns()[1] == "training_images");
  CHECK(numbers(f).rows()[0][1] == "1");
}

TEST_CASE("each plot in a drawing has the name of its series") {
  const TemporaryFolder folder;
  Figure f = some_figure();
  f.series[0].label = "a <&> 'b'";
  f.error_bars = "standard error";
  REQUIRE(draw(folder / "f.svg", f));
  const std::string svg = read_text(folder / "f.svg");
  const auto title = [&](int plot) {
    const std::size_t group = svg.find(fmt::format("<g id=\"gnuplot_plot_{}\"", plot));
    REQUIRE(group != std::string::npos);
    const std::size_t at = svg.find("<title>", group) + 7;
    return svg.substr(at, svg.find("</title>", at) - at);
  };
  CHECK(title(1) == "a &lt;&amp;&gt; &#39;b&#39;");
  CHECK(title(2) == "a &lt;&amp;&gt; &#39;b&#39;: standard error");
  CHECK(title(3) == "linear &#39;x&#39;");
  CHECK(title(4) == "guessing");
  CHECK(svg.find("gnuplot_plot_5") == std::string::npos);
  CHECK(svg.find("<title>gnuplot_plot") == std::string::npos);
  CHECK(malformed(svg) == "");
}

TEST_CASE("figures to be compared get one range of y") {
  const auto figure = [](const char* label, std::vector<double> y) {
    const std::vector<double> x(y.size(), 1);
    return Figure{.title = "t", .x_label = "x", .y_label = label, .series = {{.label = "a", .x = x, .y = std::move(y)}}};
  };
  Figure train = figure("training accuracy (%)", {60, 90}), test = figure("test accuracy (%)", {40, NAN}), loss = figure("loss", {0.1}),
         none = figure("test accuracy (%)", {NAN}), logarithmic = figure("test accuracy (%)", {-1, 7});
  logarithmic.log_y = true;
  train.series[0].error = {1, 5};
  test.lines = {{"guessing", 30}};
  share_y_ranges({&train, &test, &loss, &none, &logarithmic});
  using Range = std::pair<double, double>;
  CHECK(train.y_range == Range(30, 95));  // error bars and lines are part of it
  CHECK(test.y_range == train.y_range);
  CHECK(none.y_range == train.y_range);
  CHECK(loss.y_range == Range(0.1, 0.1));
  CHECK(logarithmic.y_range == Range(7, 7));  // what such an axis can show

  // In the drawing: the last labelled tic of the vertical axis.
  const TemporaryFolder folder;
  const auto tics = [&](const Figure& f) {
    REQUIRE(draw(folder / "f.svg", f));
    const std::string svg = read_text(folder / "f.svg");
    std::string found;
    for (const int tic : {30, 40, 50, 60, 70, 80, 90, 100})
      if (svg.find(fmt::format("> {}<", tic)) != std::string::npos) found += fmt::format("{} ", tic);
    return found;
  };
  CHECK(tics(test) == tics(train));
  test.y_range.reset();
  CHECK(tics(test) != tics(train));
}

TEST_CASE("every finite point is drawn, and no other") {
  const TemporaryFolder folder;
  Figure f{.title = "points", .x_label = "x", .y_label = "y", .log_y = true};
  f.series = {{.label = "a", .x = {1, 2, 3, 4, 5}, .y = {1, 10, NAN, 0, 1000}, .mark = Mark::points}};
  REQUIRE(draw(folder / "p.svg", f));
  CHECK(count(read_text(folder / "p.svg"), ") scale(") == 3);
}

TEST_CASE("numbers beside a figure read back exactly") {
  const TemporaryFolder folder;
  Figure f = some_figure();
  f.series[0].y[1] = 0.1 + 0.2;
  save_figure(folder / "f.svg", f);
  const Csv csv = Csv::read(folder / "f.csv");
  REQUIRE(csv.rows().size() == 7);
  CHECK(parse_number<double>("y", csv.rows()[1][2]) == 0.1 + 0.2);
  CHECK(csv.rows()[2] == std::vector<std::string>{"network", "100", "70.5", "3"});
  CHECK(csv.rows()[3] == std::vector<std::string>{"linear 'x'", "1", "95", ""});
  CHECK(csv.rows()[6] == std::vector<std::string>{"guessing", "", "50", ""});
}

TEST_CASE("bars stand over named categories") {
  const TemporaryFolder folder;
  Figure f{.title = "bars", .x_label = "model", .y_label = "accuracy (%)", .categories = {"first", "three"}};
  f.series = {{.label = "train", .x = {0, 1}, .y = {90, 60}, .mark = Mark::bars},
              {.label = "test", .x = {0, 1}, .y = {80, 50}, .mark = Mark::bars}};
  REQUIRE(save_figure(folder / "bars.svg", f));
  const std::string svg = read_text(folder / "bars.svg");
  CHECK(svg.find("first") != std::string::npos);
  CHECK(svg.find("three") != std::string::npos);
  CHECK(Csv::read(folder / "bars.csv").rows()[3] == std::vector<std::string>{"test", "three", "50"});
}

TEST_CASE("a figure of one point, and of an axis within one decade, has labelled axes") {
  const TemporaryFolder folder;
  Figure f{.title = "one", .x_label = "x", .y_label = "y", .log_x = true, .log_y = true};
  f.series = {{.label = "a", .x = {3}, .y = {3e-7}, .mark = Mark::points}};
  CHECK(captured(2, [&] { CHECK(draw(folder / "one.svg", f)); }) == "");
  f.series = {{.label = "a", .x = {3, 8}, .y = {4e5, 9e5}}};
  REQUIRE(draw(folder / "short.svg", f));
  const std::string svg = read_text(folder / "short.svg");
  CHECK(svg.find(">5<") != std::string::npos);   // on x
  CHECK(svg.find("5·10") != std::string::npos);  // on y
}

TEST_CASE("data that cannot be drawn is refused by name") {
  const TemporaryFolder folder;
  Figure f{.title = "t", .x_label = "x", .y_label = "y"};
  CHECK(thrown([&] { draw(folder / "f.svg", f); }) == "f.svg: a figure needs at least one series");
  f.series = {{.label = "a", .x = {1, 2}, .y = {1}}};
  CHECK(thrown([&] { draw(folder / "f.svg", f); }) == "f.svg: series a has 2 x and 1 y");
  f.series = {{.label = "a", .x = {1, 2}, .y = {1, 2}, .error = {1}}};
  CHECK(thrown([&] { draw(folder / "f.svg", f); }) == "f.svg: series a has 1 errors for 2 points");
  f.series = {{.label = "a", .x = {1, 2}, .y = {-1, 0}}};
  f.log_y = true;
  CHECK(thrown([&] { draw(folder / "f.svg", f); }).starts_with("f.svg: no number can be drawn"));
  CHECK(thrown([&] {
          draw(folder / "p.svg", Pictures{.title = "p", .height = 2, .width = 2, .pixels = {{1, 2, 3}}});
        }) == "p.svg: picture 0 has 3 pixels, expected 2 x 2");
}

TEST_CASE("pictures are one image with each picture scaled by itself") {
  const TemporaryFolder folder;
  Pictures p{.title = "two", .height = 2, .width = 2, .pixels = {{1, 0, 0, -1}, {1000, 0, 0, -1000}, {0, 0, 0, 0}}};
  REQUIRE(draw(folder / "p.svg", p));
  const std::string svg = read_text(folder / "p.svg");
  CHECK(malformed(svg) == "");
  CHECK(count(svg, "<image ") == 1);
  CHECK(svg.find("data:image/png;base64,") != std::string::npos);
  p.pixels = {{2, 0, 0, -2}, {1, 0, 0, -1}, {0, 0, 0, 0}};
  REQUIRE(draw(folder / "q.svg", p));
  CHECK(svg == read_text(folder / "q.svg"));
  p.pixels[0][1] = 1;
  REQUIRE(draw(folder / "q.svg", p));
  CHECK(svg != read_text(folder / "q.svg"));
}

TEST_CASE("without gnuplot there is one line and the numbers, a failing one is told with its reason") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "bin");
  {
    const Path none((folder / "bin").string());
    CHECK(captured(2, [&] { CHECK_FALSE(save_figure(folder / "f.svg", some_figure())); }) ==
          "f.svg: not drawn, gnuplot is not installed; apt-get install gnuplot-nox\n");
  }
  CHECK(!fs::exists(folder / "f.svg"));
  CHECK(Csv::read(folder / "f.csv").rows().size() == 7);
  folder.write("bin/gnuplot", "#!/bin/sh\necho 'no svg terminal' >&2\nexit 1\n");
  fs::permissions(folder / "bin/gnuplot", fs::perms::owner_all);
  const Path broken((folder / "bin").string());
  CHECK(captured(2, [&] { CHECK_FALSE(draw(folder / "f.svg", some_figure())); }) == "f.svg: not drawn, gnuplot failed: no svg terminal \n");
}

TEST_CASE("the experiments' figures take their numbers from what the experiments write") {
  const Figure spectrum = spectrum_figure("s", {8, 4, 2}, {1e-6, 2e-6, 0});
  CHECK(spectrum.series[0].x == std::vector<double>{1, 2, 3});
  CHECK(spectrum.series[0].y == std::vector<double>{8, 4, 2});
  CHECK(spectrum.series[1].y == std::vector<double>{1e-6, 2e-6, 0});
  CHECK(spectrum_figure("s", {8, 4}, {}).series.size() == 1);

  Csv csv({"target", "class_balance", "train_accuracy", "test_accuracy"});
  csv.add(0, 1, 1.0, 1.0);
  csv.add(9, 0.25, 0.9, 0.5);
  const Figure accuracy = accuracy_figure("a", csv, "network", "eigenfunction (index + 1)");
  CHECK(accuracy.series[0].x == std::vector<double>{1, 10});
  CHECK(accuracy.series[0].y == std::vector<double>{100, 50});
  CHECK(accuracy.series[1].y == std::vector<double>{100, 75});  // the larger class
  CHECK(accuracy.y_label == "test accuracy (%)");
  Csv untested({"num_train", "class_balance", "train_accuracy", "test_accuracy"});
  untested.add(100, 0.5, 0.9, std::optional<double>());
  const Figure training = accuracy_figure("a", untested, "network", "training images");
  CHECK(training.series[0].x == std::vector<double>{100});
  CHECK(training.series[0].y == std::vector<double>{90});
  CHECK(training.y_label == "training accuracy (%)");
  Csv named({"target", "class_balance", "train_accuracy", "test_accuracy"});
  named.add("labels", 0.5, 0.9, 0.8);
  CHECK(accuracy_figure("a", named, "network", "x").categories == std::vector<std::string>{"labels"});

  const auto alignment = Tensor<double>::from({3, 2}, std::vector<double>{5, 1, 4, 2, 4.5, 1.5});
  const Figure aligned = alignment_figure("a", alignment, 1);
  REQUIRE(aligned.series.size() == 3);
  CHECK(aligned.series[0].y == std::vector<double>{5, 1});
  CHECK(aligned.series[1].y == std::vector<double>{4, 2});
  CHECK(aligned.series[2].x == std::vector<double>{2, 2});
  CHECK(aligned.series[2].y == std::vector<double>{1, 2});
  const History trained{{1, 0.05, 1, 0.5, 1, 0.4, 1}, {2, 0.05, 1, 0.75, 1, 0.5, 1}};
  const Figure curves = curves_figure("c", {{"network", trained}, {"linear", trained}});
  REQUIRE(curves.series.size() == 4);
  CHECK(curves.series[1].y == std::vector<double>{40, 50});
  CHECK(curves.series[3].y == std::vector<double>{50, 75});
  CHECK(curves.series[3].like == 1);  // one colour for both of a training
  CHECK(numbers(curves).rows().size() == 8);

  CHECK(thrown([&] { alignment_figure("a", alignment, 2); }) == "a: target 2 of 2 eigenfunctions");
}

TEST_CASE("figures keep apart in one page") {
  const TemporaryFolder folder;
  REQUIRE(draw(folder / "f.svg", some_figure()));
  const std::string svg = read_text(folder / "f.svg");
  const std::string both = page("t", inline_svg(svg, "one") + inline_svg(svg, "two"));
  CHECK(malformed(both) == "");
  CHECK(both.find("<?xml") == std::string::npos);
  CHECK(both.find("href='#gpPt") == std::string::npos);
  CHECK(malformed(page("t", svg.substr(svg.find("<svg")) + svg.substr(svg.find("<svg")))).find("comes twice") != std::string::npos);
}
