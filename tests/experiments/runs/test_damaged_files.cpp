// Files of ours that are read back are checked where they are read: finite, of the right shape, in range. The line names the file and the
// remedy.
#include <cmath>

#include "tests/experiments/run_binary.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

const std::string mlp = " --model mlp --features 3,1 --quiet";

void write_images(const Sandbox& box) { data::save_npy(box / "x.npy", test::eight_images()); }

/// A folder without its fingerprints, as of an older version, so that what is read is looked at for itself.
void forget_fingerprints(const Sandbox& box, const std::string& folder) {
  auto record = box.record(folder);
  record.erase("fingerprints");
  box.write(folder + "/run.json", record.dump());
}

/// A command that goes on in its folder and must be refused in one line, whatever else stands there.
std::string refused_to_go_on(const Sandbox& box, const std::string& command) {
  const auto end = box.run(command);
  INFO(command << "\n" << end.err);
  CHECK(end.status == 2);
  CHECK(std::count(end.err.begin(), end.err.end(), '\n') == 1);
  return end.err;
}

}  // namespace

TEST_CASE("damaged files: eigenvectors, kernels and directions that are not finite") {
  const Sandbox box;
  write_images(box);
  box.good("compute_ntk" + mlp + " --data x.npy --num-train 6 --save-ntk --out K");
  box.good("compute_nads" + mlp + " --shape 3,3,1 --out N");
  for (const char* folder : {"K", "N"}) forget_fingerprints(box, folder);
  const std::string recipe = " --quiet --batch 3 --epochs 1";
  auto directions = box.array("N/nads.npy");
  for (double bad : {std::nan(""), static_cast<double>(INFINITY)}) {
    directions[2 * 9 + 4] = bad;
    data::save_npy(box / "N/nads.npy", directions);
    CHECK_THAT(
        box.refused("train_nads --nads N --index 1,2 --num-train 8 --num-test 2" + recipe),
        ContainsSubstring("nads.npy: direction 2 holds") && ContainsSubstring("at [4]") && ContainsSubstring("repeat the compute_nads"));
  }
  for (int i = 0; i < 9; ++i) directions[2 * 9 + i] = 0;
  data::save_npy(box / "N/nads.npy", directions);
  CHECK_THAT(box.refused("train_nads --nads N --index 2 --num-train 8 --num-test 2" + recipe), ContainsSubstring("direction 2 is zero"));

  auto vectors = box.array("K/eigvecs.npy");
  const auto good = vectors.clone();
  vectors[3 * 8 + 5] = std::nan("");
  data::save_npy(box / "K/eigvecs.npy", vectors);
  for (const char* program : {"train_ntk", "pretrained_ntk_comparison"})
    for (const char* index : {"3", "0"})  // alignment takes them all
      CHECK_THAT(box.refused(std::string(program) + " --ntk K --index " + index + recipe),
                 ContainsSubstring("eigvecs.npy: eigenvector 3 holds nan at [5]") && ContainsSubstring("repeat the compute_ntk"));
  // A bit of an exponent: still finite, and its products are not.
  for (double scale : {1e30, 0., 1.02}) {
    vectors = good.clone();
    for (int i = 0; i < 8; ++i) vectors[3 * 8 + i] *= scale;
    data::save_npy(box / "K/eigvecs.npy", vectors);
    CHECK_THAT(box.refused("train_ntk --ntk K --index 0" + recipe), ContainsSubstring("eigvecs.npy: eigenvector 3 has norm") &&
                                                                        ContainsSubstring("not 1") &&
                                                                        ContainsSubstring("repeat the compute_ntk"));
  }
  data::save_npy(box / "K/eigvecs.npy", good);
  auto kernel = box.array("K/ntk.npy");
  kernel[2 * 8 + 1] = INFINITY;
  data::save_npy(box / "K/ntk.npy", kernel);
  CHECK_THAT(box.refused("train_ntk --ntk K --index 1 --linearize --space function" + recipe),
             ContainsSubstring("ntk.npy: row 2 holds inf at [1]") && ContainsSubstring("repeat the compute_ntk"));
}

