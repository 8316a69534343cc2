// A process that is killed while it makes a tile file: the limit of a file's size ends it by a signal within the call that makes room.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data/files.h"
#include "kernels/tiles/tile_file.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace tangentplane;
using namespace tangentplane::kernels;

TEST_CASE("whoever is killed while a tile file is made leaves nothing that the next one trips over") {
  const TemporaryFolder folder;
  const auto path = folder / "K";
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core{0, 0}, small{100, 100};
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_FSIZE, &small);
    signal(SIGXFSZ, SIG_DFL);
    try {
      TileFile<double>(path, 50, 8, 1);
    } catch (...) {
    }
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGXFSZ);
  CHECK_FALSE(std::filesystem::exists(path));
  const TileFile<double> file(path, 50, 8, 1);
  CHECK(file.missing() == file.side() * (file.side() + 1) / 2);
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {  // what is left beside it is known for what it is
    const std::string name = entry.path().filename().string();
    CHECK((name == "K" || data::temporary_of(name) == "K"));
  }
}
