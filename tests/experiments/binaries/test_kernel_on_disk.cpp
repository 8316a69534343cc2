// compute_ntk where the kernel does not fit into --memory: the same results from tiles on disk, whatever interrupts the run.
#include <chrono>
#include <fstream>
#include <thread>

#include "autodiff/random.h"
#include "experiments/common/plans/kernel_folder.h"
#include "kernels/tiles/tile_file.h"
#include "tests/experiments/run_binary.h"
#include "tests/small.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using Catch::Matchers::ContainsSubstring;
using test::Sandbox;
namespace fs = std::filesystem;

namespace {

constexpr Index images = 3000, tile = 512, tiles = 21;
// The kernel takes 69 MiB, which with the program and the images do not fit; the program's own 48 MiB leave room for Lanczos.
const std::string command = "compute_ntk --model lenet --features 3,4,10,8,1 --data x.npy --eigen 12 --dtype float64 --quiet";
const std::string little = " --memory 100M";

void write_images(const Sandbox& box) {
  RandomStream random(1, "images");
  Tensor<double> x({images, 8, 8, 1});
  for (double& v : x.span()) v = random.normal();
  data::save_npy(box / "x.npy", x);
}

/// Of the kernel's stage that was finished; one that was interrupted is noted, too, with none.
double kernel_flops(const nlohmann::json& record) {
  double flops = 0;
  for (const auto& stage : record["stages"])
    if (stage["name"] == "kernel") flops = std::max(flops, stage["flops"].get<double>());
  return flops;
}

/// Tiles that are marked as written, as the file stands.
Index written(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<std::uint32_t, tiles> marks{};
  file.seekg(64);
  file.read(reinterpret_cast<char*>(marks.data()), sizeof marks);
  return file ? tiles - std::count(marks.begin(), marks.end(), 0u) : 0;
}

/// Runs into `out` and ends that by the signal while tiles are written; the tiles it left.
Index ended_in_kernel(const Sandbox& box, const std::string& arguments, const std::string& out, int signal) {
  const fs::path path = box / out / tiles_name;
  for (int tries = 0; tries < 100; ++tries) {
    fs::remove_all(box / out);
    auto child = box.start(arguments + " --out " + out);
    while (!child.over() && written(path) < 3) std::this_thread::sleep_for(std::chrono::microseconds(100));
    child.signal(signal);
    const auto end = child.wait();
    if (signal == SIGINT && end.status == 130) CHECK_THAT(end.err, ContainsSubstring("interrupted; the same command goes on from here"));
    if (const Index done = written(path); done >= 3 && done < tiles) return done;  // else it was through before the signal came
  }
  return 0;
}

}  // namespace

TEST_CASE("kernel on disk: a kernel that does not fit gives what one that fits gives, within the memory allowed") {
  const Sandbox box;
  write_images(box);
  box.good(command + " --method lanczos --save-ntk --out fits");
  CHECK(!box.record("fits").contains("kernel_on_disk"));
  const std::string plan = box.good(command + little + " --plan");
  CHECK_THAT(plan, ContainsSubstring("the kernel is on disk while it is used, in tiles of 512 images a side"));
  CHECK(!fs::exists(box / "results"));
  for (const std::string method : {"auto", "lanczos"}) {
    box.good(command + little + " --save-ntk --method " + method + " --out " + method);
    const auto record = box.record(method);
    CHECK(record["kernel_on_disk"] == kernels::TileFile<double>::disk_bytes(images, tile));
    CHECK(record["method"] == "lanczos");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose own memory counts too
    CHECK(record["peak_memory"].get<double>() <= 100 << 20);
#endif
    for (const std::string file : {"/eigvals.npy", "/ntk.npy"}) close_to(box.array(method + file), box.array("fits" + file), 1e-10);
    close_to(box.array(method + "/eigvecs.npy"), box.array("fits/eigvecs.npy"), 1e-6);
    CHECK(!fs::exists(box / method / tiles_name));
  }
  CHECK_THAT(box.refused(command + little + " --method full"), ContainsSubstring("--memory: 3000 images take"));
  CHECK_THAT(box.refused(command + " --memory 60M"), ContainsSubstring("even with the kernel on disk"));
  CHECK_THAT(box.refused(command + " --memory 50M"),
             ContainsSubstring("--memory: 3000 images take 50.9 MiB, 48.0 MiB of it for the program, 50.0 MiB are allowed; give more"));
}

// ResNet18 in little: features of 40 kB an image, so that panels arise.
const std::string narrow =
    "compute_ntk --model resnet18 --filters 8 --blocks 1,1,1,1 --num-train 3000 --num-test 0 --eigen 10 --quiet --memory ";

