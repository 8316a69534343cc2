// Eigenvalues of all kernels, and of all networks' anisotropy.
#include <algorithm>
#include <map>

#include "data/npy.h"
#include "experiments/claims/page/context.h"
#include "experiments/claims/study/names.h"
#include "experiments/common/figures/figures.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

constexpr double rounding = 1e-15;  // of the largest

std::vector<double> eigenvalues_of(const Run& run) {
  const fs::path path = run.folder / "eigvals.npy";
  const auto values = data::load_npy<double>(path);
  require(values.shape().rank() == 1, "{}: has shape {}, expected [k]", path.string(), values.shape());
  return {values.span().begin(), values.span().end()};
}

/// So many values come before those that are zero but for rounding.
std::size_t significant(const std::vector<double>& values) {
  const auto zero = std::find_if(values.begin(), values.end(), [&](double v) { return !(v > rounding * values.front()); });
  return static_cast<std::size_t>(zero - values.begin());
}

/// Means over seeds of the eigenvalues, each seed's over `scale` of it.
Series series_of(const std::string& label, const Repeats& runs, const auto& scale) {
  Series s{.label = label, .mark = Mark::line};
  std::vector<std::vector<double>> seeds;
  for (const Run* run : runs) {
    auto values = eigenvalues_of(*run);
    const double by = scale(*run, values);
    for (double& v : values) v /= by;
    seeds.push_back(std::move(values));
  }
  std::size_t count = seeds.front().size();
  for (const auto& seed : seeds) count = std::min(count, significant(seed));
  s.x = one_based(count);
  s.y.assign(count, 0);
  for (auto& seed : seeds) {
    seed.resize(count);
    for (std::size_t j = 0; j < count; ++j) s.y[j] += seed[j] / static_cast<double>(seeds.size());
  }
  if (count == 1) s.mark = Mark::points;
  if (seeds.size() > 1) s.samples = std::move(seeds);
  return s;
}

// Seeds are told apart by number: series of several models share the columns, and not every model need have all.
void name_samples(Figure& f) {
  std::size_t most = 0;
  for (const Series& s : f.series) most = std::max(most, s.samples.size());
  for (std::size_t i = 0; i < most; ++i) f.samples.push_back(fmt::format("repeat_{}", i));
  for (Series& s : f.series) s.samples.resize(most, std::vector<double>(s.y.size(), NAN));
}

bool has_eigenvalues(const Repeats& runs) {
  return std::all_of(runs.begin(), runs.end(), [](const Run* run) { return fs::is_regular_file(run->folder / "eigvals.npy"); });
}

std::vector<Repeats> groups_of(const Study& study, const char* experiment) {
  auto groups = matched_runs(study, study.of(experiment)).groups;
  std::erase_if(groups, [](const Repeats& runs) { return !has_eigenvalues(runs); });
  return groups;
}

void add(Context& c, const std::string& name, Figure f, const std::vector<Repeats>& groups, const auto& scale) {
  for (const Repeats& runs : groups) {
    f.series.push_back(series_of(title_of(*runs.front(), false), runs, scale));
    c.runs.insert(c.runs.end(), runs.begin(), runs.end());
  }
  name_samples(f);
  c.figures.emplace_back(name, std::move(f));
}

}  // namespace

Context spectra(const Study& study) {
  Context c{.id = "spectra",
            .title = "Spectra: how fast the eigenvalues fall",
            .paragraphs = {"Eigenvalues say how fast the linearization learns each eigenfunction. They are divided by the number of images "
                           "here, which makes kernels of different sizes comparable, and are means over the seeds that there are."},
            .missing = "a kernel's eigenvalues: compute_ntk"};
  std::map<std::string, std::vector<Repeats>> by_data;
  for (const Repeats& runs : groups_of(study, "compute_ntk")) by_data[runs.front()->get("data")].push_back(runs);
  std::size_t number = 0;
  for (const auto& [data, groups] : by_data) {
    const std::string of = groups.front().front()->names.data;
    add(c, fmt::format("spectra-{}", number++),
        {.title = fmt::format("Kernels on {}", of),
         .x_label = "eigenfunction (index + 1)",
         .y_label = "eigenvalue / number of images",
         .log_x = true,
         .log_y = true,
         .caption = "Both axes are logarithmic. See how steeply the lines fall: the steeper, the fewer patterns the linearization learns "
                    "quickly."},
        groups, [](const Run& run, const std::vector<double>&) { return run.images(); });
  }
  if (const auto groups = groups_of(study, "compute_nads"); !groups.empty())
    add(c, "spectra-directions",
        {.title = "Anisotropy directions",
         .x_label = "direction (index + 1)",
         .y_label = "eigenvalue / the largest",
         .log_x = true,
         .log_y = true,
         .caption = "How sensitive a network is to each of its directions at its initial weights, compared with the first. See over how "
                    "many powers of ten "
                    "the lines fall. What is zero but for rounding is left out."},
        groups, [](const Run&, const std::vector<double>& values) { return values.empty() || values.front() == 0 ? 1 : values.front(); });
  return c;
}

}  // namespace tangentplane::experiments
