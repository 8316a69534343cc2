// Timing: each benchmark is a name and a function, run after warm-up until the median means something.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <string>
#include <vector>

#include "autodiff/cpu/split/products.h"

namespace tangentplane::bench {

/// The names asked for (prefixes; none: all) and how to time what they select.
class Bench {
 public:
  /// `cpu`: processor time instead of time passed, which on a busy machine says more (with one thread).
  Bench(std::vector<std::string> prefixes, bool cpu) : prefixes_(std::move(prefixes)), cpu_(cpu) {}
  /// The same names with "_split" behind them; where products are emulated, which is slow, only those that are given as a whole.
  Bench split(bool emulated) const {
    Bench other = *this;
    other.suffix_ = "_split", other.whole_ = emulated;
    return other;
  }

  bool wants(const std::string& name) const { return (prefixes_.empty() && !whole_) || asks_for(name); }
  /// For work of minutes and gigabytes, which runs only where a word selects it.
  bool asks_for(const std::string& name) const {
    const std::string full = name + suffix_;
    return std::any_of(prefixes_.begin(), prefixes_.end(), [&](const auto& p) { return whole_ ? full == p : full.starts_with(p); });
  }
  /// The median of at least `least` runs, and of as many more (up to 101) as a second holds, after `warm` runs.
  template <class F>
  double seconds(const F& f, int least, int warm) const {
    for (int i = 0; i < warm; ++i) f();
    std::vector<double> times;
    double total = 0;
    while (static_cast<int>(times.size()) < least || (total < 1 && times.size() < 101)) {
      const double start = now();
      f();
      times.push_back(now() - start);
      total += times.back();
    }
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
    return times[times.size() / 2];
  }

  /// Prints `tangentplane NAME SECONDS` if the name is wanted.
  template <class F>
  void time(const std::string& name, const F& f, int least = 3, int warm = 1) const {
    if (wants(name)) report(name + suffix_, seconds(f, least, warm));
  }
  static void report(const std::string& name, double figure) {
    fmt::print("tangentplane {} {:.5g}\n", name, figure);
    std::fflush(stdout);
  }
  /// `tangentplane NAME SECONDS FRACTION`: of what gemm at `rate` flop/s does in that time.
  static void report_share(const std::string& name, double seconds, double flops, double rate) {
    fmt::print("tangentplane {} {:.5g} {:.2f}\n", name, seconds, flops / (seconds * rate));
    std::fflush(stdout);
  }

 private:
  double now() const {
    if (cpu_) return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }

  std::vector<std::string> prefixes_;
  bool cpu_, whole_ = false;
  std::string suffix_;
};

// One function a file; each prints what is wanted of its names.
void bench_sgemm(const Bench& bench);     // sgemm.cpp
void bench_split(const Bench& bench);     // split.cpp
void bench_training(const Bench& bench);  // training.cpp
void bench_ntk(const Bench& bench);       // ntk.cpp
void bench_nads(const Bench& bench);      // nads.cpp
void bench_lanczos(const Bench& bench);   // lanczos.cpp
void bench_scaling(const Bench& bench);   // scaling.cpp
/// Of each file in the folder; throws std::invalid_argument for a folder without any, and as load_onnx does.
void bench_onnx(const Bench& bench, const std::string& folder);  // onnx.cpp

/// flop/s of sgemm now, in a fraction of a second; or of the same product by split parts.
double gemm_rate(const Bench& bench, cpu::Products how = cpu::Products::float32);  // sgemm.cpp

}  // namespace tangentplane::bench
