// Kernels on disk: the file keeps what was written and knows what it lacks; products and eigenpairs equal those of the matrix in memory; a
// kernel that was interrupted is completed, not computed anew.
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <set>

#include "kernels/tiles/tiled_ntk.h"
#include "kernels/tiles/tiled_operator.h"
#include "tests/small.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

using namespace tangentplane;
using namespace tangentplane::kernels;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

template <class S>
Tensor<S> symmetric(Index n) {
  RandomStream random(static_cast<std::uint64_t>(n), "symmetric");
  Tensor<S> K({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j <= i; ++j) K[i * n + j] = K[j * n + i] = static_cast<S>(random.normal() + (i == j ? 3 : 0));
  return K;
}

template <class S>
Tensor<S> block_of(const Tensor<S>& K, const TileFile<S>& file, Index r, Index c) {
  const Index n = K.rows(), h = file.extent(r), w = file.extent(c);
  Tensor<S> block({h, w});
  for (Index i = 0; i < h; ++i) std::copy_n(K.data() + (r * file.tile() + i) * n + c * file.tile(), w, block.data() + i * w);
  return block;
}

template <class S>
void write_all(TileFile<S>& file, const Tensor<S>& K) {
  for (Index r = 0; r < file.side(); ++r)
    for (Index c = r; c < file.side(); ++c) file.write(r, c, block_of(K, file, r, c).data());
}

void change_byte(const fs::path& path, std::int64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const int byte = file.get();
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 1));
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Size {
  Index n, tile;
};
constexpr Size sizes[] = {{1, 4}, {7, 16}, {16, 16}, {33, 8}, {67, 5}, {130, 7}};

}  // namespace

TEMPLATE_TEST_CASE("a tile file gives back what was written, in another process's eyes too", "", float, double) {
  using S = TestType;
  const check::Poison poison;
  for (const auto& [n, tile] : sizes) {
    CAPTURE(n, tile);
    const TemporaryFolder folder;
    const fs::path path = folder / "K.tiles";
    const auto K = symmetric<S>(n);
    {
      TileFile<S> file(path, n, tile, 5);
      CHECK(static_cast<double>(fs::file_size(path)) == TileFile<S>::disk_bytes(n, tile));
      CHECK(file.missing() == file.side() * (file.side() + 1) / 2);
      CHECK_FALSE(file.has(0, file.side() - 1));
      write_all(file, K);
      CHECK(file.missing() == 0);
    }
    const TileFile<S> file(path, n, tile, 5);
    REQUIRE(file.missing() == 0);
    for (Index r = 0; r < file.side(); ++r) {  // a whole block row at once
      const Index count = file.side() - r;
      std::vector<S> row(static_cast<std::size_t>(count * tile * tile));
      file.read(r, r, count, row.data());
      for (Index t = 0; t < count; ++t) {
        const auto expected = block_of(K, file, r, r + t);
        CHECK(std::equal(expected.data(), expected.data() + expected.size(), row.data() + t * tile * tile));
      }
    }
    Tensor<S> whole({n, n});
    for (Index r = 0; r < file.side(); ++r) file.read_rows(r, whole.data() + r * tile * n);
    CHECK(same_bits(whole, K));
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
  }
}

TEST_CASE("a tile with one byte changed, and one whose mark is lost, are missing when the file is opened again") {
  const TemporaryFolder folder;
  const fs::path path = folder / "K.tiles";
  const auto K = symmetric<double>(40);
  Index side = 0, first = 0;
  {
    TileFile<double> file(path, 40, 8, 5);
    write_all(file, K);
    side = file.side();
    first = static_cast<Index>(fs::file_size(path)) - side * (side + 1) / 2 * 8 * 8 * 8;
  }
  const auto place = [&](Index r, Index c) { return r * side - r * (r - 1) / 2 + c - r; };
  change_byte(path, first + place(1, 3) * 8 * 8 * 8 + 100);
  change_byte(path, 64 + 4 * place(2, 2));  // marks begin at byte 64
  TileFile<double> file(path, 40, 8, 5);
  CHECK(file.missing() == 2);
  CHECK_FALSE(file.has(1, 3));
  CHECK_FALSE(file.has(2, 2));
  std::vector<double> row(8 * 8 * 5);
  CHECK_THROWS_WITH(file.read(1, 1, 4, row.data()), "tile file: tile (1, 3) was never written");
  CHECK_THROWS_WITH(TiledOperator<double>(file), ContainsSubstring("2 tiles are missing"));
  CHECK_THROWS_AS(TileFile<double>(path, 40, 8, 5, [](double) { throw std::domain_error("cancelled"); }), std::domain_error);
}

