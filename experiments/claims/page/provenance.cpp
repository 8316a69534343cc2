// What the results were made with: from each run's run.json, of which older versions left less.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "experiments/claims/page/markup.h"
#include "experiments/claims/page/parts.h"
#include "experiments/common/run/files_of_run.h"
#include "experiments/common/text/html.h"

namespace tangentplane::experiments {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

/// Null where there is none, or it is damaged: the page does without.
Json record_of(const Run& run) {
  const auto record = record_in(run.folder);
  return record && record->is_object() ? *record : Json();
}

/// A text, or a number as one, at a path of keys; empty where there is none.
std::string at(const Json& json, std::initializer_list<const char*> keys) {
  const Json* place = &json;
  for (const char* key : keys) {
    if (!place->is_object() || !place->contains(key)) return "";
    place = &(*place)[key];
  }
  return place->is_string() ? place->get<std::string>() : place->is_number() ? place->dump() : "";
}

std::string day_of(const Json& json) { return at(json, {"date"}).substr(0, 10); }

/// "1.0.0 (commit 1a2b3c)"; the version's place has moved.
std::string version_of(const Json& json) {
  const std::string version = at(json, {"version"}), commit = at(json, {"commit"});
  return (version.empty() ? at(json, {"versions", "tangentplane"}) : version) + (commit.empty() ? "" : " (commit " + commit + ")");
}

std::string machine_of(const Json& json) {
  const std::string cpu = at(json, {"machine", "cpu"}), threads = at(json, {"machine", "threads"});
  return cpu + (threads.empty() ? "" : fmt::format(" ({} thread{})", threads, threads == "1" ? "" : "s"));
}

/// The different values, those of most runs first; with the number of runs where there are several.
std::string values_of(const std::vector<Json>& records, const auto& value_of) {
  std::vector<std::pair<std::string, std::size_t>> values;
  for (const Json& record : records) {
    const std::string value = value_of(record);
    if (value.empty()) continue;
    const auto same = std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == value; });
    if (same == values.end())
      values.emplace_back(value, 1);
    else
      ++same->second;
  }
  std::stable_sort(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string listed;
  for (const auto& [value, count] : values)
    listed += (listed.empty() ? "" : "; ") + value + (values.size() > 1 ? fmt::format(", {} run{}", count, count == 1 ? "" : "s") : "");
  return listed;
}

std::vector<std::string> row_of(const Run& run, const Json& json) {
  std::string seconds;
  if (json.contains("stages") && json["stages"].is_array()) {
    // Stages may lie inside one another, e.g. a target's alignment inside the target: the longest reading would count it twice.
    double sum = 0;
    for (const Json& stage : json["stages"])
      if (stage.is_object() && at(stage, {"name"}) != "alignment" && stage.contains("seconds") && stage["seconds"].is_number())
        sum += stage["seconds"].get<double>();
    seconds = fmt::format("{:.1f}", sum);
  }
  return {run.name(),   run.experiment,  run.get("model").empty() ? "" : run.model(), run.data(), run.get("seed"), seconds,
          day_of(json), version_of(json)};
}

/// "in 2 of 7 runs (amx), at most 4e-06 from float32's"; empty where none was split.
std::string split_products_of(const std::vector<Json>& records) {
  std::size_t runs = 0;
  double largest = -1;
  for (const Json& record : records) {
    if (at(record, {"products", "kind"}) != "split") continue;
    ++runs;
    const Json& products = record["products"];
    if (products.contains("relative_difference") && products["relative_difference"].is_number())
      largest = std::max(largest, products["relative_difference"].get<double>());
  }
  if (runs == 0) return "";
  const auto unit_of = [](const Json& j) { return at(j, {"products", "unit"}); };
  return fmt::format(
      "in {} of {} runs ({}){}", runs, records.size(), values_of(records, unit_of),
      largest >= 0 ? fmt::format(", measured at most {:.1e} from float32's (relative, in the Frobenius norm)", largest) : "");
}

std::vector<Json> records_of(const Study& study) {
  std::vector<Json> records;
  for (const Run& run : study.runs)
    if (Json record = record_of(run); !record.is_null()) records.push_back(std::move(record));
  return records;
}

/// What has a value, as a list; empty where nothing has.
std::string listed(const std::vector<std::pair<const char*, std::string>>& values) {
  std::string m;
  for (const auto& [what, value] : values)
    if (!value.empty()) m += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", what, escape(value));
  return m.empty() ? "" : "<dl class=\"legend\">" + m + "</dl>\n";
}

}  // namespace

std::string provenance(const Study& study) {
  const auto records = records_of(study);
  std::vector<std::string> days;
  for (const Json& record : records)
    if (const std::string day = day_of(record); !day.empty()) days.push_back(day);
  std::string run;
  if (!days.empty()) {
    const auto [first, last] = std::minmax_element(days.begin(), days.end());
    run = *first == *last ? *first : *first + " to " + *last;
  }
  std::string m = listed({{"Run", run}, {"tangentplane", values_of(records, version_of)}, {"Machine", values_of(records, machine_of)}});
  if (!study.changed.empty())
    m += fmt::format("<p>Left out, for a file is not as its run left it: {}. The same command runs it again.</p>\n",
                     escape(fmt::format("{}", fmt::join(study.changed, "; "))));
  return m;
}

std::string runs_section(const Study& study) {
  std::vector<std::vector<std::string>> rows;
  std::vector<Json> records;
  for (const Run& run : study.runs) {
    Json record = record_of(run);
    rows.push_back(row_of(run, record));
    if (!record.is_null()) records.push_back(std::move(record));
  }
  std::string m = head("runs", "The runs");
  m += fmt::format(
      "<p>{} runs are finished. Each folder holds config.toml, by which it can be repeated, and run.json, which says what it was made "
      "with.</p>\n",
      rows.size());
  if (!study.unfinished.empty())
    m += fmt::format("<p>Unfinished and not looked at: {}.</p>\n", escape(fmt::format("{}", fmt::join(study.unfinished, ", "))));
  m += listed({{"Compiler", values_of(records,
                                      [](const Json& j) {
                                        return at(j, {"versions", "compiler"});
                                      })},
               {"Matrix products", values_of(records,
                                             [](const Json& j) {
                                               return at(j, {"versions", "blas"});
                                             })},
               {"Split products", split_products_of(records)}});
  return m + "<details><summary>All runs</summary>\n" +
         table({"folder", "experiment", "model", "data", "seed", "seconds", "date", "version"}, rows) + "</details>\n</section>\n";
}

}  // namespace tangentplane::experiments
