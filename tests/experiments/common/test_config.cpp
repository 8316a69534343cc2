// config.toml and tables: what is written reads back as the same, and anything else is refused by line.
#include <cmath>
#include <optional>

#include "experiments/common/run/config.h"
#include "experiments/common/text/csv.h"
#include "experiments/common/text/files.h"
#include "tests/catch.h"
#include "tests/experiments/captured.h"
#include "tests/temporary_folder.h"

using namespace tangentplane;
using namespace tangentplane::experiments;
using test::thrown;

TEST_CASE("a configuration reads back as it was written") {
  Config c;
  c.set("features", "6,16,120,84,1");
  c.set("seed", std::uint64_t(18446744073709551615u));
  c.set("learning-rate", 0.1);
  c.set("tiny", -1e-300);
  c.set("quiet", "true");
  c.set("empty", "");
  c.set("out", "a folder/with \"quotes\", # and \\ and 'more'\n=[1]");
  c.set("zeros", "007");
  c.set("word", "1e");
  CHECK(Config::parse(c.toml(), "x").entries() == c.entries());
  CHECK(c.toml().find("features = \"6,16,120,84,1\"\nseed = 18446744073709551615\nlearning-rate = 0.1\n") == 0);
  CHECK(c.toml().find("zeros = \"007\"") != std::string::npos);
}

TEST_CASE("TOML as people write it") {
  const Config c = Config::parse("# all\n\nfeatures = [6, 16,  # two\n  1]\r\n  data-dir='/a b'# there\nquiet = true\nx = +3", "x");
  CHECK(c.entries() == std::vector<Config::Entry>{{"features", "6,16,1"}, {"data-dir", "/a b"}, {"quiet", "true"}, {"x", "3"}});
  CHECK(Config::parse("", "x").entries().empty());
}

TEST_CASE("a configuration file that cannot be read is refused by line") {
  CHECK(thrown([] { Config::parse("a = 1\nb = lenet\n", "f.toml"); }) ==
        "f.toml, line 2: lenet is no number; a string needs quotes: \"lenet\"");
  CHECK(thrown([] { Config::parse("a = 1\n\na = 2", "f.toml"); }) == "f.toml, line 3: a comes twice; give it once");
  for (const char* text : {"a", "a =", "= 1", "a = \"x", "a = 1 2", "a = [1", "a = [1 2]", "[table]", "a = \"\\q\"", "a = \"x\ny\""})
    CHECK(thrown([&] { Config::parse(text, "f.toml"); }).starts_with("f.toml, line 1: "));
  CHECK(thrown([] { Config::read("/no/such.toml"); }) == "/no/such.toml: no such file");
}

TEST_CASE("tables read back exactly") {
  const TemporaryFolder folder;
  Csv table({"epoch", "train_loss", "test_loss", "note"});
  const double third = 1.0 / 3, tiny = std::nextafter(0.0, 1.0);
  table.add(1, third, std::optional<double>(), "x");
  table.add(2, 0.1f, std::optional(tiny), "");
  table.save(folder / "history.csv");
  CHECK(read_text(folder / "history.csv") == "epoch,train_loss,test_loss,note\n1,0.3333333333333333,,x\n2,0.1,5e-324,\n");
  const Csv back = Csv::read(folder / "history.csv");
  CHECK(back.columns() == table.columns());
  CHECK(back.rows() == table.rows());
  CHECK(std::stod(back.rows()[0][1]) == third);
  CHECK_THROWS_AS(table.add(1, 2), std::invalid_argument);
  CHECK_THROWS_AS(table.add(1, 2, 3, "a,b"), std::invalid_argument);
  folder.write("bad.csv", "a,b\n1,2\n1\n");
  CHECK(thrown([&] { Csv::read(folder / "bad.csv"); }).ends_with("bad.csv, line 3: 1 cells for 2 columns"));
}

TEST_CASE("a text is replaced whole or not at all") {
  const TemporaryFolder folder;
  replace_text(folder / "a.txt", "old");
  CHECK_THROWS_AS(replace_text(folder / "a.txt" / "b", "new"), std::runtime_error);
  CHECK(read_text(folder / "a.txt") == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  CHECK_THROWS_AS(replace_text(folder / "no/such/a.txt", "x"), std::runtime_error);
}