TEST_CASE("a tile file of anything else is refused in one line") {
  const TemporaryFolder folder;
  const fs::path path = folder / "K.tiles";
  { const TileFile<double> file(path, 40, 8, 5); }
  const auto refusal = [&](Index n, Index tile, std::uint64_t fingerprint) {
    return thrown([&] { TileFile<double>(path, n, tile, fingerprint); });
  };
  CHECK(refusal(40, 8, 5) == "nothing thrown");
  CHECK(refusal(40, 8, 6) == path.string() + ": holds tiles of another kernel; delete it");
  CHECK(refusal(41, 8, 5) == path.string() + ": holds tiles of another kernel; delete it");
  CHECK(thrown([&] { TileFile<float>(path, 40, 8, 5); }) == path.string() + ": holds tiles of another kernel; delete it");
  CHECK(refusal(40, 16, 5) ==
        path.string() + ": holds tiles of 8 images a side, 16 are wanted; give the same --memory as before, or delete it");
  CHECK_THAT(refusal(0, 8, 5), ContainsSubstring("give positive numbers"));
  fs::resize_file(path, 5000);
  CHECK_THAT(refusal(40, 8, 5), ContainsSubstring("is 5000 bytes long instead of"));
  folder.write("K.tiles", std::string(5000, 'x'));
  CHECK(refusal(40, 8, 5) == path.string() + ": is no file of a kernel's tiles; delete it");
  fs::remove(path);
  // A pipe is never read: nobody writes into it.
  REQUIRE(mkfifo(path.c_str(), 0644) == 0);
  CHECK(TileFile<double>::tile_of(path) == 0);
  CHECK(refusal(40, 8, 5) == path.string() + ": is not a file; delete it");
  fs::remove(path);
  // More than any disk has.
  CHECK_THROWS_WITH(TileFile<double>(path, 20'000'000, 512, 5),
                    ContainsSubstring(path.string() + ": cannot be made as large as it must be ("));
  CHECK(fs::is_empty(folder.path()));
}

TEMPLATE_TEST_CASE("the product with a kernel on disk is that of the kernel in memory, bit for bit whatever the threads", "", float,
                   double) {
  using S = TestType;
  const check::Poison poison;
  for (const auto& [n, tile] : sizes)
    for (Index b : {1, 3, 20}) {
      CAPTURE(n, tile, b);
      const TemporaryFolder folder;
      const auto K = symmetric<S>(n);
      TileFile<S> file(folder / "K.tiles", n, tile, 5);
      write_all(file, K);
      const TiledOperator<S> on_disk(file);
      CHECK(on_disk.size() == n);
      RandomStream random(1, "vectors");
      const auto v = cast<S>(check::draw({b, n}, random));
      Tensor<S> expected({b, n}), first({b, n});
      DenseOperator<S>(K).apply(v, expected);
      on_disk.apply(v, first);
      close_to(first, expected, std::is_same_v<S, float> ? 2e-6 : 4e-15);
      for (int threads : {1, 2, 3}) {
        cpu::set_threads(threads);
        Tensor<S> out({b, n});
        on_disk.apply(v, out);
        CHECK(same_bits(out, first));
      }
      cpu::set_threads(0);
    }
}

