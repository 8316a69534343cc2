#include "experiments/common/process/run_main.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <stdexcept>

#include "autodiff/cpu/ranks.h"
#include "data/files.h"
#include "experiments/common/options/options.h"
#include "experiments/common/process/end_run.h"
#include "experiments/common/process/interrupt.h"
#include "experiments/common/run/provenance.h"
#include "experiments/common/run/results.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {
namespace {

void open_standard_streams() {
  for (int descriptor : {0, 1, 2})
    if (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF) static_cast<void>(open("/dev/null", O_RDWR));  // takes the lowest that is free
}

/// Why results did not come out; empty if they did.
std::string output_failure() {
  errno = 0;
  std::cout.flush();
  const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) || !std::cout;
  return failed ? fmt::format("standard output cannot be written ({})", errno ? std::strerror(errno) : "input/output error") : "";
}

std::string& program_name() {
  static auto* name = new std::string;  // never destroyed: read wherever the process ends
  return *name;
}

/// The ranks that mpirun started, if it did. What another rank fails of the first one says.
void join_ranks() {
  cpu::start_ranks();
  cpu::on_failure_elsewhere([](const std::string& line) {
    data::abandon_writes();
    static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
  });
}

/// What nothing can catch ends in one line too: libraries throw where they promised not to, as oneTBB does for want of a thread.
void end_in_one_line(const std::string& program) {
  program_name() = program;
  std::set_terminate([] {
    std::string why = "ended unexpectedly";
    try {
      if (const auto thrown = std::current_exception()) std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      why = e.what();
    } catch (...) {
    }
    data::abandon_writes();
    end_run(1, fmt::format("{}: {}\n", program_name(), why));
  });
}

}  // namespace

int run_main(int argc, const char* const* argv, const std::function<void(int, const char* const*)>& body) {
  open_standard_streams();
  const std::string program = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "tangentplane";
  const auto fail = [&](int status, std::string line) {
    std::replace(line.begin(), line.end(), '\n', ' ');
    line = fmt::format("{}: {}\n", program, line);
    if (cpu::Ranks::world().several()) end_run(status, line);  // the others may wait for this rank, and would do so for ever
    put(stderr, line);
    return status;
  };
  const auto end_of = [&] {
    try {
      body(argc, argv);
      return 0;
    } catch (const Done& done) {
      return done.status;
    } catch (const Interrupted& e) {
      return fail(128 + e.signal(), interrupted_line);
    } catch (const std::invalid_argument& e) {
      return fail(run_has_begun() ? 1 : 2, e.what());
    } catch (const std::bad_alloc&) {
      return fail(1, "out of memory; give a smaller --memory, or fewer images with --num-train and --num-test");
    } catch (const std::filesystem::filesystem_error& e) {
      std::error_code gone;
      static_cast<void>(std::filesystem::current_path(gone));  // relative paths lead nowhere without one
      if (gone) return fail(run_has_begun() ? 1 : 2, fmt::format("the working folder: cannot be used ({}); go to another", gone.message()));
      return fail(1, fmt::format("{}: cannot be used ({})", e.path1().string(), e.code().message()));
    } catch (const std::exception& e) {
      return fail(1, e.what());
    }
  };
  remember_command(argc, argv);
  join_ranks();
  catch_interrupts(program);
  no_run_has_begun();
  end_in_one_line(program);
  const int status = end_of();
  release_interrupts();
  const std::string lost = status == 0 ? output_failure() : "";
  if (!lost.empty()) return fail(1, lost);
  cpu::end_ranks();
  return status;
}

}  // namespace tangentplane::experiments
