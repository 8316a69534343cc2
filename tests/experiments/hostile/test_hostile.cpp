// Hostile input: valid commands and files, broken in ways that a seed repeats. Whatever comes, a run ends well, or in one line that says
// what is wrong and leaves nothing behind.
#include <atomic>
#include <cstdlib>
#include <thread>

#include "tests/catch.h"
#include "tests/experiments/hostile/judge.h"
#include "tests/places.h"

using namespace tangentplane::experiments::hostile;
namespace fs = std::filesystem;

namespace {

// Numbers and a folder from the environment (tests/README.md).
std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value ? std::strtoull(value, nullptr, 10) : otherwise;
}

constexpr std::uint64_t usual_cases = sanitized ? 60 : 500;

struct Tally {
  std::map<std::string, int> outcomes, faults;
  std::vector<Verdict> faulty;
};

Tally judge_all(Judge& judge, std::uint64_t first, std::uint64_t count) {
  Tally tally;
  std::mutex mutex;
  std::atomic<std::uint64_t> next{first};
  const auto work = [&] {
    for (std::uint64_t n; (n = next++) < first + count;) {
      Verdict v;
      try {
        v = judge.judge(n);
      } catch (const std::exception& e) {  // the test's own fault
        v.number = n;
        v.one.words = {"?"};
        v.faults = {"test"};
        v.said = e.what();
      }
      const std::lock_guard lock(mutex);
      ++tally.outcomes[v.outcome];
      for (const std::string& word : v.faults) ++tally.faults[word];
      if (!v.faults.empty()) tally.faulty.push_back(v);
    }
  };
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) workers.emplace_back(work);
  for (std::thread& worker : workers) worker.join();
  std::sort(tally.faulty.begin(), tally.faulty.end(), [](const Verdict& a, const Verdict& b) { return a.number < b.number; });
  return tally;
}

std::string counted(const std::map<std::string, int>& counts) {
  std::string text;
  for (const auto& [word, n] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, word);
  return text.empty() ? "none" : text;
}

}  // namespace

TEST_CASE("hostile: broken files and options end in one line or well") {
  const std::uint64_t seed = setting("HOSTILE_SEED", 0), alone = setting("HOSTILE_CASE", ~std::uint64_t{0});
  const char* kept = std::getenv("HOSTILE_KEEP");
  const Inputs inputs;
  const tangentplane::TemporaryFolder temporary;
  Judge judge(inputs, kept ? fs::absolute(kept) : temporary.path(), seed, kept != nullptr);
  const bool one = alone != ~std::uint64_t{0};
  const auto first = one ? alone : 0, count = one ? 1 : setting("HOSTILE_CASES", usual_cases);
  const Tally tally = judge_all(judge, first, count);
  for (const Verdict& v : tally.faulty) {
    std::string words;
    for (const std::string& f : v.faults) words += f + " ";
    const std::string broken = v.one.broken.empty() ? "" : fmt::format(" with {} ({})", v.one.broken, v.one.how);
    FAIL_CHECK(words << "in case " << v.number << broken << ", " << v.outcome << ":\n  "
                     << command_line(v.one.words, judge.box_of(v.number) / "work") << "\n  " << v.said
                     << "\n  repeat, and keep its files: HOSTILE_SEED=" << seed << " HOSTILE_CASE=" << v.number
                     << " HOSTILE_KEEP=/tmp/hostile " << tangentplane::places::binaries() << "/test_experiments 'hostile: broken*'");
  }
  fmt::print("hostile: seed {}, {} cases, {} faults ({}); {}\n", seed, count, tally.faulty.size(), counted(tally.faults),
             counted(tally.outcomes));
  CHECK(tally.faulty.empty());
}
