// Weights and statistics to a file and back, and files that are not this network's.
#include "nn/checkpoint.h"

#include <zip.h>

#include "tests/small.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

using namespace tangentplane;
using Catch::Matchers::ContainsSubstring;

namespace {

template <class S>
data::NamedTensors<S> entries_of(const Variables<S>& v) {
  data::NamedTensors<S> entries;
  for (std::size_t i = 0; i < v.paths.size(); ++i) entries.emplace_back("params/" + v.paths[i], v.parameters[i]);
  for (const auto& [path, t] : v.statistics) entries.emplace_back("batch_stats/" + path, t);
  return entries;
}

}  // namespace

TEST_CASE("a checkpoint comes back bit by bit, into another precision rounded once") {
  const TemporaryFolder folder;
  for (const auto& s : small_networks(1)) {
    INFO(s.name);
    const auto file = folder / (s.name + ".npz");
    save_variables(file, s.variables);
    const auto back = load_variables(
        file,
        initialise(s.network, s.images.shape().rank() == 4 ? Shape{s.images.shape()[1], s.images.shape()[2], s.images.shape()[3]} : Shape{},
                   99));
    CHECK(back.paths == s.variables.paths);
    for (std::size_t i = 0; i < back.paths.size(); ++i) CHECK(same_bits(back.parameters[i], s.variables.parameters[i]));
    CHECK(back.statistics.size() == s.variables.statistics.size());
    for (const auto& [path, t] : back.statistics) CHECK(same_bits(t, s.variables.statistics.at(path)));
    CHECK_FALSE(back.single_statistics);
  }
  const auto s = small_models<float>(1)[2];
  const auto single = load_variables(folder / "resnet18.npz", s.variables);
  for (std::size_t i = 0; i < single.paths.size(); ++i) close_to(single.parameters[i], s.variables.parameters[i], 1e-6);
  // A float32 file keeps its statistics in float32, as flax does.
  save_variables(folder / "single.npz", s.variables);
  CHECK(load_variables(folder / "single.npz", small_models<double>(1)[2].variables).single_statistics);
}

TEST_CASE("files that are not this network's are refused, naming file and key") {
  const TemporaryFolder folder;
  const auto s = small_models<double>(1)[2];
  const auto attempt = [&](const data::NamedTensors<double>& entries) {
    const auto file = folder / "weights.npz";
    data::save_npz(file, entries);
    return thrown([&] { load_variables(file, s.variables); });
  };
  const auto entries = entries_of(s.variables);
  CHECK(attempt(entries) == "nothing thrown");

  auto wrong = entries;
  wrong.erase(wrong.begin());
  CHECK_THAT(attempt(wrong), ContainsSubstring("weights.npz: params/conv_init/kernel is missing") && ContainsSubstring("[3,3,1,3]"));
  wrong = entries;
  wrong.pop_back();
  CHECK_THAT(attempt(wrong), ContainsSubstring("batch_stats/") && ContainsSubstring("is missing"));
  wrong = entries;
  wrong.emplace_back("params/Dense_7/kernel", Tensor<double>::zeros({2, 3}));
  CHECK_THAT(attempt(wrong), ContainsSubstring("params/Dense_7/kernel [2,3] is not part of this network"));
  wrong = entries;
  wrong[0].second = Tensor<double>::zeros({3, 3, 2, 3});
  CHECK_THAT(attempt(wrong), ContainsSubstring("params/conv_init/kernel has shape [3,3,2,3], this network takes [3,3,1,3]"));
  for (double bad : {std::nan(""), static_cast<double>(INFINITY)}) {
    wrong = entries;
    wrong[1].second = wrong[1].second.clone();
    wrong[1].second[0] = bad;
    CHECK_THAT(attempt(wrong), ContainsSubstring(wrong[1].first) && ContainsSubstring("must be finite"));
  }

  for (double variance : {-1.0, -1e-5}) {
    wrong = entries;
    auto& [name, value] = *std::find_if(wrong.begin(), wrong.end(), [](const auto& e) { return e.first.ends_with("/var"); });
    value = value.clone();
    value[1] = variance;
    CHECK_THAT(attempt(wrong), ContainsSubstring("weights.npz: " + name + " holds -") && ContainsSubstring("a variance is above -1e-05"));
    value[1] = -0.99e-5;
    CHECK(attempt(wrong) == "nothing thrown");
  }

  const auto whole = folder / "whole.npz";
  save_variables(whole, s.variables);
  const auto bytes = data::read_bytes(whole);
  const auto cut = folder.write("cut.npz", std::string(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2)));
  CHECK_THAT(thrown([&] { load_variables(cut, s.variables); }), ContainsSubstring("cut.npz"));
  CHECK_THAT(thrown([&] { load_variables(folder / "absent.npz", s.variables); }), ContainsSubstring("absent.npz"));
}

TEST_CASE("an archive that unpacks to more than the network is refused unread") {
  const TemporaryFolder folder;
  const auto s = small_models<float>(1)[2];
  const auto path = folder / "bomb.npz";
  const Index count = Index(1) << 24;
  std::string entry = data::npy_header("<f4", {count});
  entry.append(static_cast<std::size_t>(count) * 4, '\0');
  int code = 0;
  zip_t* zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  REQUIRE(zip);
  for (const char* name : {"params/conv_init/kernel.npy", "params/other.npy"})
    REQUIRE(zip_file_add(zip, name, zip_source_buffer(zip, entry.data(), entry.size(), 0), 0) >= 0);
  REQUIRE(zip_close(zip) == 0);
  REQUIRE(std::filesystem::file_size(path) < 1 << 20);
  const auto before = cpu::memory_use().peak;
  CHECK_THAT(thrown([&] { load_variables(path, s.variables); }),
             ContainsSubstring("params/conv_init/kernel has shape [16777216], this network takes"));
  CHECK(cpu::memory_use().peak - before < 1 << 20);
}
