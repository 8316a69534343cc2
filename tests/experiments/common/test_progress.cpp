// What a long run says on the way, and what --plan says before it.
#include <unistd.h>

#include <chrono>
#include <cmath>

#include "autodiff/cpu/gemm.h"
#include "autodiff/tensor.h"
#include "experiments/common/plans/plan.h"
#include "experiments/common/process/progress.h"
#include "tests/catch.h"

using namespace tangentplane;
using namespace tangentplane::experiments;

namespace {

std::string written(const std::function<void(std::FILE*)>& f) {
  std::FILE* file = std::tmpfile();
  f(file);
  std::string text(static_cast<std::size_t>(std::ftell(file)), ' ');
  std::rewind(file);
  CHECK(std::fread(text.data(), 1, text.size(), file) == text.size());
  std::fclose(file);
  return text;
}

}  // namespace

TEST_CASE("progress tells share, rate and the time left") {
  CHECK(progress_line("ntk", 420, 1000, "tiles", 12) == "ntk: 42 % (420 of 1000 tiles), 35 tiles/s, 17 s left");
  CHECK(progress_line("ntk", 999.9, 1000, "tiles", 100) == "ntk: 99 % (999.9 of 1000 tiles), 10 tiles/s, 0.0 s left");
  CHECK(progress_line("ntk", 0, 1000, "tiles", 12) == "ntk: 0 % (0 of 1000 tiles), - tiles/s, - left");
  CHECK(progress_line("train", 2, 100, "epochs", 60) == "train: 2 % (2 of 100 epochs), 30 s each, 49 min 0 s left");
}

TEST_CASE("the bar fits the terminal") {
  CHECK(progress_bar("ntk", 500, 1000, "tiles", 10, 60) == "ntk  [===========>           ]  50 %  50 tiles/s  10 s left");
  CHECK(progress_bar("ntk", 1000, 1000, "tiles", 10, 60).find(">") == std::string::npos);
  for (int width : {0, 5, 30, 50, 80, 200})
    for (double done : {0.0, 1.0, 999.0, 1000.0})
      CHECK(progress_bar("ntk", done, 1000, "tiles", 7, width).size() <= static_cast<std::size_t>(width));
}

TEST_CASE("where there is no terminal, short work says one line, with --quiet, nothing") {
  const auto work = [](ProgressStyle style) {
    return written([&](std::FILE* to) {
      Progress progress("ntk", 3, "tiles", style, to);
      for (int i = 0; i < 3; ++i) progress.advance();
      progress.finish();
    });
  };
  CHECK(work(ProgressStyle::automatic) == "ntk: 3 tiles in 0.0 s\n");
  CHECK(work(ProgressStyle::none).empty());
  show_progress(false);
  CHECK(work(ProgressStyle::lines).empty());
  show_progress(true);
}

TEST_CASE("a bar is redrawn on one line, which ends even if the work does not") {
  const std::string text = written([](std::FILE* to) {
    Progress progress("ntk", 2, "tiles", ProgressStyle::bar, to);
    usleep(110'000);
    progress.advance();
  });
  CHECK(text.starts_with("\rntk  ["));
  CHECK(text.find("50 %") != std::string::npos);
  CHECK(text.ends_with("\x1b[K\n"));
}

TEST_CASE("the plan adds times and disk and takes the largest memory") {
  const Plan two{.stages = {{.name = "kernel", .flops = 1e12, .efficiency = 0.5, .memory = 2048, .disk = 1024},
                            {.name = "eigen", .flops = 2e12, .memory = 1024, .disk = 512, .seconds = 3}},
                 .gemm_rate = 1e11,
                 .choices = {},
                 .remarks = {"by hand"}};
  CHECK(format_plan(two) ==
        "stage        work   memory     disk  time\n"
        "kernel  1.0 Tflop  2.0 KiB  1.0 KiB  20 s\n"
        "eigen   2.0 Tflop  1.0 KiB    512 B  23 s\n"
        "all     3.0 Tflop  2.0 KiB  1.5 KiB  43 s\n"
        "at this machine's 100 Gflop/s of matrix products\n"
        "by hand\n");
  Plan in_parts = two;
  in_parts.stages[0].split = 0.75;
  CHECK(in_parts.of("kernel").seconds == Approx(20));  // a run without split products
  in_parts.split_rate = 3e11;
  CHECK(in_parts.of("kernel").seconds == Approx(5 + 5));
  CHECK(in_parts.of("eigen").seconds == Approx(23));
  CHECK(format_plan(in_parts).find("at this machine's 100 Gflop/s of matrix products, 300 Gflop/s of split ones\n") != std::string::npos);
  Plan wrong = two;
  wrong.stages[0].efficiency = 0;
  CHECK_THROWS_AS(format_plan(wrong), std::invalid_argument);
}

TEST_CASE("the plan adds up a row's parts as often as they are done, and tells what one stage of the run takes once") {
  Plan plan;
  plan.stages = {{.name = "training", .stage = "features", .flops = 1e11, .memory = 8},
                 {.name = "training", .stage = "target", .flops = 2e11, .memory = 4, .disk = 16, .times = 3},
                 {.name = "eigenpairs", .flops = 1e11, .reading = 5},
                 {.name = "eigenpairs", .flops = 4e11, .seconds = 1, .reading = 3}};
  plan.gemm_rate = 1e11;
  const auto rows = plan.rows();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].first == "training");
  CHECK(rows[0].second.flops == 7e11);
  CHECK(rows[0].second.seconds == Approx(7));
  CHECK(rows[0].second.memory == 8);
  CHECK(rows[0].second.disk == 48);
  CHECK(rows[1].second.seconds == Approx(5 + 1 + 4));  // reading goes on beside the flops
  CHECK(plan.of("target").flops == 2e11);
  CHECK(plan.of("target").disk == 16);
  CHECK(plan.of("eigenpairs").flops == 5e11);
  CHECK(plan.of("training").flops == 0);
  CHECK(plan.all().flops == 12e11);
}

TEST_CASE("the machine's rate is that of a product of matrices timed here") {
  static constexpr Index n = 1024;  // clang lets a generic lambda take no other
  const auto timed_here = []<class S>(S) {
    const auto a = Tensor<S>::full({n, n}, S(0.5)), b = Tensor<S>::full({n, n}, S(2));
    Tensor<S> c({n, n});
    double least = INFINITY;  // seconds
    for (int i = 0; i < 5; ++i) {
      const auto start = std::chrono::steady_clock::now();
      cpu::parallel_gemm(cpu::Op::none, cpu::Op::none, n, n, n, S(1), a.data(), n, b.data(), n, S(0), c.data(), n);
      least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    CHECK(c[c.size() - 1] == 1024);
    return 2.0 * n * n * n / least;
  };
  // Both are disturbed by whatever else the machine does: the largest of several.
  const auto agree = [&]<class S>(S one) {
    double measured = 0, here = 0;
    for (int i = 0; i < 30; ++i) {
      measured = std::max(measured, measure_gemm_rate<S>()), here = std::max(here, timed_here(one));
      if (i >= 2 && std::abs(std::log2(measured / here)) < 0.6) return true;
    }
    return false;
  };
  CHECK(agree(1.0F));
  CHECK(agree(1.0));
}
