// The hash against the published values of XXH64, and fingerprints across precisions.
#include "data/hash.h"

#include "tests/catch.h"

using namespace tangentplane;
using namespace tangentplane::data;

namespace {

/// The bytes of xxHash's own sanity checks (xxsum_generateTestData).
std::string sanity_bytes(std::size_t count) {
  std::uint64_t state = 2654435761u;
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i, state *= 11400714785074694797u) bytes += static_cast<char>(state >> 56);
  return bytes;
}

std::uint64_t hash(std::string_view text) { return Hash64().add(text).value(); }

}  // namespace

TEST_CASE("the hash is XXH64") {
  CHECK(hash("") == 0xef46db3751d8e999);
  CHECK(hash("a") == 0xd24ec4f1a98c6e5b);
  CHECK(hash("abc") == 0x44bc2cf5ad770999);
  CHECK(hash("xxhash") == 0x32dd38952c4bc720);
  CHECK(hash("Nobody inspects the spammish repetition") == 0xfbcea83c8a378bf1);
  CHECK(hash(sanity_bytes(1)) == 0xe934a84adb052768);
  CHECK(hash(sanity_bytes(4)) == 0x9136a0dca57457ee);
  CHECK(hash(sanity_bytes(14)) == 0x8282dcc4994e35c8);
  CHECK(hash(sanity_bytes(222)) == 0xb641ae8cb691c174);
  CHECK(hexadecimal(0xef46db3751d8e999) == "ef46db3751d8e999");
  CHECK(hexadecimal(10) == "000000000000000a");
}

TEST_CASE("the pieces in which bytes come make no difference to their hash") {
  const std::string bytes = sanity_bytes(222);
  for (std::size_t first = 0; first <= bytes.size(); first += 7)
    for (std::size_t second = first; second <= bytes.size(); second += 13) {
      Hash64 pieces;
      pieces.add(bytes.substr(0, first)).add(bytes.substr(first, second - first));
      CHECK(pieces.add(bytes.substr(second)).value() == 0xb641ae8cb691c174);
    }
}

TEST_CASE("fingerprints of numbers agree across precisions and tell contents, shapes and names apart") {
  const auto fingerprint = []<class S>(std::string_view name, const Tensor<S>& t) {
    NumbersFingerprint<S> f;
    f.add(name);
    f.add(t);
    return f.text();
  };
  const auto exact = Tensor<double>::from({2, 2}, {1, 2, 0.1, -4});
  const auto single = cast<float>(exact);
  const std::string a = fingerprint("w", single), b = fingerprint("w", exact);
  CHECK(a.size() == 16);
  CHECK(b.size() == 32);
  CHECK(same_fingerprint(a, b));
  CHECK(same_fingerprint(b, a));
  CHECK(fingerprint("w", cast<double>(single)) != b);  // 0.1 is not a float
  CHECK(same_fingerprint(fingerprint("w", cast<double>(single)), a));
  auto other = exact.clone();
  other[3] = std::nextafter(other[3], 0.0);
  CHECK_FALSE(same_fingerprint(fingerprint("w", other), b));
  CHECK(same_fingerprint(fingerprint("w", other), a));  // rounds to the same
  CHECK_FALSE(same_fingerprint(fingerprint("w", exact.reshaped({4, 1})), a));
  CHECK_FALSE(same_fingerprint(fingerprint("v", exact), a));
}
