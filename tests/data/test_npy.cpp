// .npy files byte by byte: what numpy writes is read, what is written is what numpy reads, the rest is refused by name.
#include <cstring>
#include <limits>

#include "autodiff/random.h"
#include "data/images.h"
#include "data/npy.h"
#include "tests/catch.h"
#include "tests/data/text.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

using namespace tangentplane;
using namespace tangentplane::data;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A file as numpy lays it out, written out here independently of the library.
std::string npy(const std::string& dict, const std::string& numbers, int version = 1) {
  const std::string header = dict + "  \n";
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  file += static_cast<char>(header.size());
  file += std::string(version == 1 ? 1 : 3, '\0');
  return file + header + numbers;
}
std::string dict(const std::string& descr, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': " + descr + ", 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

template <class S>
Tensor<S> drawn(Shape shape) {
  RandomStream random(1, "npy");
  Tensor<S> t(shape);
  for (S& v : t.span()) v = static_cast<S>(random.normal());
  return t;
}

template <class S>
bool same(const Tensor<S>& a, const Tensor<S>& b) {
  return a.shape() == b.shape() && (a.empty() || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(S)) == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("what is saved loads again, bit for bit", "[npy]", float, double) {
  const TemporaryFolder folder;
  for (const Shape& shape : {Shape{}, {0}, {1}, {7}, {3, 5}, {0, 4}, {2, 1, 3}, {2, 3, 5, 7}, {1, 2, 1, 3, 1, 2}, {401, 333}}) {
    const auto t = drawn<TestType>(shape);
    save_npy(folder / "a.npy", t);
    CHECK(same(load_npy<TestType>(folder / "a.npy"), t));
    const auto info = npy_info(folder / "a.npy");
    CHECK(info.shape == shape);
    CHECK(info.type.name() == (sizeof(TestType) == 4 ? "float32" : "float64"));
    CHECK(!info.fortran_order);
  }
}

TEST_CASE("the bytes of a file are numpy's") {
  const TemporaryFolder folder;
  save_npy(folder / "a.npy", Tensor<double>::from({1, 3}, {1, -2, 0.5}));
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3), }";
  header += std::string(128 - 10 - header.size() - 1, ' ') + "\n";
  CHECK(text(folder / "a.npy") == std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + bytes_of<double>({1, -2, 0.5}));
  save_npy(folder / "a.npy", std::vector<Index>{5, -6, Index(1) << 40});
  CHECK_THAT(text(folder / "a.npy"), ContainsSubstring("'descr': '<i8'") && ContainsSubstring("'shape': (3,)") &&
                                         EndsWith(bytes_of<std::int64_t>({5, -6, Index(1) << 40})));
  save_npy(folder / "a.npy", std::vector<int>{1, 0, 1});
  CHECK(load_labels_npy(folder / "a.npy") == std::vector<int>{1, 0, 1});
  for (Index n : {Index(1), Index(12345678), Index(1) << 40}) CHECK(npy_header("<f4", {n, n, n, n, n}).size() % 64 == 0);
}

TEST_CASE("versions, header spellings and precisions that numpy and others write are read") {
  const TemporaryFolder folder;
  const auto numbers = bytes_of<float>({1, 2, 3, 4, 5, 6});
  const auto expected = Tensor<double>::from({2, 3}, {1, 2, 3, 4, 5, 6});
  for (int version : {1, 2, 3})
    CHECK(same(load_npy<double>(folder.write("a.npy", npy(dict("'<f4'", "(2, 3)"), numbers, version))), expected));
  for (const char* header :
       {"{\"shape\":(2,3),\"descr\":\"=f4\",\"fortran_order\":False}", "{ 'shape' : (2L, 3L,) , 'fortran_order': False, 'descr': 'f4', }"})
    CHECK(same(load_npy<double>(folder.write("a.npy", npy(header, numbers))), expected));
  CHECK(same(load_npy<float>(folder.write("a.npy", npy(dict("'<f8'", "(2,)"), bytes_of<double>({0.1, 1e-300})))),
             Tensor<float>::from({2}, {0.1f, 0.0f})));
  CHECK(load_npy<double>(folder.write("a.npy", npy(dict("'<f8'", "()"), bytes_of<double>({0.1}))))[0] == 0.1);
}

