#include "tests/experiments/hostile/judge.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "data/npy.h"

namespace tangentplane::experiments::hostile {
namespace fs = std::filesystem;
namespace {

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
}

bool contains(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

/// Whether a message is not ours: the text of an exception that a library threw.
bool is_raw(const std::string& text) {
  for (const char* word : {"std::",          "vector::",     "basic_string",     "bad_alloc",    "bad_cast",  "filesystem error",
                           "json.exception", "what()",       "terminate called", "stoi",         "stoul",     "stod",
                           "map::at",        "_M_",          "out_of_range",     "length_error", "Assertion", "invalid_argument",
                           "bad_function",   "bad_optional", "iostream",         "regex_error",  "LAPACK",    "nan("})
    if (contains(text, word)) return true;
  return false;
}

/// Whether a message says which option, argument or file is meant.
bool names_it(const Case& one, const std::string& said) {
  if (contains(said, "--") || contains(said, "training: the ")) return true;  // a diverging training names the learning rate
  if (one.broken.empty()) {
    if (contains(said, "needs the folder")) return true;
    for (std::size_t i = 1; i < one.words.size(); ++i) {
      std::string word = one.words[i];
      std::replace(word.begin(), word.end(), '\n', ' ');
      if (const auto equals = word.find('='); word.starts_with("--") && equals != std::string::npos) word.erase(0, equals + 1);
      if (contains(said, word.size() > 1 ? word : ": " + word + ": ")) return true;
    }
    return false;
  }
  const fs::path path = one.broken;
  std::string name = path.filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  // A configuration that says something else is refused by the file that then does not fit.
  const bool elsewhere = name == "config.toml" && (contains(said, ".npy: ") || contains(said, ".npz: ") || contains(said, ".bin: "));
  return contains(said, name) || contains(said, path.parent_path().filename().string() + ": ") || elsewhere;
}

/// Results of a run that ended well, and are not finite numbers.
std::string not_finite(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return "";
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.symlink_status().type() != fs::file_type::regular) continue;
    if (name == "accuracy.csv" || name == "history.csv") {
      const std::string text = bytes_at(entry.path());
      if (contains(text, "nan") || contains(text, "inf")) return name;
    }
    bool wanted = false;
    for (const char* n : {"eigvals.npy", "eigvecs.npy", "nads.npy", "residuals.npy", "alignment.npy", "alignment_init.npy",
                          "alignment_parts.npy", "test_logits.npy"})
      wanted = wanted || name == n;
    if (!wanted) continue;
    try {
      const auto numbers = data::load_npy<double>(entry.path());
      for (double v : numbers.span())
        if (!std::isfinite(v)) return name;
    } catch (const std::exception& e) {
      return name + " (" + e.what() + ")";
    }
  }
  return "";
}

/// The listing of a results folder without what may differ between two runs of one command.
Listing results_of(const Listing& all, const std::string& out) {
  Listing results;
  for (const auto& [name, bytes] : all)
    if (name.starts_with(out + "/") && !name.ends_with("run.json")) results.emplace(name.substr(out.size() + 1), bytes);
  return results;
}

/// The first name that two listings do not share, or share with other bytes.
std::string first_difference(const Listing& a, const Listing& b) {
  for (const auto& [name, bytes] : a)
    if (!b.contains(name) || b.at(name) != bytes) return name;
  for (const auto& [name, bytes] : b)
    if (!a.contains(name)) return name;
  return "";
}

void remove_box(const fs::path& box) {
  std::error_code error;
  fs::remove_all(box, error);
}

}  // namespace

Listing listing_of(const fs::path& folder) {
  Listing all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::file_status status = entry.symlink_status();
    std::string what = fmt::format("{}: ", static_cast<int>(status.type()));
    if (status.type() == fs::file_type::regular) what += bytes_at(entry.path());
    if (status.type() == fs::file_type::symlink) what += fs::read_symlink(entry.path()).string();
    if (entry.path().filename() == "config.toml") replace_all(what, folder.string(), "");
    all[entry.path().lexically_relative(folder).string()] = what;
  }
  return all;
}

Judge::Judge(const Inputs& inputs, fs::path root, std::uint64_t seed, bool keep)
    : inputs_(inputs), root_(std::move(root)), seed_(seed), keep_(keep) {}

const Listing& Judge::undisturbed(const Case& one) {
  const std::string key = fmt::format("{}", fmt::join(one.words, " "));
  const std::lock_guard lock(mutex_);
  if (const auto found = undisturbed_.find(key); found != undisturbed_.end()) return found->second;
  const fs::path box = root_ / fmt::format("undisturbed{}", undisturbed_.size()), work = box / "work";
  fs::create_directories(work);
  fs::create_directories(box / "tmp");
  inputs_.copy(one.inputs, work);
  const End end = run_child(one.words, work, box / "tmp", {});
  if (end.status != 0) throw std::runtime_error("a valid command failed: " + key + ": " + end.err);
  auto results = results_of(listing_of(work), one.out.empty() ? "o" : one.out);
  remove_box(box);
  return undisturbed_.emplace(key, std::move(results)).first->second;
}