TEST_CASE("damaged files: Adam's state is what some number of steps can have left") {
  const Sandbox box;
  write_images(box);
  data::save_npy(box / "y.npy", std::vector<int>{0, 1, 1, 0, 1, 0, 1, 1});
  const std::string train =
      "train_ntk --model mlp --features 3,1 --data x.npy --labels y.npy --num-train 6 --batch 3 --epochs 4 --optimizer adam --quiet --out "
      "T";
  box.good(train);
  const auto whole = box.listing("T");
  const auto with_last = [&](float steps, float square) {  // as if it had been interrupted after two epochs of two steps
    for (const auto& [name, bytes] : whole)
      if (!fs::is_directory(box / "T" / name)) box.write("T/" + name, bytes);
    data::NamedTensors<float> last;
    const auto weights = data::load_npz<float>(box / "T/final.npz");
    for (const auto& [name, value] : weights) {
      last.emplace_back(name, value.clone());
      if (!name.starts_with("params/")) continue;
      last.emplace_back("momentum/" + name.substr(7), Tensor<float>::zeros(value.shape()));
      last.emplace_back("squares/" + name.substr(7), Tensor<float>::full(value.shape(), square));
    }
    last.emplace_back("steps", Tensor<float>::full({1}, steps));
    last.emplace_back("epoch", Tensor<float>::full({1}, 2));
    data::save_npz(box / "T/last.npz", last);
    fs::remove(box / "T/final.npz");
    box.write("T/.unfinished", "");
    const std::string& history = whole.at("history.csv");
    std::size_t end = 0;
    for (int line = 0; line < 3; ++line) end = history.find('\n', end) + 1;
    box.write("T/history.csv", history.substr(0, end));
  };
  with_last(4, 1e-4f);
  box.good(train);  // and it goes on
  for (float bad : {-1.f, 0.f, 0.5f, 1.f, 5.f}) {
    with_last(bad, 1e-4f);
    CHECK_THAT(refused_to_go_on(box, train), ContainsSubstring("last.npz: steps is") &&
                                                 ContainsSubstring("not a multiple of its 2 epochs") &&
                                                 ContainsSubstring("delete it to train this target anew"));
  }
  with_last(4, -1);
  CHECK_THAT(refused_to_go_on(box, train), ContainsSubstring("holds -1, which is no mean of squares"));
}