TEST_CASE("Fortran order is the transpose of what lies in the file") {
  const TemporaryFolder folder;
  for (const Shape& shape : {Shape{3, 5}, {1, 4}, {4, 1}, {2, 3, 4}, {3, 2, 1, 5}, {300, 301}}) {
    const auto t = drawn<double>(shape);
    std::vector<double> file(static_cast<std::size_t>(t.size()));
    std::string tuple;
    for (int a = 0; a < shape.rank(); ++a) tuple += fmt::format("{}, ", shape[a]);
    for (Index i = 0; i < t.size(); ++i) {  // row-major number i stands at the place that counts the first axis fastest
      Index rest = i, place = 0, coordinates[4] = {};
      for (int a = shape.rank() - 1; a >= 0; --a) {
        coordinates[a] = rest % shape[a];
        rest /= shape[a];
      }
      for (int a = shape.rank() - 1; a >= 0; --a) place = place * shape[a] + coordinates[a];
      file[static_cast<std::size_t>(place)] = t[i];
    }
    folder.write("a.npy", npy(dict("'<f8'", "(" + tuple + ")", "True"), bytes_of(file)));
    CHECK(npy_info(folder / "a.npy").fortran_order);
    CHECK(same(load_npy<double>(folder / "a.npy"), t));
    CHECK(same(load_npy_rows<double>(folder / "a.npy", 1, shape[0]), t.slice(1, shape[0])));
  }
}

TEST_CASE("rows are read on their own") {
  const TemporaryFolder folder;
  const auto t = drawn<float>({7, 3, 2});
  save_npy(folder / "a.npy", t);
  for (auto [begin, end] : {std::pair<Index, Index>{0, 7}, {2, 5}, {6, 7}, {3, 3}})
    CHECK(same(load_npy_rows<double>(folder / "a.npy", begin, end), cast<double>(t.slice(begin, end))));
  CHECK_THAT(thrown([&] { load_npy_rows<float>(folder / "a.npy", 5, 8); }), ContainsSubstring("there are 7"));
}

TEST_CASE("an array is saved piece by piece, and only whole") {
  const TemporaryFolder folder;
  const auto t = drawn<float>({5, 4});
  save_npy_in_pieces<float>(folder / "a.npy", t.shape(), [&](const auto& append) {
    append(t.span().first(3));
    append(t.span().subspan(3, 0));
    append(t.span().subspan(3));
  });
  CHECK(same(load_npy<float>(folder / "a.npy"), t));
  const std::string before = text(folder / "a.npy");
  CHECK_THAT(thrown([&] { save_npy_in_pieces<float>(folder / "a.npy", {21}, [&](const auto& append) { append(t.span()); }); }),
             ContainsSubstring("20 of the 21 numbers"));
  CHECK_THAT(thrown([&] { save_npy_in_pieces<float>(folder / "a.npy", {19}, [&](const auto& append) { append(t.span()); }); }),
             ContainsSubstring("more than the 19 numbers"));
  CHECK(text(folder / "a.npy") == before);
  CHECK(folder.files() == 1);
}

