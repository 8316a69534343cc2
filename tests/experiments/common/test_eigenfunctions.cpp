// Eigenfunctions as tasks, read from made-up results.
#include <cmath>

#include "data/npy.h"
#include "experiments/common/subject/eigenfunctions.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace tangentplane;
using namespace tangentplane::experiments;

TEST_CASE("targets of eigenfunctions: each index its own row, 1 where an entry is above zero") {
  const TemporaryFolder folder;
  data::save_npy(folder / "eigvecs.npy",
                 Tensor<float>::from({3, 4}, {0.5f, 0.5f, -0.5f, -0.5f, 0, -1, 1e-30f, -1e-30f, -0.1f, 0.7f, -0.1f, 0.7f}));
  EigenfunctionOptions from;
  from.ntk = folder.path().string(), from.index = "2,1";
  const auto targets = targets_of(CommonOptions{}, from, 4);
  REQUIRE(targets.size() == 2);
  CHECK(targets[0].name == "2");
  CHECK(targets[0].labels == std::vector<int>{0, 1, 0, 1});
  CHECK(targets[1].name == "1");
  CHECK(targets[1].labels == std::vector<int>{0, 0, 1, 0});
}