void Judge::judge_end(Verdict& v, const End& end) const {
  const auto fault = [&](const char* word) { v.faults.emplace_back(word); };
  const bool early = end.interrupted && end.by_signal && end.status == 130;  // on a busy machine, before it could say so
  v.outcome = end.hung            ? "hung"
              : end.status == 0   ? "accepted"
              : end.status == 1   ? "failed"
              : end.status == 2   ? "refused"
              : end.status == 130 ? "interrupted"
                                  : fmt::format("status {}", end.status);
  if (end.hung)
    fault("hang");
  else if ((end.by_signal && !early) || end.status == 99)
    fault("signal");
  else if (v.outcome.starts_with("status"))
    fault("status");
  if (end.peak_memory > std::uint64_t{2} << 30 && !sanitized) fault("memory");
  if (end.status != 1 && end.status != 2) return;
  std::size_t ours = 0;
  bool last = false;  // progress and notes come first
  std::istringstream lines(end.err);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || contains(line, "AddressSanitizer failed to allocate")) continue;
    last = line.starts_with(v.one.words[0] + ": ");
    ours += last && !contains(line, "not drawn");
  }
  if (ours != 1 || !last) fault("lines");
  if (is_raw(end.err)) fault("raw");
  if (contains(end.err, "out of memory")) {
    if (v.one.kind != Case::Kind::options) fault("memory");
  } else if (!names_it(v.one, end.err)) {
    fault("unnamed");
  }
}

void Judge::judge_refusal(Verdict& v, const Listing& before, const Listing& after) const {
  for (const auto& [name, bytes] : after)
    if (!before.contains(name) && v.one.out.empty()) {
      v.faults.emplace_back("leftover");
      v.said += "  [new: " + name + "]";
      break;
    }
  // A run that goes on may find out late; it must not have lost anything that was there, run.json aside.
  for (const auto& [name, bytes] : before)
    if ((!after.contains(name) || after.at(name) != bytes) && !(name.ends_with("run.json") && !v.one.out.empty())) {
      v.faults.emplace_back("changed");
      v.said += "  [changed: " + name + "]";
      break;
    }
}

Verdict Judge::judge(std::uint64_t number) {
  Draw draw(seed_, number);
  Verdict v;
  v.number = number;
  v.one = draw_case(draw, inputs_);
  const fs::path box = box_of(number), work = box / "work", temporary = box / "tmp";
  remove_box(box);
  fs::create_directories(work);
  fs::create_directories(temporary);
  inputs_.copy(v.one.inputs, work);
  const std::string whole = v.one.broken.empty() ? "" : bytes_at(work / v.one.broken);
  const fs::path meant = work / v.one.broken;
  break_file(draw, v.one, work);
  const bool once_more = number % 3 == 0;  // more than one run takes time
  const Listing before = listing_of(work);
  Limits limits;
  if (v.one.may_be_long) limits.interrupted_after = sanitized ? 20 : 2;
  const End end = run_child(v.one.words, work, temporary, limits);
  v.said = end.err;
  judge_end(v, end);

  const auto fault = [&](const char* word, const std::string& why) {
    v.faults.emplace_back(word);
    v.said += "  [" + why + "]";
  };
  const Listing after = listing_of(work);
  const std::string out = v.one.out.empty() ? "o" : v.one.out;
  if (end.status == 2) judge_refusal(v, before, after);
  if (!end.by_signal) {
    for (const auto& [name, bytes] : after)
      if (contains(name, ".partial") && !before.contains(name)) {
        fault("leftover", name);
        break;
      }
    if (!fs::is_empty(temporary)) fault("leftover", "in TMPDIR");
  }
  if (end.status == 0 && v.one.kind != Case::Kind::report) {
    if (const std::string name = not_finite(work / out); !name.empty()) fault("nan", name);
    if (v.one.recoverable) {
      Listing compared = after;
      if (v.one.how == "added") compared.erase(v.one.broken);
      if (const std::string name = first_difference(undisturbed(v.one), results_of(compared, out)); !name.empty()) fault("other", name);
    }
  }
  if (!v.one.broken.empty() && once_more && !v.one.may_be_long && (end.status == 1 || end.status == 2)) {
    fs::remove_all(meant);
    if (v.one.how == "added") fs::remove_all(work / v.one.broken);
    fs::remove(meant.parent_path() / "moved");
    write_bytes(meant, whole);
    const End mended = run_child(v.one.words, work, temporary, {});
    // What a run computed from a file that was wrong may stay and be refused by name.
    if (mended.status != 0 && !(end.status == 1 && mended.status == 2))
      fault("stuck", mended.err);
    else if (mended.status == 0 && v.one.kind != Case::Kind::report)
      if (const std::string name = first_difference(undisturbed(v.one), results_of(listing_of(work), out)); !name.empty())
        fault("stuck", "other bytes in " + name);
  }
  if (once_more && !v.one.may_be_long && end.status == 0 && v.one.kind != Case::Kind::report) {
    const End second = run_child(v.one.words, work, temporary, {});
    const std::string name = first_difference(after, listing_of(work));
    if (second.status != 0)
      fault("again", second.err);
    else if (!name.empty())
      fault("again", "changed " + name);
  }
  if (!keep_) remove_box(box);
  return v;
}

}  // namespace tangentplane::experiments::hostile