TEST_CASE("element types that are not ours are refused by name") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& descr, std::size_t bytes) {
    const auto path = folder.write("a.npy", npy(dict(descr, "(2,)"), std::string(2 * bytes, '\0')));
    const std::string line = thrown([&] { load_npy<float>(path); });
    CHECK_THAT(line, ContainsSubstring(path.string()));
    return line;
  };
  CHECK_THAT(refused("'|O'", 8), ContainsSubstring("dtype object"));
  CHECK_THAT(refused("'<c8'", 8), ContainsSubstring("dtype complex64"));
  CHECK_THAT(refused("'<c16'", 16), ContainsSubstring("dtype complex128"));
  CHECK_THAT(refused("'>f4'", 4), ContainsSubstring("dtype big-endian float32"));
  CHECK_THAT(refused("'>i8'", 8), ContainsSubstring("dtype big-endian int64"));
  CHECK_THAT(refused("'<U3'", 12), ContainsSubstring("dtype unicode"));
  CHECK_THAT(refused("'|S5'", 5), ContainsSubstring("dtype bytes"));
  CHECK_THAT(refused("'<f2'", 2), ContainsSubstring("dtype float16"));
  CHECK_THAT(refused("'<i4'", 4), ContainsSubstring("dtype int32"));
  CHECK_THAT(refused("'|b1'", 1), ContainsSubstring("dtype bool"));
  for (const std::string descr : {"<f4x", "<f4\\nHELLO", "<f", "f-4"})
    CHECK_THAT(refused("'" + descr + "'", 4), ContainsSubstring("descr '") || ContainsSubstring("dtype"));
  CHECK_THAT(refused("'<f4x'", 4), ContainsSubstring("descr '<f4x' is no element type"));
  CHECK_THAT(refused("'<M8[ns]'", 8), ContainsSubstring("dtype datetime64"));
  CHECK_THAT(refused("[('a', '<f4'), ('b', '<i4', (2,))]", 12), ContainsSubstring("dtype structured"));
}

TEST_CASE("files that are not whole or not .npy are refused in one line") {
  const TemporaryFolder folder;
  const std::string good = npy(dict("'<f4'", "(2, 3)"), std::string(24, 'x'));
  const auto refused = [&](const std::string& file) {
    const auto path = folder.write("a.npy", file);
    const std::string line = thrown([&] { load_npy<float>(path); });
    CHECK_THAT(line, ContainsSubstring(path.string()));
    CHECK(thrown([&] { npy_info(path); }) == line);
    return line;
  };
  CHECK_THAT(refused(good + "y"), ContainsSubstring("[2,3] of float32 takes 24 bytes, 25 follow the header: 1 too many"));
  for (std::size_t n = 0; n < good.size(); ++n) CHECK(refused(good.substr(0, n)) != "");
  CHECK_THAT(refused(good.substr(0, good.size() - 1)), ContainsSubstring("cut short") && ContainsSubstring("23 follow"));
  CHECK_THAT(refused("PK" + good.substr(2)), ContainsSubstring("is not a .npy file"));
  CHECK_THAT(refused(npy(dict("'<f4'", "(2, 3)"), std::string(24, 'x'), 4)), ContainsSubstring("version 4.0"));
  for (const char* header : {"",
                             "{",
                             "{}",
                             "()",
                             "{'descr': '<f4', 'fortran_order': False}",
                             "{'descr': '<f4', 'shape': (6,)}",
                             "{'fortran_order': False, 'shape': (6,)}",
                             "{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': 6}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (6.0,)}",
                             "{'descr': '', 'fortran_order': False, 'shape': (6,)}",
                             "{'descr': '<f', 'fortran_order': False, 'shape': (6,)}",
                             "{'descr': '<f4, 'fortran_order': False, 'shape': (6,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'more': 1}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} x",
                             "{'descr': [('a', '<f4', 'fortran_order': False, 'shape': (6,)}",
                             "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 6)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,6)}"})
    CHECK_THAT(refused(npy(header, std::string(24, 'x'))), ContainsSubstring("malformed .npy header"));
}

