// The fetch script on small archives of its own: checked, unpacked, or one line and nothing left.
#include <sys/wait.h>

#include <fmt/format.h>

#include <cstdlib>

#include "tests/catch.h"
#include "tests/data/text.h"
#include "tests/places.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

struct Result {
  int status;
  std::string output;
};

/// Runs bash in the folder, with $fetch the script; output is standard output and error.
Result bash(const TemporaryFolder& folder, const std::string& script) {
  const auto fetch = std::filesystem::path(places::golden()).parent_path().parent_path() / "data" / "fetch";
  folder.write("script.sh", fmt::format("cd '{}'; fetch='{}'\n{}", folder.path().string(), fetch.string(), script));
  const int status =
      std::system(fmt::format("bash '{0}' > '{1}' 2>&1", (folder / "script.sh").string(), (folder / "output").string()).c_str());
  Result result{WEXITSTATUS(status), text(folder / "output")};
  std::filesystem::remove(folder / "output");
  std::filesystem::remove(folder / "script.sh");
  return result;
}

/// A failure: that status, one line, and nothing left in the folder `there`.
void check_fails(const TemporaryFolder& folder, const std::string& script, int status, const std::string& words) {
  const Result r = bash(folder, script);
  INFO(script << "\n" << r.output);
  CHECK(r.status == status);
  CHECK_THAT(r.output, StartsWith("fetch: ") && ContainsSubstring(words));
  CHECK(std::count(r.output.begin(), r.output.end(), '\n') == 1);
  const auto there = folder / "there";
  CHECK((!std::filesystem::exists(there) || std::filesystem::is_empty(there)));
}

void make_cifar10(const TemporaryFolder& folder) {
  for (const char* name : {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"})
    folder.write(fmt::format("cifar-10-batches-bin/{}.bin", name), std::string(3073, 'x'));
  REQUIRE(bash(folder, "tar -czf cifar-10-binary.tar.gz cifar-10-batches-bin && rm -r cifar-10-batches-bin").status == 0);
}
const std::string cifar10_sum = "export TANGENTPLANE_MD5=\"cifar-10-binary.tar.gz=$(md5sum < cifar-10-binary.tar.gz | cut -c 1-32)\"\n";

void make_mnist(const TemporaryFolder& folder) {
  for (const char* name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"})
    folder.write(fmt::format("idx/{}", name), std::string(5000, *name));
}
const std::string mnist_sums = "export TANGENTPLANE_MD5=\"$(cd idx; for f in *; do echo $f=$(md5sum < $f | cut -c 1-32); done)\"\n";

}  // namespace

TEST_CASE("fetch: an archive at hand is checked and unpacked without a download") {
  const TemporaryFolder folder;
  make_cifar10(folder);
  const Result r = bash(folder, cifar10_sum + "\"$fetch\" cifar10 there cifar-10-binary.tar.gz");
  INFO(r.output);
  CHECK(r.status == 0);
  CHECK(std::filesystem::file_size(folder / "there/cifar-10-batches-bin/test_batch.bin") == 3073);
  CHECK(bash(folder, "ls -A there").output == "cifar-10-batches-bin\n");
  const Result again = bash(folder, cifar10_sum + "\"$fetch\" cifar10 there cifar-10-binary.tar.gz");
  CHECK(again.status == 2);
  CHECK_THAT(again.output, ContainsSubstring("exists already"));
}

TEST_CASE("fetch: MNIST from a folder, plain or compressed by any gzip") {
  for (const std::string compress : {"", "gzip -1 idx/*\n"}) {
    const TemporaryFolder folder;
    make_mnist(folder);
    const Result r = bash(folder, mnist_sums + compress + "\"$fetch\" mnist there idx");
    INFO(r.output);
    CHECK(r.status == 0);
    CHECK(bash(folder, "gzip -dcf there/mnist/t10k-labels-idx1-ubyte* | wc -c").output == "5000\n");
    CHECK(bash(folder, "ls there/mnist | wc -l").output == "4\n");
  }
}

TEST_CASE("fetch: downloads, here from a folder") {
  const TemporaryFolder folder;
  if (bash(folder, "command -v curl").status != 0) {
    WARN("curl is not installed: the download is not tested");
    return;
  }
  make_cifar10(folder);
  const std::string here = "export TANGENTPLANE_URL=file://$PWD\n";
  check_fails(folder, here + "\"$fetch\" cifar10 there", 1, "cifar-10-binary.tar.gz: MD5");
  check_fails(folder, here + "\"$fetch\" mnist there", 1, "cannot download file://");
  CHECK(bash(folder, cifar10_sum + here + "\"$fetch\" cifar10 there").status == 0);
  CHECK(std::filesystem::exists(folder / "there/cifar-10-batches-bin/data_batch_5.bin"));
}

TEST_CASE("fetch: what cannot be fetched is one line and leaves nothing") {
  const TemporaryFolder folder;
  make_cifar10(folder);
  make_mnist(folder);
  check_fails(folder, "\"$fetch\"", 2, "usage: data/fetch cifar10|mnist DIR [ARCHIVE]");
  check_fails(folder, "\"$fetch\" cifar100 there", 2, "unknown data set 'cifar100'; one of cifar10, mnist");
  check_fails(folder, "\"$fetch\" cifar10 there none.tar.gz", 2, "no archive none.tar.gz");
  check_fails(folder, "\"$fetch\" mnist there none", 2, "no folder none");
  check_fails(folder, "\"$fetch\" cifar10 there cifar-10-binary.tar.gz", 1, "not c32a1d4ab5d03f1284b67883e8d87530: damaged or cut short");
  check_fails(folder, cifar10_sum + "truncate -s -1 cifar-10-binary.tar.gz\n\"$fetch\" cifar10 there cifar-10-binary.tar.gz", 1,
              "damaged or cut short");
  check_fails(folder, "\"$fetch\" mnist there idx", 1, "train-images-idx3-ubyte: MD5");
  check_fails(folder, mnist_sums + "mkdir less; cp idx/train* less\n\"$fetch\" mnist there less", 2,
              "no t10k-images-idx3-ubyte.gz nor t10k-images-idx3-ubyte in less");
  check_fails(folder, mnist_sums + "trap '' XFSZ; ulimit -f 2\n\"$fetch\" mnist there idx", 1, "is the disk full?");
  check_fails(folder, mnist_sums + "touch file\n\"$fetch\" mnist file/there idx", 1, "cannot create the folder file/there");
}
