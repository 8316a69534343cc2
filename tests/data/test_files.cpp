// Whole files or none: what stands under the final name is never half written.
#include <sys/resource.h>

#include <csignal>
#include <ostream>
#include <sstream>

#include "data/files.h"
#include "tests/catch.h"
#include "tests/data/text.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

using namespace tangentplane;
using namespace tangentplane::data;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a file written at once holds what was written and replaces the older one") {
  const TemporaryFolder folder;
  write_atomically(folder / "a.txt", [](std::ostream& out) { out << "first"; });
  CHECK(text(folder / "a.txt") == "first");
  write_atomically(folder / "a.txt", [](std::ostream& out) { out << "second, longer"; });
  CHECK(text(folder / "a.txt") == "second, longer");
  CHECK(folder.files() == 1);
}

TEST_CASE("a writer that throws leaves the older file and nothing else") {
  const TemporaryFolder folder;
  folder.write("a.txt", "older");
  CHECK_THROWS_AS(write_atomically(folder / "a.txt",
                                   [](std::ostream& out) {
                                     out << "half of";
                                     throw std::domain_error("stopped");
                                   }),
                  std::domain_error);
  CHECK(text(folder / "a.txt") == "older");
  CHECK(folder.files() == 1);
}

TEST_CASE("a full disk is one line that names the file, and leaves nothing") {
  const TemporaryFolder folder;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);  // a file may grow to 100,000 bytes: write() then fails as on a full disk
  const rlimit small{100000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  int pieces = 0;
  const std::string line = thrown<std::runtime_error>([&] {
    write_atomically(folder / "a.bin", [&](std::ostream& out) {
      for (; pieces < 1000; ++pieces) out << std::string(10000, 'x');
    });
  });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK_THAT(line, ContainsSubstring("cannot write") && ContainsSubstring((folder / "a.bin").string()) && ContainsSubstring("too large"));
  CHECK(pieces < 20);  // it stops at the failure
  CHECK(folder.files() == 0);
}

#if !defined(__SANITIZE_ADDRESS__)  // whose checks open files of their own
TEST_CASE("a file that the system fails to open is no fault of the input") {
  const TemporaryFolder folder;
  folder.write("a.bin", "abc");
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const std::string line = thrown<std::runtime_error>([&] { read_bytes(folder / "a.bin"); });
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK(line == (folder / "a.bin").string() + ": cannot be opened: Too many open files");
  CHECK(read_bytes(folder / "a.bin").size() == 3);
}
#endif

TEST_CASE("places that cannot be written are named") {
  const TemporaryFolder folder;
  folder.write("file", "");
  std::filesystem::create_directory(folder / "inner");
  const auto write = [&](const std::string& name) {
    return thrown<std::runtime_error>([&] { write_atomically(folder / name, [](std::ostream& out) { out << 1; }); });
  };
  CHECK_THAT(write("missing/a.txt"), ContainsSubstring("missing/a.txt: No such file or directory"));
  CHECK_THAT(write("file/a.txt"), ContainsSubstring("file/a.txt: Not a directory"));
  CHECK_THAT(write("inner"), ContainsSubstring("it is a folder"));
  CHECK_THAT(thrown<std::runtime_error>([] { write_atomically("/dev/null", [](std::ostream& out) { out << 1; }); }),
             ContainsSubstring("not a regular file"));
  CHECK(folder.files() == 2);
}

TEST_CASE("a source of bytes gives them in order, from a file or from elsewhere, and no more than there are") {
  const TemporaryFolder folder;
  const auto path = folder.write("a.bin", "0123456789");
  std::istringstream digits("0123456789");
  const ByteSource piecewise("elsewhere", 10, [&](void* to, std::size_t bytes) {
    digits.read(static_cast<char*>(to), static_cast<std::streamsize>(std::min<std::size_t>(2, bytes)));
    return static_cast<std::size_t>(digits.gcount());
  });
  for (ByteSource source : {ByteSource::file(path), piecewise}) {
    char c[4] = {};
    source.read(c, 2);
    CHECK(std::string(c) == "01");
    source.skip(3);
    source.read(c, 3);
    CHECK(std::string(c) == "567");
    CHECK(source.left() == 2);
    CHECK_THAT(thrown([&] { source.read(c, 3); }), ContainsSubstring(source.name()) && ContainsSubstring("cut short"));
    CHECK_THAT(thrown([&] { source.skip(3); }), ContainsSubstring("cut short"));
    source.skip(2);
    CHECK(source.left() == 0);
  }
  CHECK_THAT(thrown([&] { read_bytes(folder / "none"); }), ContainsSubstring("none: no such file"));
  CHECK_THAT(thrown([&] { read_bytes(folder.path()); }), ContainsSubstring("is not a file"));
}