TEST_CASE("images: uint8 is divided by 255, floats are taken as they are, others are refused") {
  const TemporaryFolder folder;
  std::string pixels;
  for (int i = 0; i < 12; ++i) pixels += static_cast<char>(20 * i + 35);
  const auto path = folder.write("a.npy", npy(dict("'|u1'", "(2, 1, 2, 3)"), pixels));
  const auto images = load_npy_images<float>(path);
  CHECK(images.shape() == Shape{2, 1, 2, 3});
  for (int i = 0; i < 12; ++i) CHECK(images[i] == static_cast<float>(20 * i + 35) / 255.0f);
  CHECK(load_npy_images<double>(path, 1).shape() == Shape{1, 1, 2, 3});
  CHECK_THAT(thrown([&] { load_npy_images<float>(path, 3); }), ContainsSubstring("there are 2"));
  CHECK_THAT(thrown([&] { load_npy<float>(path); }), ContainsSubstring("dtype uint8"));
  folder.write("a.npy", npy(dict("'<i8'", "(1, 1, 1, 1)"), std::string(8, '\0')));
  CHECK_THAT(thrown([&] { load_npy_images<float>(path); }), ContainsSubstring("dtype int64; images are"));
  folder.write("a.npy", npy(dict("'<f4'", "(2, 2)"), std::string(16, '\0')));
  CHECK_THAT(thrown([&] { load_npy_images<float>(path); }), ContainsSubstring("shape [2,2]; images are [N,H,W,C]"));
  folder.write("a.npy", npy(dict("'<f4'", "(0, 2, 2, 3)"), ""));
  CHECK_THAT(thrown([&] { load_npy_images<float>(path); }), ContainsSubstring("holds no image"));
}

TEST_CASE("images in PyTorch's order are recognised, and no others are taken for them") {
  const auto line = [](const Shape& shape, bool any = false) { return thrown([&] { require_image_shape("a.npy", shape, any); }); };
  for (const Index channels : {1, 3, 4})
    for (const Index side : {5, 28, 32, 224}) {
      CHECK(line({10, channels, side, side}) == fmt::format("a.npy: shape [10,{},{},{}] looks like [N,C,H,W]; give [N,H,W,C], in numpy "
                                                            "x.transpose(0, 2, 3, 1)",
                                                            channels, side, side));
      CHECK(line({10, side, side, channels}) == "nothing thrown");
      CHECK(line({10, channels, side, side}, true) == "nothing thrown");  // a network of one's own may take such
    }
  for (const Shape& shape : {Shape{10, 3, 4, 4}, Shape{10, 3, 3, 3}, Shape{10, 1, 40, 39}, Shape{10, 2, 32, 32}, Shape{10, 8, 32, 32},
                             Shape{10, 4, 64, 3}, Shape{10, 1, 5, 1}})
    CHECK(line(shape) == "nothing thrown");
  const TemporaryFolder folder;
  save_npy(folder / "a.npy", drawn<float>({2, 3, 8, 8}));
  CHECK_THAT(thrown([&] { load_npy_images<float>(folder / "a.npy"); }), ContainsSubstring("[2,3,8,8] looks like [N,C,H,W]"));
}

TEST_CASE("images with a number that is not finite are refused, naming the first") {
  const TemporaryFolder folder;
  auto images = drawn<double>({300, 4, 5, 3});
  images[(299 * 4 * 5) * 3] = std::numeric_limits<double>::infinity();
  images[((123 * 4 + 1) * 5 + 2) * 3 + 2] = std::numeric_limits<double>::quiet_NaN();
  save_npy(folder / "a.npy", images);
  CHECK_THAT(thrown([&] { load_npy_images<double>(folder / "a.npy"); }), ContainsSubstring("a.npy: image 123 holds nan at [1,2,2]"));
  CHECK(load_npy_images<double>(folder / "a.npy", 123).rows() == 123);  // only what is used counts
  images[0] = -std::numeric_limits<double>::infinity();
  save_npy(folder / "a.npy", images);
  CHECK_THAT(thrown([&] { load_npy_images<float>(folder / "a.npy"); }), ContainsSubstring("image 0 holds -inf at [0,0,0]"));
}

