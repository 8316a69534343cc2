// What a run under hostile input did, and what of that is a fault.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/experiments/hostile/cases.h"
#include "tests/experiments/hostile/child.h"

namespace tangentplane::experiments::hostile {

/// Every entry below a folder by its relative name: its kind, and a file's bytes; paths of the folder itself are taken out.
using Listing = std::map<std::string, std::string>;
Listing listing_of(const std::filesystem::path& folder);

struct Verdict {
  std::uint64_t number = 0;
  Case one;
  std::string outcome;  ///< accepted, refused, failed, interrupted, or how else it ended
  /// signal: ended by one, or by a sanitizer. status: none of 0, 1, 2, 130. hang: not over in time. memory: out of it, or 2 GB resident.
  /// lines: not one line of ours with status 1 or 2. raw: the message of a library. unnamed: it names neither option nor file.
  /// leftover: something half-written, or refused with something new. changed: refused with something else than it was.
  /// nan: accepted, and results that are not finite. other: accepted, and not what can be computed again from what was left.
  /// again: accepted, and the same command does not find it finished. stuck: the file mended, and the same command still fails, or ends
  /// with other bytes.
  std::vector<std::string> faults;
  std::string said;  ///< on standard error
};

class Judge {
 public:
  /// Boxes of cases are made in `root`, and left there if `keep`.
  Judge(const Inputs& inputs, std::filesystem::path root, std::uint64_t seed, bool keep);

  /// May be called from several threads at once.
  Verdict judge(std::uint64_t number);
  std::filesystem::path box_of(std::uint64_t number) const { return root_ / ("case" + std::to_string(number)); }

 private:
  /// What the case's command leaves where nothing is broken.
  const Listing& undisturbed(const Case& one);
  void judge_end(Verdict& v, const End& end) const;
  void judge_refusal(Verdict& v, const Listing& before, const Listing& after) const;

  const Inputs& inputs_;
  std::filesystem::path root_;
  std::uint64_t seed_;
  bool keep_;
  std::mutex mutex_;
  std::map<std::string, Listing> undisturbed_;
};

}  // namespace tangentplane::experiments::hostile
