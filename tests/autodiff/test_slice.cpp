// Rows that are not there are never handed out.
#include "autodiff/tensor.h"
#include "tests/catch.h"

using namespace tangentplane;

TEST_CASE("a slice holds the rows asked for and never more than there are") {
  const auto t = Tensor<double>::from({3, 2}, {1, 2, 3, 4, 5, 6});
  for (Index begin = -1; begin <= 4; ++begin)
    for (Index end = -1; end <= 5; ++end) {
      INFO("[" << begin << ", " << end << ")");
      if (0 <= begin && begin <= end && end <= 3) {
        const auto s = t.slice(begin, end);
        REQUIRE(s.shape() == (Shape{end - begin, 2}));
        CHECK(s.size() == 2 * (end - begin));
        for (Index i = 0; i < s.size(); ++i) CHECK(s[i] == 2.0 * static_cast<double>(begin) + static_cast<double>(i) + 1);
      } else {
        CHECK_THROWS_WITH(t.slice(begin, end), "slice: [" + std::to_string(begin) + ", " + std::to_string(end) + ") of [3,2]");
      }
    }
  CHECK_THROWS_AS(Tensor<double>::full({}, 1).slice(0, 1), std::invalid_argument);
  for (Index row : {-1, 3}) CHECK_THROWS_AS(take_rows<double>(t, std::vector<Index>{0, row}), std::invalid_argument);
}
