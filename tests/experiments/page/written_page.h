// A page and what it is made of, for the tests of its parts.
#pragma once

#include "data/npy.h"
#include "experiments/claims/page/report_page.h"
#include "experiments/common/text/files.h"
#include "tests/catch.h"
#include "tests/experiments/well_formed.h"
#include "tests/experiments/written_runs.h"

namespace tangentplane::experiments::test {

inline const std::vector<double> falling{0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55};

inline std::string page_of(const std::filesystem::path& study) {
  write_report(study);
  std::string html = read_text(study / "index.html");
  CHECK(malformed(html) == "");
  return html;
}

inline std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t at = text.find(begin);
  if (at == std::string::npos) return "";
  return text.substr(at + begin.size(), text.find(end, at + begin.size()) - at - begin.size());
}

inline void write_eigenvalues(const TemporaryFolder& study, const std::string& kernel, const std::vector<double>& values) {
  data::save_npy(study / (kernel + "/eigvals.npy"), Tensor<double>::from({static_cast<Index>(values.size())}, values));
}

/// [3, k]: ones but for the target.
inline void write_alignment(const std::filesystem::path& path, Index target, double at_target, Index k = 5) {
  auto alignment = Tensor<double>::full({3, k}, 1);
  for (Index row = 0; row < 3; ++row) alignment[row * k + target] = at_target + static_cast<double>(row);
  std::filesystem::create_directories(path.parent_path());
  data::save_npy(path, alignment);
}

}  // namespace tangentplane::experiments::test
