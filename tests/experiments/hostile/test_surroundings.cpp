// Surroundings that are hostile: streams that are closed or full, limits on files and on memory, and what a kill leaves behind.
#include "tests/catch.h"
#include "tests/experiments/hostile/child.h"
#include "tests/experiments/hostile/inputs.h"

#include "autodiff/random.h"
#include "data/npy.h"

using namespace tangentplane::experiments::hostile;
namespace fs = std::filesystem;

namespace {

const std::string run = saved_kernel + " --out ";

/// A folder with images, and in `right` what the run leaves.
struct Place : tangentplane::TemporaryFolder {
  Place() {
    tangentplane::RandomStream random(3, "images");
    tangentplane::Tensor<float> images({12, 6, 6, 1});
    for (float& v : images.span()) v = static_cast<float>(random.normal());
    tangentplane::data::save_npy(write("work/im.npy", ""), images);
    REQUIRE(ended(run + "right", {}, {}) == 0);
  }
  int ended(const std::string& command, const std::vector<std::string>& streams, const Limits& limits) const {
    const fs::path temporary = path() / "tmp";
    fs::create_directories(temporary);
    const End end = run_child(words_of(command), path() / "work", temporary, limits, streams);
    CHECK(fs::is_empty(temporary));
    return end.hung ? -1 : end.status;
  }
  bool right(const std::string& out) const {
    for (const char* name : {"eigvals.npy", "eigvecs.npy", "ntk.npy", "residuals.npy"})
      if (bytes_at(path() / "work" / out / name) != bytes_at(path() / "work/right" / name)) return false;
    return !partial();
  }
  bool partial() const {
    for (const auto& entry : fs::recursive_directory_iterator(path() / "work"))
      if (entry.path().string().find(".partial") != std::string::npos) return true;
    return false;
  }
};

}  // namespace

TEST_CASE("hostile: closed and full streams do not change results") {
  const Place place;
  int n = 0;
  for (const std::vector<std::string>& streams :
       std::vector<std::vector<std::string>>{{"", "", "-"}, {"", "", "/dev/full"}, {"", "-", ""}, {"", "/dev/full", ""}, {"-", "-", "-"}}) {
    INFO("streams " << n);
    const std::string out = "e" + std::to_string(n++);
    CHECK(place.ended("compute_ntk --colour --out " + out, streams, {}) == 2);
    CHECK(!fs::exists(place / ("work/" + out)));
    CHECK(place.ended(run + out, streams, {}) == (streams[1] == "/dev/full" ? 1 : 0));  // the line that says what came out is lost
    CHECK(place.right(out));
  }
  // Whose output is all that there is.
  CHECK(place.ended(run + "plan --plan", {"", "/dev/full", ""}, {}) == 1);
  CHECK(place.ended("compute_ntk --help", {"", "/dev/full", ""}, {}) == 1);
  CHECK(place.ended("compute_ntk --version", {"", "/dev/full", ""}, {}) == 1);
}

TEST_CASE("hostile: limits on files and on memory end a run in order") {
  const Place place;
  Limits no_files;
  no_files.file_size = 1;  // not even the configuration
  CHECK(place.ended(run + "a/b/e", {}, no_files) == 2);
  CHECK(!fs::exists(place / "work/a"));
  Limits small_files;
  small_files.file_size = 1024;
  CHECK(place.ended(run + "e", {}, small_files) == 1);
  CHECK(!place.partial());
  CHECK(place.ended(run + "e", {}, {}) == 0);
  CHECK(place.right("e"));
  if (sanitized) return;
  // With 60 the libraries of some systems fail in constructors of their own.
  for (std::uint64_t megabytes : {100, 150, 200, 250, 300, 500}) {
    INFO(megabytes << " MB of address space");
    Limits little;
    little.address_space = megabytes << 20;
    const std::string out = "m" + std::to_string(megabytes);
    const int status = place.ended(run + out, {}, little);
    CHECK((status == 0 || status == 1 || status == 2 || status == 127));  // 127: not even its libraries could be mapped
    if (status == 0) CHECK(place.right(out));
    CHECK(!place.partial());
  }
}

TEST_CASE("hostile: what a kill leaves between two steps is taken in or cleared away") {
  const Place place;
  const std::vector<std::vector<std::string>> begun{{"..unfinished.1-0.partial"},
                                                    {".unfinished", ".config.toml.1-1.partial"},
                                                    {".unfinished"},
                                                    {".unfinished", "config.toml", ".run.json.5-2.partial"},
                                                    {".unfinished", "config.toml", "init.npz", ".eigvecs.npy.12-3.partial"}};
  for (std::size_t i = 0; i < begun.size(); ++i) {
    INFO("left " << i);
    const std::string out = "e" + std::to_string(i);
    for (const std::string& name : begun[i]) {
      std::string bytes = name.ends_with("partial") ? "half of" : "";
      if (name == "config.toml" || name == "init.npz") bytes = bytes_at(place / ("work/right/" + name));
      if (name == "config.toml") bytes.replace(bytes.find("work/right"), 10, "work/" + out);
      write_bytes(place / ("work/" + out + "/" + name), bytes);
    }
    CHECK(place.ended(run + out, {}, {}) == 0);
    CHECK(place.right(out));
  }
}