TEST_CASE("kernel on disk: by panels it is the same, within the memory allowed, and goes on with more memory from the tiles that it has") {
  const Sandbox box;
  box.good(narrow + "400M --out fits");
  CHECK(!box.record("fits").contains("kernel_on_disk"));
  CHECK_THAT(box.good(narrow + "200M --plan"),
             ContainsSubstring("in tiles of 128 images a side") && ContainsSubstring("features do not fit: computed"));
  int status = 0;
  for (int tries = 0; status != 130 && tries < 20; ++tries) {
    fs::remove_all(box / "parts");
    auto child = box.start(narrow + "200M --out parts");
    while (!child.over() && !fs::exists(box / "parts" / tiles_name)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    child.signal(SIGINT);
    status = child.wait().status;
  }
  REQUIRE(status == 130);
  box.good(narrow + "300M --out parts");
  CHECK(box.record("parts")["kernel_on_disk"] == kernels::TileFile<float>::disk_bytes(images, 128));
  box.good(narrow + "200M --out panels");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose own memory counts too
  CHECK(box.record("panels")["peak_memory"].get<double>() <= 200 << 20);
#endif
  for (const std::string out : {"parts", "panels"}) {
    INFO(out);
    close_to(box.array(out + "/eigvals.npy"), box.array("fits/eigvals.npy"), 1e-5);
  }
}

TEST_CASE("kernel on disk: one that would fit goes there where its room saves the features") {
  const Sandbox box;
  std::string plan;
  int mebibytes = 200;
  while (mebibytes < 300 && plan.find("it would fit") == std::string::npos)
    plan = box.good(fmt::format("{}{}M --plan", narrow, mebibytes += 4));
  CHECK_THAT(plan, ContainsSubstring("the kernel is on disk") && ContainsSubstring("(it would fit, but features would be computed"));
  CHECK_THAT(box.good(narrow + "300M --plan"), !ContainsSubstring("disk while it is used"));
}

TEST_CASE("kernel on disk: the same bytes for any number of threads") {
  const Sandbox box;
  write_images(box);
  for (const std::string threads : {"1", "2"}) box.good(command + little + " --threads " + threads + " --out " + threads);
  CHECK(test::differing(box.results("1"), box.results("2")) == "");
}

TEST_CASE("kernel on disk: a run that was killed goes on from its finished tiles, but not from torn ones, and ends with the same bytes") {
  const Sandbox box;
  write_images(box);
  box.good(command + little + " --out whole");
  const double all = kernel_flops(box.record("whole"));
  for (const int signal : {SIGKILL, SIGINT}) {
    const Index done = ended_in_kernel(box, command + little, "parts", signal);
    REQUIRE(done > 0);
    CHECK(!fs::exists(box / "parts/eigvals.npy"));
    Index good = done;
    if (signal == SIGKILL) {  // and the power goes out: one byte of a tile that was written
      const fs::path path = box / "parts" / tiles_name;
      std::vector<std::uint32_t> marks(tiles);
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(64);
      file.read(reinterpret_cast<char*>(marks.data()), 4 * tiles);
      const Index torn = std::find_if(marks.begin(), marks.end(), [](auto m) { return m != 0; }) - marks.begin();
      const auto at = static_cast<std::int64_t>(fs::file_size(path)) - (tiles - torn) * tile * tile * 8 + 1234;
      file.seekg(at);
      const int byte = file.get();
      file.seekp(at);
      file.put(static_cast<char>(byte ^ 4));
      --good;
    }
    // A run that began on disk goes on there, whatever memory it has now.
    box.good(command + (signal == SIGINT ? "" : little) + " --out parts");
    CHECK(test::differing(box.results("whole"), box.results("parts")) == "");
    // Each tile that was kept is one that was not computed again.
    CHECK(kernel_flops(box.record("parts")) == Approx(all * static_cast<double>(tiles - good) / tiles));
  }
}

TEST_CASE("kernel on disk: tiles of other weights are not taken") {
  const Sandbox box;
  write_images(box);
  box.good("compute_ntk --model lenet --features 3,4,10,8,1 --data x.npy --num-train 5 --num-test 0 --dtype float64 --quiet --out w");
  fs::copy_file(box / "w/init.npz", box / "w.npz");
  const std::string with = command + little + " --init w.npz";
  REQUIRE(ended_in_kernel(box, with, "A", SIGKILL) > 0);
  box.good(
      "compute_ntk --model lenet --features 3,4,10,8,1 --data x.npy --num-train 5 --num-test 0 --dtype float64 --quiet --seed 1 --out v");
  fs::copy_file(box / "v/init.npz", box / "w.npz", fs::copy_options::overwrite_existing);
  const auto end = box.run(with + " --out A");
  CHECK(end.status == 2);
  CHECK(end.err.find("w.npz: its weights are not those from which") != std::string::npos);
}

TEST_CASE("kernel on disk: a disk that is too small is found before any work") {
  const Sandbox box;
  data::save_npy(box / "x.npy", Tensor<float>::zeros({1'000'000, 1, 1, 1}));  // 2 TB of tiles
  const std::string huge = "compute_ntk --model mlp --features 2,1 --data x.npy --eigen 1 --memory 2G --quiet --out A";
  for (const std::string more : {"", " --plan"})
    CHECK_THAT(box.refused(huge + more), ContainsSubstring("A: the kernel on disk and the results take 1.8 TiB") &&
                                             ContainsSubstring("are free there; free some, give more --memory"));
  CHECK(test::thrown([] { require_space("A", 1000, 1000); }) == "nothing thrown");
  CHECK(
      test::thrown([] { require_space("A", 2048, 1024); }) ==
      "--out A: the kernel on disk and the results take 2.0 KiB, 1.0 KiB are free there; free some, give more --memory, or another folder");
  const double free = free_space(box / "not/yet/there");
  CHECK(free > 0);
  fs::create_directories(box / "mine");
  std::ofstream(box / "mine" / tiles_name).put(' ');
  fs::resize_file(box / "mine" / tiles_name, 1u << 30);  // sparse: counted as this run's own
  CHECK(free_space(box / "mine") > free + 0.9 * (1u << 30));
}