TEST_CASE("block rows longer than one read give the same product") {
  // Tiles of 32 MiB: two a read, three in the first row.
  const Index n = 2 * 2048 + 300, tile = 2048;
  const TemporaryFolder folder;
  const auto K = symmetric<double>(n);
  TileFile<double> file(folder / "K.tiles", n, tile, 5);
  write_all(file, K);
  RandomStream random(1, "vectors");
  const auto v = check::draw({2, n}, random);
  Tensor<double> expected({2, n}), out({2, n});
  DenseOperator<double>(K).apply(v, expected);
  TiledOperator<double>(file).apply(v, out);
  close_to(out, expected, 4e-15);
}

TEST_CASE("a disk that fails while it is read fails the product") {
  const TemporaryFolder folder;
  TileFile<double> file(folder / "K.tiles", 67, 5, 5);
  write_all(file, symmetric<double>(67));
  const TiledOperator<double> on_disk(file);
  fs::resize_file(folder / "K.tiles", 5000);
  auto v = Tensor<double>::zeros({2, 67}), out = v.clone();
  CHECK_THROWS_WITH(on_disk.apply(v, out), ContainsSubstring("K.tiles: has become shorter while it was read"));
  auto wrong = Tensor<double>::zeros({2, 66});
  CHECK_THROWS_WITH(on_disk.apply(wrong, out), ContainsSubstring("must be [b,67]"));
}

