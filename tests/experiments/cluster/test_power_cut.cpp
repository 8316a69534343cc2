// After a power cut a file may be empty or cut short on some file systems: such a run is not finished, and ends as it would have.
#include <sys/stat.h>

#include "tests/experiments/cluster/shell.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
namespace fs = std::filesystem;

TEST_CASE("power cut: a finished run that has lost a file, or a part of one, is gone on with and ends in the same bytes") {
  const Sandbox box;
  const std::string command = test::small_kernel + " --save-ntk --quiet --out K";
  box.good(command);
  const auto whole = box.results("K");
  CHECK(box.record("K")["files"]["eigvecs.npy"] == fs::file_size(box / "K/eigvecs.npy"));
  const auto is_repaired = [&](const std::string& line) {
    const auto end = box.run(command);
    INFO(line << "\n" << end.err);
    CHECK(end.status == 0);
    CHECK_THAT(end.err, ContainsSubstring(line + ": the run is gone on with\n"));
    CHECK(test::differing(box.results("K"), whole) == "");
    CHECK_THAT(box.good(command), ContainsSubstring("is finished, nothing to do"));
  };
  for (const std::string name : {"eigvecs.npy", "eigvals.npy", "ntk.npy", "init.npz"}) {
    const auto bytes = fs::file_size(box / "K" / name);
    fs::resize_file(box / "K" / name, 0);
    is_repaired("K/" + name + fmt::format(" has 0 bytes, not {}", bytes));
  }
  // The right length says nothing: blocks that never reached the disk read as zeros.
  for (const std::string name : {"eigvecs.npy", "eigvals.npy", "ntk.npy", "init.npz", "residuals.npy"}) {
    box.write("K/" + name, std::string(whole.at(name).size(), '\0'));
    is_repaired("K/" + name + " has other contents than the run left there");
  }
  std::string flipped = whole.at("ntk.npy");
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  box.write("K/ntk.npy", flipped);
  is_repaired("K/ntk.npy has other contents than the run left there");
  const auto record = test::bytes_of(box / "K/run.json");
  box.write("K/run.json", "");  // what it was made from can no longer be compared: its user decides
  CHECK_THAT(box.refused(command), ContainsSubstring("K/run.json: "));
  box.write("K/run.json", record);
  fs::resize_file(box / "K/ntk.npy", 300);
  is_repaired(fmt::format("K/ntk.npy has 300 bytes, not {}", whole.at("ntk.npy").size()));
  fs::remove(box / "K/residuals.npy");
  is_repaired("K/residuals.npy is missing");
  // A pipe in the place of a figure's numbers would be neither read nor written over.
  fs::remove(box / "K/spectrum.csv");
  REQUIRE(mkfifo((box / "K/spectrum.csv").c_str(), 0644) == 0);
  fs::remove(box / "K/residuals.npy");
  is_repaired("K/residuals.npy is missing");
  CHECK(fs::is_regular_file(box / "K/spectrum.csv"));
  fs::create_directories(box / "U/.unfinished/something");
  CHECK_THAT(box.refused(test::small_kernel + " --quiet --out U"), ContainsSubstring("U/.unfinished is no file; remove it"));
  fs::remove(box / "K/spectrum.svg");  // a figure decides nothing, nor does what somebody else has put there
  box.write("K/notes.csv", "mine");
  box.write("K/.unfinished", "");
  box.good(command);
  box.write("K/notes.csv", "mine, longer");
  CHECK_THAT(box.good(command), ContainsSubstring("is finished, nothing to do"));
}

TEST_CASE("power cut: a target that has lost a part is trained again, the others are not") {
  const Sandbox box;
  box.good(test::small_kernel + " --quiet --out K");
  for (const std::string kind : {"", " --linearize --space function"}) {
    const std::string command = "train_ntk --ntk K --index 1,2,3 --batch 4 --epochs 2 --quiet --out B" + kind;
    box.good(command);
    const auto whole = box.results("B");
    const auto kept = fs::last_write_time(box / "B/1/final.npz");
    for (const std::string name : {"2/final.npz", "2/test_logits.npy", "2/history.csv", "3/labels.npy", "accuracy.csv"}) {
      INFO(name);
      fs::resize_file(box / "B" / name, 0);
      box.good(command);
      CHECK(test::differing(box.results("B"), whole) == "");
      if (kind.empty()) CHECK(fs::last_write_time(box / "B/1/final.npz") == kept);
    }
    for (const std::string name : {"2/final.npz", "2/history.csv", "3/test_logits.npy"}) {
      INFO(name);
      box.write("B/" + name, std::string(whole.at(name).size(), '\0'));
      box.good(command);
      CHECK(test::differing(box.results("B"), whole) == "");
    }
    // A run that had not ended is not finished where its mark is lost: run.json says so too.
    std::string record = test::bytes_of(box / "B/run.json");
    const auto finished = record.find("\"finished\": true");
    REQUIRE(finished != std::string::npos);
    box.write("B/run.json", record.replace(finished, 16, "\"finished\": false"));
    fs::remove(box / "B/3/final.npz");
    CHECK(!fs::exists(box / "B/.unfinished"));
    CHECK_THAT(box.good(command), !ContainsSubstring("is finished, nothing to do"));
    CHECK(test::differing(box.results("B"), whole) == "");
    // The same where it is there.
    box.write("B/.unfinished", "");
    fs::resize_file(box / "B/3/final.npz", fs::file_size(box / "B/3/final.npz") / 2);
    box.good(command);
    CHECK(test::differing(box.results("B"), whole) == "");
    fs::remove_all(box / "B");
  }
}
