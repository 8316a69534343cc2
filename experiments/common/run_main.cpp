#include "experiments/common/run_main.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <new>
#include <stdexcept>

#include "experiments/common/interrupt.h"
#include "experiments/common/options.h"

namespace tangentplane::experiments {

int run_main(int argc, const char* const* argv, const std::function<void(int, const char* const*)>& body) {
  const std::string program = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "tangentplane";
  const auto fail = [&](int status, std::string line) {
    std::replace(line.begin(), line.end(), '\n', ' ');
    fmt::print(stderr, "{}: {}\n", program, line);
    return status;
  };
  catch_interrupts();
  try {
    body(argc, argv);
    return 0;
  } catch (const Done& done) {
    return done.status;
  } catch (const Interrupted& e) {
    return fail(128 + e.signal(), "interrupted; the same command goes on from here");
  } catch (const std::invalid_argument& e) {
    return fail(2, e.what());
  } catch (const std::bad_alloc&) {
    return fail(1, "out of memory; give a smaller --memory, or fewer images with --num-train and --num-test");
  } catch (const std::exception& e) {
    return fail(1, e.what());
  }
}

}  // namespace tangentplane::experiments
