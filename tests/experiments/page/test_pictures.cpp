// What the page shows besides the claims: spectra, pictures of eigenfunctions and directions, kernels in training, losses.
#include "data/png.h"
#include "experiments/claims/page/context.h"
#include "experiments/common/text/html.h"
#include "tests/experiments/captured.h"
#include "tests/experiments/page/written_page.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using namespace tangentplane::experiments::test;

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
  CHECK(leaves.series[0].label == "lenet, 80 training images, 20 test images");  // as on the other data, of which there are more
  CHECK(leaves.series[0].y == std::vector<double>{4, 1.5});
  CHECK(leaves.series[0].samples == std::vector<std::vector<double>>{{3, 1}, {5, 2}});
  REQUIRE(cifar.series.size() == 2);
  CHECK(cifar.series[0].label == "lenet, 80 training images, 20 test images");
  CHECK(cifar.series[1].label == "lenet, 30 training images, 20 test images");
  CHECK(cifar.series[1].y[0] == 0.2);
  CHECK(directions.series[0].y == std::vector<double>{1, 0.5, 0.25, 0.125});
  page_of(study.path());
  CHECK(Csv::read(study / "figures/spectra-0.csv").rows()[0][0] == "lenet; 80 training images; 20 test images");
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
  CHECK(mentions(c.figures[0].second.caption, "A line for each training, named"));
  CHECK(mentions(page_of(study.path()), "<section id=\"in-training\">"));
  for (Index target = 2; target < 9; ++target)
    for (const char* name : {"", "-epoch3"})
      write_alignment(study / fmt::format("net/{}/alignment{}.npy", target, name), target % 5, 9, 10);
  for (const char* name : {"net/1/alignment.npy", "net/1/alignment-epoch3.npy", "net/1/alignment-epoch6.npy", "net/alignment_init.npy"})
    write_alignment(study / name, 1, 9, 10);
  c = kernel_in_training(read_study(study.path()));
  CHECK(c.figures[0].second.series.size() == 6);
  CHECK(mentions(c.figures[0].second.caption, "A line for each of the first 6 of 8 trainings, named"));
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
  CHECK(train.title == "Loss on training images: lenet on dead-leaves, 2 seeds, target 4");
  REQUIRE(train.series.size() == 3);
  CHECK(train.series[1].label == "linear at init");
  CHECK(train.series[1].x == std::vector<double>{1, 2});
  CHECK(train.series[1].y == std::vector<double>{3, 1.5});
  CHECK(train.series[2].y == std::vector<double>{2, 1});
  CHECK(train.series[1].samples == std::vector<std::vector<double>>{{4, 2}, {2, 1}});
  CHECK(test.series[1].y[0] == 4);
  CHECK(test.y_label == "test loss (cross-entropy)");
  CHECK(mentions(c.paragraphs.at(0), "makes smaller: the cross-entropy, which"));
  CHECK(mentions(page_of(study.path()), "<section id=\"losses\">"));
}

TEST_CASE("loss curves of labels, of the squared error, and of seeds with other targets") {
  const TemporaryFolder study;
  History h = history({0.6, 0.7}, 0.8);
  write_comparison(study, "own", "", "", h, h);
  study.write("own/config.toml",
              "# pretrained_ntk_comparison: x\nmodel = \"mlp\"\ndata = \"mnist\"\nlabels = \"/x/l.npy\"\nloss = \"squared\"\n");
  write_comparison(study, "p0", "3,4", "/3", h, h, 0);
  write_comparison(study, "p0", "3,4", "/4", h, h, 0);
  for (History* of : {&h})
    for (auto& epoch : *of) epoch.train_loss = 9;
  write_comparison(study, "p1", "30", "", h, h, 1);
  const Context c = loss_curves(read_study(study.path()));
  REQUIRE(c.figures.size() == 4);
  CHECK(c.figures[0].second.title == "Loss on training images: mlp on mnist, l.npy");
  CHECK(c.figures[0].second.y_label == "training loss (squared error)");
  CHECK(c.figures[2].second.title == "Loss on training images: lenet on dead-leaves, target 4");  // not of seed 1, whose target is 30
  CHECK(c.figures[2].second.series[0].y == std::vector<double>{1, 1});
  CHECK(mentions(c.paragraphs.at(0), "half the squared error"));
  CHECK(mentions(c.paragraphs.at(0), "of some, the cross-entropy"));
  page_of(study.path());
}

TEST_CASE("what a gallery's kernel is of is said by what its weights were") {
  const TemporaryFolder study;
  const auto said = [&](const std::string& options) {
    study.write("k/config.toml", "# compute_ntk: x\ndata = \"mnist\"\nnum-train = 9\nnum-test = 1\n" + options);
    data::save_png(study / "k/eigenfunctions.png", {40, 120, 1, std::vector<std::uint8_t>(4800, 7)});
    study.write("k/eigenfunctions.csv", "index,side,place,image,value\n0,lowest,0,1,1\n0,highest,0,2,2\n");
    return gallery_of_eigenfunctions(read_study(study.path())).plates.at(0).caption;
  };
  CHECK(mentions(said("model = \"lenet\"\n"), "nothing was learnt yet"));
  for (const auto& [options, words] : {std::pair{"model = \"lenet\"\ninit = \"/x/final.npz\"\n", "the weights in final.npz"},
                                       std::pair{"model = \"/x/net.onnx\"\n", "the weights in the network&#39;s file"},
                                       std::pair{"model = \"mine\"\n", "the weights that the network starts from"}}) {
    CHECK(mentions(said(options), words));
    CHECK(!mentions(said(options), "nothing was learnt"));
  }
}

TEST_CASE("the gallery and directions that no claim shows are part of the page itself") {
  const TemporaryFolder study;
  write_run(study, "older", "compute_ntk", "num-train = 1000\n");
  std::string html = page_of(study.path());
  CHECK(!mentions(html, "<section id=\"gallery\">"));
  CHECK(mentions(html, "What an eigenfunction looks like: not here. It takes eigenfunctions.png"));
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
