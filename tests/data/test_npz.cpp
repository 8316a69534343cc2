// Archives: they come back as they were saved, byte-equal for equal content, and damage is found.
#include <zip.h>

#include <cstring>

#include "autodiff/random.h"
#include "data/npy_format.h"
#include "data/npz.h"
#include "tests/catch.h"
#include "tests/data/text.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

using namespace tangentplane;
using namespace tangentplane::data;
using Catch::Matchers::ContainsSubstring;

namespace {

template <class S>
NamedTensors<S> some_tensors() {
  NamedTensors<S> tensors;
  RandomStream random(2, "npz");
  for (const auto& [name, shape] : {std::pair<const char*, Shape>{"params/Conv_0/kernel", {3, 3, 2, 5}},
                                    {"params/Conv_0/bias", {5}},
                                    {"batch_stats/bn_init/mean", {1}},
                                    {"epoch", {}},
                                    {"nothing", {0, 3}},
                                    {"a", {70, 300}}}) {
    Tensor<S> t(shape);
    for (S& v : t.span()) v = static_cast<S>(random.normal());
    tensors.emplace_back(name, t);
  }
  return tensors;
}

template <class S>
void check_same(const NamedTensors<S>& a, const NamedTensors<S>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].first == b[i].first);
    REQUIRE(a[i].second.shape() == b[i].second.shape());
    CHECK(std::equal(a[i].second.data(), a[i].second.data() + a[i].second.size(), b[i].second.data()));
  }
}

/// An archive as others write it: entries given as whole files, stored or deflated.
void zip_up(const std::filesystem::path& path, const std::vector<std::pair<std::string, std::string>>& entries, bool deflate) {
  int code = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  REQUIRE(archive);
  for (const auto& [name, bytes] : entries) {
    const auto i = zip_file_add(archive, name.c_str(), zip_source_buffer(archive, bytes.data(), bytes.size(), 0), 0);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(i), deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  }
  REQUIRE(zip_close(archive) == 0);
}

template <class T>
std::string npy(const std::string& descr, const std::vector<T>& values) {
  return npy_header(descr, {static_cast<Index>(values.size())}) +
         std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

}  // namespace

TEMPLATE_TEST_CASE("what is saved loads again in the same order, bit for bit", "[npz]", float, double) {
  const TemporaryFolder folder;
  const auto tensors = some_tensors<TestType>();
  save_npz(folder / "a.npz", tensors);
  const auto loaded = load_npz<TestType>(folder / "a.npz");
  check_same(loaded, tensors);
  REQUIRE(find(loaded, "params/Conv_0/bias"));
  CHECK(find(loaded, "params/Conv_0/bias")->shape() == Shape{5});
  CHECK(find(loaded, "params/Conv_0") == nullptr);
  CHECK(folder.files() == 1);
}

TEST_CASE("equal content gives equal bytes, dated 1980") {
  const TemporaryFolder folder;
  save_npz(folder / "a.npz", some_tensors<float>());
  setenv("TZ", "Asia/Tokyo", 1);
  save_npz(folder / "b.npz", some_tensors<float>());
  unsetenv("TZ");
  const std::string bytes = text(folder / "a.npz");
  CHECK(bytes == text(folder / "b.npz"));
  CHECK(bytes.substr(0, 4) == "PK\3\4");
  CHECK(bytes.substr(8, 6) == std::string("\0\0\0\0\x21\0", 6));  // local header: stored; time 0, date 1980-01-01
}

TEST_CASE("stored and deflated entries of floats and integers are read") {
  const TemporaryFolder folder;
  for (bool deflate : {false, true}) {
    std::vector<float> many(100000);
    for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<float>(i % 100);
    zip_up(folder / "a.npz",
           {{"x.npy", npy<float>("<f4", many)},
            {"y/z.npy", npy<double>("<f8", {0.1, 0.2})},
            {"epoch.npy", npy<std::int64_t>("<i8", {7, -8})},
            {"flag.npy", npy<std::uint8_t>("|b1", {1})},
            {"byte.npy", npy<std::uint8_t>("|u1", {255})}},
           deflate);
    const auto t = load_npz<double>(folder / "a.npz");
    REQUIRE(t.size() == 5);
    CHECK(std::equal(many.begin(), many.end(), find(t, "x")->data()));
    CHECK((*find(t, "y/z"))[1] == 0.2);
    CHECK((*find(t, "epoch"))[1] == -8);
    CHECK((*find(t, "flag"))[0] == 1);
    CHECK((*find(t, "byte"))[0] == 255);  // a number, not a pixel: taken by value
    std::filesystem::remove(folder / "a.npz");
  }
}

TEST_CASE("damaged or foreign archives are refused in one line") {
  const TemporaryFolder folder;
  save_npz(folder / "good.npz", some_tensors<float>());
  const std::string good = text(folder / "good.npz");
  const auto refused = [&](const std::string& bytes) {
    const auto path = folder.write("bad.npz", bytes);
    const std::string line = thrown([&] { load_npz<float>(path); });
    CHECK_THAT(line, ContainsSubstring(path.string()));
    return line;
  };
  for (std::size_t n : {std::size_t(0), std::size_t(1), std::size_t(100), good.size() / 2, good.size() - 1})
    CHECK(refused(good.substr(0, n)) != "");
  std::string flipped = good;
  flipped[flipped.size() / 2] ^= 1;  // within the numbers of the largest entry
  CHECK_THAT(refused(flipped), ContainsSubstring("a: is damaged: CRC error"));
  CHECK_THAT(refused("not an archive, but long enough to be one at the first glance"),
             ContainsSubstring("is no .npz archive or is damaged"));

  zip_up(folder / "other.npz", {{"readme.txt", "text"}}, false);
  CHECK_THAT(thrown([&] { load_npz<float>(folder / "other.npz"); }), ContainsSubstring("readme.txt is not a .npy file"));
  zip_up(folder / "other.npz", {{"c.npy", npy<double>("<c16", {})}}, false);
  CHECK_THAT(thrown([&] { load_npz<float>(folder / "other.npz"); }), ContainsSubstring("other.npz: c: dtype complex128"));
  zip_up(folder / "other.npz", {{"c.npy", npy<double>("<f8", {1}) + "x"}}, true);
  CHECK_THAT(thrown([&] { load_npz<float>(folder / "other.npz"); }), ContainsSubstring("other.npz: c:") && ContainsSubstring("1 too many"));
  CHECK_THAT(thrown([&] { load_npz<float>(folder / "none.npz"); }), ContainsSubstring("none.npz: no such file"));
}

TEST_CASE("archives that cannot be saved leave nothing") {
  const TemporaryFolder folder;
  const auto one = Tensor<float>::zeros({2});
  CHECK_THAT(thrown([&] { save_npz<float>(folder / "a.npz", {{"x", one}, {"x", one}}); }), ContainsSubstring("two arrays named x"));
  CHECK_THAT(thrown([&] { save_npz<float>(folder / "a.npz", {{"", one}}); }), ContainsSubstring("without a name"));
  CHECK_THAT(thrown([&] { save_npz<float>(folder / "a.npz", {}); }), ContainsSubstring("no arrays"));
  CHECK_THAT(thrown<std::runtime_error>([&] {
               save_npz<float>(folder / "missing/a.npz", {{"x", one}});
             }),
             ContainsSubstring("cannot write") && ContainsSubstring("missing/a.npz"));
  CHECK(folder.files() == 0);
}
