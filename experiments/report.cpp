// The study's report: one page that says of each claim whether the results at hand show it, with the figures and numbers that decide.
//
//   report results
//
// Some seconds. Reads the folders that ./experiments/reproduce fills, writes results/index.html and results/figures/.
#include "experiments/claims/page/report_page.h"
#include "experiments/common/cluster/ranks_of_run.h"
#include "experiments/common/options/options.h"
#include "experiments/common/process/run_main.h"
#include "experiments/common/text/say.h"

using namespace tangentplane;
using namespace tangentplane::experiments;

namespace {

void run(int argc, const char* const* argv) {
  CommandLine line("Writes RESULTS_DIR/index.html: the claims, and what the results in that folder say to them", "report");
  std::string folder;
  line.add_version();
  line.add_positional("RESULTS_DIR", folder, "Folder that holds the runs' results folders");
  parse(line, argc, argv);
  require_alone("report");
  require(!folder.empty(), "report needs the folder of the results, e.g. report results");
  const auto sections = write_report(folder);
  for (std::size_t i = 0; i < sections.size(); ++i) tell("{}. {}: {}\n", i + 1, sections[i].title, sections[i].verdict_text());
  tell("in {}\n", (std::filesystem::absolute(folder) / "index.html").lexically_normal().string());
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