TEST_CASE("damaged files: last.npz, history.csv and final.npz of a training that goes on") {
  const Sandbox box;
  write_images(box);
  box.good("compute_ntk --model resnet18 --filters 1 --blocks 1 --quiet --data x.npy --num-train 6 --out K");
  const std::string train = "train_ntk --quiet --ntk K --index 1,2 --batch 3 --epochs 4 --out T";
  box.good(train);
  const auto whole = box.listing("T");
  using Entries = data::NamedTensors<float>;
  Entries state = data::load_npz<float>(box / "T/1/final.npz");
  for (const auto& [name, value] : data::load_npz<float>(box / "T/1/final.npz"))
    if (name.starts_with("params/")) state.emplace_back("momentum/" + name.substr(7), Tensor<float>::zeros(value.shape()));
  // As if it had been interrupted after two epochs of target 1.
  const auto interrupted = [&] {
    for (const auto& [name, bytes] : whole)
      if (!fs::is_directory(box / "T" / name)) box.write("T/" + name, bytes);
    for (const char* name : {"T/1/final.npz", "T/1/last.npz", "T/2/final.npz", "T/2/history.csv"}) fs::remove(box / name);
    box.write("T/.unfinished", "");
    const std::string& history = whole.at("1/history.csv");
    std::size_t end = 0;
    for (int line = 0; line < 3; ++line) end = history.find('\n', end) + 1;
    box.write("T/1/history.csv", history.substr(0, end));
  };
  const auto with_last = [&](const std::function<void(Entries&)>& change) {
    interrupted();
    Entries last;
    for (const auto& [name, value] : state) last.emplace_back(name, value.clone());
    last.emplace_back("epoch", Tensor<float>::full({1}, 2));
    change(last);
    data::save_npz(box / "T/1/last.npz", last);
  };
  const auto refused = [&](const std::function<void(Entries&)>& change) {
    with_last(change);
    const std::string line = refused_to_go_on(box, train);
    CHECK_THAT(line, ContainsSubstring("T/1/last.npz: "));
    CHECK_THAT(line, ContainsSubstring("; delete it to train this target anew"));
    return line;
  };
  with_last([](Entries&) {});
  box.good(train);  // and it goes on
  const auto epoch = [&](const Tensor<float>& value) { return refused([&](Entries& e) { e.back().second = value; }); };
  for (float bad : {-1.f, 0.f, 1.5f, 5.f, 1e30f})
    CHECK_THAT(epoch(Tensor<float>::full({1}, bad)), ContainsSubstring("epoch is") && ContainsSubstring("not one of 1 to 4"));
  CHECK_THAT(epoch(Tensor<float>::full({1}, NAN)), ContainsSubstring("epoch holds nan"));
  CHECK_THAT(epoch(Tensor<float>(Shape{0})), ContainsSubstring("epoch has shape [0], this training takes [1]"));
  CHECK_THAT(epoch(Tensor<float>::full({}, 2)), ContainsSubstring("epoch has shape [], this training takes [1]"));
  CHECK_THAT(refused([](Entries& e) { e.pop_back(); }), ContainsSubstring("epoch is missing"));
  CHECK_THAT(refused([](Entries& e) { e[0].second[0] = NAN; }), ContainsSubstring("holds nan"));
  CHECK_THAT(refused([](Entries& e) { e.erase(e.begin()); }), ContainsSubstring("is missing"));
  CHECK_THAT(refused([](Entries& e) { e.emplace_back("surplus", Tensor<float>::zeros({2})); }),
             ContainsSubstring("surplus is not part of"));
  CHECK_THAT(refused([](Entries& e) {
               for (auto& [name, t] : e)
                 if (name.ends_with("/var")) t[0] = -1;
             }),
             ContainsSubstring("/var holds -1; a variance is above"));
  with_last([](Entries&) {});
  box.write("T/1/last.npz", "");
  CHECK_THAT(refused_to_go_on(box, train), ContainsSubstring("last.npz") && ContainsSubstring("delete it to train this target anew"));
  // Deleting it is the remedy.
  interrupted();
  box.good(train);
  CHECK(test::differing(box.listing("T/1"), [&] {
          auto one = box.listing("T/1");
          for (auto& [name, bytes] : one) bytes = whole.at("1/" + name);
          return one;
        }()) == "");

  for (const char* history :
       {"", "epoch\n", "epoch,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,distance\n1,0.1,nan,1,1,1,1\n",
        "epoch,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,distance\n1,0.1,0.5,1.5,1,1,1\n",
        "epoch,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,distance\n2,0.1,0.5,0.5,1,1,1\n",
        "epoch,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,distance\n1,0.1,0.5,0.5,1,,1\n",
        "epoch,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,distance\n1,0.1,0.5,0.5,1,1,1\n"}) {
    with_last([](Entries&) {});
    box.write("T/1/history.csv", history);
    CHECK_THAT(refused_to_go_on(box, train), ContainsSubstring("T/1/history.csv") && ContainsSubstring("last.npz to train anew"));
  }

  // A finished target in a folder that goes on.
  const auto finished = [&] {
    interrupted();
    for (const char* name : {"1/final.npz", "1/history.csv"}) box.write(std::string("T/") + name, whole.at(name));
  };
  for (const std::string& cut : {std::string(), whole.at("1/final.npz").substr(0, 500)}) {  // as a power cut leaves it: trained anew
    finished();
    box.write("T/1/final.npz", cut);
    box.good(train);
    CHECK(test::bytes_of(box / "T/1/final.npz") == whole.at("1/final.npz"));
  }
  finished();
  auto weights = data::load_npz<float>(box / "T/1/final.npz");
  weights[1].second[0] = NAN;
  data::save_npz(box / "T/1/final.npz", weights);
  CHECK_THAT(refused_to_go_on(box, train), ContainsSubstring("T/1/final.npz: ") && ContainsSubstring("holds nan") &&
                                               ContainsSubstring("delete it to train this target anew"));
  finished();
  box.write("T/1/history.csv",
            whole.at("1/history.csv").substr(0, whole.at("1/history.csv").rfind('\n', whole.at("1/history.csv").size() - 2) + 1));
  CHECK_THAT(refused_to_go_on(box, train),
             ContainsSubstring("history.csv: has 3 epochs, the training 4; delete") && ContainsSubstring("final.npz"));
}