TEST_CASE("Lanczos over a file finds the eigenpairs of the kernel in memory") {
  const Index n = 301, k = 20;
  RandomStream random(7, "factors");
  Tensor<double> a({n, n}), K({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) a[i * n + j] = random.normal() * std::pow(1. + static_cast<double>(j), -0.7);
  cpu::gemm(cpu::Op::none, cpu::Op::transpose, n, n, n, 1., a.data(), n, a.data(), n, 0., K.data(), n);
  const TemporaryFolder folder;
  TileFile<double> file(folder / "K.tiles", n, 32, 5);
  write_all(file, K);
  const auto full = leading_eigenpairs(K, k, {.method = EigenMethod::full, .progress = {}});
  for (Index max_basis : {Index(0), Index(250)})
    for (Index batch : {1, 7, 64}) {
      const auto pairs = block_lanczos(TiledOperator<double>(file, batch), k, {.max_basis = max_basis, .progress = {}});
      CHECK(pairs.converged);
      for (Index j = 0; j < k; ++j) {
        CHECK(std::abs(pairs.values[j] - full.values[j]) <= 1e-12 * full.values[0]);
        CHECK(pairs.residuals[j] <= 1e-10 * full.values[0]);
      }
      close_to(pairs.vectors, full.vectors, 1e-8);
    }
  CHECK_THROWS_WITH(TiledOperator<double>(file, 0), ContainsSubstring("give 1 or more"));
  const TiledOperator<double> stopped(file, 64, [] { throw std::domain_error("cancelled"); });
  CHECK_THROWS_AS(block_lanczos(stopped, k), std::domain_error);
}

TEST_CASE("an interrupted kernel is completed: the same bytes, no tile twice, no features for rows that are there") {
  for (const auto& s : small_networks(45)) {
    INFO(s.name);
    const double image_bytes = plan_ntk(s.network, s.variables, s.images).feature_bytes / 45;
    for (double room : {0., 19.}) {
      NtkOptions options;
      options.memory = room * image_bytes;
      options.tile = 4;
      const TemporaryFolder folder;
      const fs::path path = folder / "K.tiles";
      const auto fingerprint = ntk_fingerprint(s.network, s.variables, s.images, options);
      {
        TileFile<double> file(folder / "whole.tiles", 45, 4, fingerprint);
        complete(file, s.network, s.variables, s.images, options);
        CHECK(file.missing() == 0);
        const TiledOperator<double> on_disk(file);
        auto unit = Tensor<double>::zeros({45, 45}), K = unit.clone();
        for (Index i = 0; i < 45; ++i) unit[i * 46] = 1;
        on_disk.apply(unit, K);
        close_to(K, ntk(s.network, s.variables, s.images), 1e-12);
      }
      Index left = 78;
      for (Index stop : {60, 10}) {  // the power goes out, twice
        TileFile<double> file(path, 45, 4, fingerprint);
        CHECK(file.missing() == left);
        options.progress = [&](double) {
          if (file.missing() <= stop) throw std::domain_error("the power went out");
        };
        CHECK_THROWS_AS(complete(file, s.network, s.variables, s.images, options), std::domain_error);
        CHECK(file.missing() < left);
        CHECK(file.missing() > 0);
        left = file.missing();
      }
      double last = 0;
      Index told = 0;
      options.progress = [&](double f) {
        CHECK(f >= last);
        last = f;
        ++told;
      };
      TileFile<double> file(path, 45, 4, fingerprint);
      std::atomic<Index> computed = 0;
      ntk_tiles<double>(
          s.network, s.variables, s.images, options, 45, [&](Index, Index, Index, Index, const double*) { ++computed; },
          [&](Index i0, Index j0) { return !file.has(i0 / 4, j0 / 4); });
      CHECK(computed == left);
      CHECK(last == Approx(1));
      last = 0;
      complete(file, s.network, s.variables, s.images, options);
      CHECK(last == Approx(1));
      CHECK(bytes_of(path) == bytes_of(folder / "whole.tiles"));
      last = 0;
      complete(file, s.network, s.variables, s.images, options);
      CHECK(last == 0);  // nothing to do
      told = 0, last = 0;
      ntk_tiles<double>(
          s.network, s.variables, s.images, options, 45, [](Index, Index, Index, Index, const double*) {},
          [](Index i0, Index) { return i0 == 44; });
      const NtkPlan plan = plan_ntk(s.network, s.variables, s.images, options);
      CHECK((plan.panel < 45) == (room > 0));
      const Index last_panel = 45 - 44 / plan.panel * plan.panel;
      CHECK(told == (last_panel + plan.pass - 1) / plan.pass + 1);  // the features of one panel, one tile
      CHECK_THROWS_WITH(complete(file, s.network, s.variables, s.images.slice(0, 44), options),
                        ContainsSubstring("44 images for a file of 45"));
    }
  }
}

TEST_CASE("fingerprints tell images, weights, networks and outputs apart") {
  std::set<std::uint64_t> seen;
  Index count = 0;
  const auto add = [&](const Small<double>& s, const NtkOptions& options = {}) {
    seen.insert(ntk_fingerprint(s.network, s.variables, s.images, options));
    CHECK(static_cast<Index>(seen.size()) == ++count);
  };
  for (const auto& s : small_models<double>(9)) {
    add(s);
    auto images = s, weights = s, statistics = s;
    images.images = s.images.clone();
    images.images[images.images.size() - 1] += 1e-15;
    add(images);
    auto& last = weights.variables.parameters.back();
    last = last.clone();
    last[0] += 1e-15;
    add(weights);
    if (s.variables.statistics.empty()) continue;
    auto& mean = statistics.variables.statistics.begin()->second;
    mean = mean.clone();
    mean[0] += 1e-15;
    add(statistics);
  }
  const ModelConfig relu{.model = "mlp", .features = {7, 5, 1}}, tanh{.model = "mlp", .features = {7, 5, 1}, .activation = "tanh"};
  auto s = small_models<double>(9)[0];
  for (const auto& config : {tanh, relu}) {
    s.network = make_network<double>(config);
    const auto before = seen.size();
    seen.insert(ntk_fingerprint(s.network, s.variables, s.images, {}));
    CHECK(seen.size() == before + (config.activation == "tanh"));
  }
}

TEST_CASE("tiles of a file fit their panels") {
  const auto tile = [](Index images, Index panel, Index strip) {
    NtkPlan plan;
    plan.images = images, plan.panel = panel, plan.strip = strip;
    return file_tile(plan);
  };
  CHECK(tile(60'000, 60'000, 0) == 512);
  CHECK(tile(3000, 3000, 0) == 512);
  CHECK(tile(1, 1, 0) == 1);
  CHECK(tile(60'000, 1300, 100) == 128);
  CHECK(tile(60'000, 28, 4) == 16);
  CHECK_THROWS_WITH(tile(60'000, 28, 3), "--memory: leaves room for the features of 31 images, 32 are needed; give more");
}