TEST_CASE("labels of any integer, bool or float type are read") {
  const TemporaryFolder folder;
  const std::vector<int> expected{0, 1, 1};
  const auto labels = [&](const std::string& descr, const std::string& numbers) {
    return load_binary_labels_npy(folder.write("a.npy", npy(dict(descr, "(3,)"), numbers)));
  };
  CHECK(labels("'|b1'", bytes_of<std::uint8_t>({0, 1, 1})) == expected);
  CHECK(labels("'|i1'", bytes_of<std::int8_t>({0, 1, 1})) == expected);
  CHECK(labels("'|u1'", bytes_of<std::uint8_t>({0, 1, 1})) == expected);
  CHECK(labels("'<i2'", bytes_of<std::int16_t>({0, 1, 1})) == expected);
  CHECK(labels("'<u2'", bytes_of<std::uint16_t>({0, 1, 1})) == expected);
  CHECK(labels("'<i4'", bytes_of<std::int32_t>({0, 1, 1})) == expected);
  CHECK(labels("'<u4'", bytes_of<std::uint32_t>({0, 1, 1})) == expected);
  CHECK(labels("'<i8'", bytes_of<std::int64_t>({0, 1, 1})) == expected);
  CHECK(labels("'<u8'", bytes_of<std::uint64_t>({0, 1, 1})) == expected);
  CHECK(labels("'<f2'", bytes_of<std::uint16_t>({0, 0x3c00, 0x3c00})) == expected);
  CHECK(labels("'<f4'", bytes_of<float>({0, 1, 1})) == expected);
  CHECK(labels("'<f8'", bytes_of<double>({0, 1, 1})) == expected);
  CHECK(load_labels_npy(folder.write("a.npy", npy(dict("'<f2'", "(3,)"), bytes_of<std::uint16_t>({0xc200, 0x7bff, 0x4500})))) ==
        std::vector<int>{-3, 65504, 5});
  CHECK(load_labels_npy(folder.write("a.npy", npy(dict("'<i8'", "(0,)"), ""))).empty());
}

TEST_CASE("labels that are none are refused, saying which entry") {
  const TemporaryFolder folder;
  const auto any = [&](const std::string& header, const std::string& numbers) {
    return thrown([&] { load_labels_npy(folder.write("a.npy", npy(header, numbers))); });
  };
  const auto binary = [&](const std::vector<double>& values) {
    return thrown(
        [&] { load_binary_labels_npy(folder.write("a.npy", npy(dict("'<f8'", fmt::format("({},)", values.size())), bytes_of(values)))); });
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THAT(any(dict("'<f4'", "(2,)"), bytes_of<float>({1, 0.5f})), ContainsSubstring("entry 1 is 0.5; a label is a whole number"));
  CHECK_THAT(any(dict("'<f8'", "(1,)"), bytes_of<double>({nan})), ContainsSubstring("entry 0 is nan"));
  CHECK_THAT(any(dict("'<f8'", "(1,)"), bytes_of<double>({1e10})), ContainsSubstring("fits 32 bits"));
  CHECK_THAT(any(dict("'<i8'", "(1,)"), bytes_of<std::int64_t>({Index(1) << 33})), ContainsSubstring("fits 32 bits"));
  CHECK_THAT(any(dict("'<f2'", "(1,)"), bytes_of<std::uint16_t>({0x7c00})), ContainsSubstring("entry 0 is inf"));
  CHECK_THAT(any(dict("'<i4'", "(1, 2)"), std::string(8, '\0')),
             ContainsSubstring("shape [1,2]; labels are [N]: of one-hot labels the classes, in numpy y.argmax(1)"));
  CHECK_THAT(any(dict("'<i4'", "(2, 1)"), std::string(8, '\0')), ContainsSubstring("shape [2,1]; labels are [N], in numpy y[:, 0]"));
  CHECK_THAT(any(dict("'<c8'", "(1,)"), std::string(8, '\0')), ContainsSubstring("dtype complex64; labels are"));
  CHECK_THAT(any(dict("'>i4'", "(1,)"), std::string(4, '\0')), ContainsSubstring("dtype big-endian int32"));
  CHECK_THAT(binary({0, 1, 2}), ContainsSubstring("entry 2 is 2; binary labels are 0 or 1"));
  CHECK_THAT(binary({0, -1}), ContainsSubstring("entry 1 is -1"));
  CHECK_THAT(binary({nan}), ContainsSubstring("entry 0 is nan"));
  CHECK(binary({0, 1, 1}) == "nothing thrown");
}
