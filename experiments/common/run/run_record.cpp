#include "experiments/common/run/run_record.h"

#include <cmath>
#include <ctime>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "autodiff/cpu/blas.h"
#include "autodiff/cpu/limits.h"
#include "autodiff/cpu/parallel.h"
#include "autodiff/cpu/ranks.h"
#include "autodiff/cpu/split/products.h"
#include "autodiff/cpu/split/unit.h"
#include "data/hash.h"
#include "experiments/common/process/interrupt.h"
#include "experiments/common/process/memory.h"
#include "experiments/common/run/files_of_run.h"
#include "experiments/common/run/provenance.h"
#include "experiments/common/text/files.h"
#include "experiments/common/text/say.h"
#include "experiments/common/training/end_of_training.h"

namespace tangentplane::experiments {
namespace {

using Json = nlohmann::ordered_json;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      if (const std::size_t colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
  return "unknown";
}

#if defined(__clang__)
constexpr const char* compiler = "clang " __clang_version__;
#else
constexpr const char* compiler = "g++ " __VERSION__;
#endif

Json number(double value) {
  const bool integral = value == std::floor(value) && std::abs(value) < 0x1p53;
  return integral ? Json(static_cast<Index>(value)) : Json(value);
}

Json numbers(const Costs& costs) {
  return {{"seconds", costs.seconds},
          {"flops", number(costs.flops)},
          {"memory", number(std::ceil(costs.memory))},
          {"disk", number(costs.disk)}};
}

bool splits() { return cpu::products() == cpu::Products::split; }

/// Of a stage, or of all.
Json numbers(const cpu::split::Measured& products) {
  return {{"split_flops", number(products.split_flops)},
          {"float32_flops", number(products.float32_flops)},
          {"samples", products.samples},
          {"relative_difference", products.samples > 0 ? Json(products.relative()) : Json()}};
}

/// Of all stages: the flops and samples together, of the differences the largest.
Json products_of(const Json& stages) {
  Json all{{"kind", "split"}, {"unit", cpu::split::unit().name}, {"split_flops", 0}, {"float32_flops", 0},
           {"samples", 0},    {"relative_difference", nullptr}};
  for (const Json& stage : stages) {
    if (!stage.is_object() || !stage.contains("products")) continue;
    const Json& products = stage["products"];
    for (const char* key : {"split_flops", "float32_flops", "samples"}) all[key] = number(all[key].get<double>() + products.value(key, 0.));
    const double difference = products.contains("relative_difference") && products["relative_difference"].is_number()
                                  ? products["relative_difference"].get<double>()
                                  : -1;
    if (difference >= 0 && (all["relative_difference"].is_null() || all["relative_difference"].get<double>() < difference))
      all["relative_difference"] = difference;
  }
  return all;
}

void tell_products(const std::string& experiment, const Json& products) {
  const double split = products["split_flops"].get<double>(), all = split + products["float32_flops"].get<double>();
  if (split == 0) return tell("{}: no product was split: none was of a kind and size to gain by it\n", experiment);
  tell("{}: split products ({}) of {:.0f} % of the flops of products", experiment, products["unit"].get<std::string>(), 100 * split / all);
  if (products["relative_difference"].is_number())
    tell(", at most {:.1e} from float32's (relative, in the Frobenius norm; {} samples)", products["relative_difference"].get<double>(),
         products["samples"].get<Index>());
  tell("\n");
}

}  // namespace

struct RunRecord::Contents {
  Json json, stages = Json::array();
  bool finished = false;
  int exceptions = std::uncaught_exceptions();
  std::unique_ptr<OnLeaving> leaving;
};

RunRecord::RunRecord(ResultsFolder& folder) : folder_(folder), contents_(std::make_unique<Contents>()) {
  const std::filesystem::path path = folder_.path() / "run.json";
  Json earlier = Json::array();
  if (std::filesystem::exists(path)) {
    const Json before = Json::parse(read_text(path), nullptr, false);
    // One that is cut short or empty, as a power cut leaves it on some file systems, holds nothing to keep.
    require(before.is_discarded() || (before.is_object() && before.contains("stages") && before["stages"].is_array()),
            "{}: is not the record of a run; delete the folder or give another --out", path.string());
    if (!before.is_discarded()) {
      contents_->stages = before["stages"];
      if (before.contains("fingerprints")) contents_->json["fingerprints"] = before["fingerprints"];  // were compared
      if (before.contains("earlier_commits")) earlier = before["earlier_commits"];
      if (before.contains("commit") && before["commit"] != commit()) earlier.push_back(before["commit"]);
    }
  }
  const cpu::BlasReport blas = cpu::blas_report();
  if (!blas.warning.empty()) remark("{}: {}\n", folder_.experiment(), blas.warning);
  Json& j = contents_->json;
  j["experiment"] = folder_.experiment();
  j["finished"] = false;
  j["version"] = version();
  j["commit"] = commit();
  if (!earlier.empty()) j["earlier_commits"] = earlier;
  j["command"] = command();
  j["date"] = utc_now();
  j["versions"] = {{"tangentplane", version()}, {"compiler", compiler}, {"blas", blas.config}};
  const auto quota = cpu::cpu_quota();
  j["machine"] = {{"cpu", cpu_model()},
                  {"cores", std::thread::hardware_concurrency()},
                  {"usable_cpus", cpu::usable_cpus()},
                  {"cpu_quota", quota ? Json(*quota) : Json()},
                  {"threads", cpu::threads()}};
  if (cpu::Ranks::world().several()) j["machine"]["ranks"] = cpu::Ranks::world().count();
  j["products"] = {{"kind", "float32"}};
  if (splits() && cpu::split::unit().name != std::string("amx"))
    remark("{}: --products split: this machine has no AMX tiles; their products are emulated, which takes longer than float32\n",
           folder_.experiment());
  j["blas"] = {{"core", blas.core}, {"threading", blas.threading}, {"warning", blas.warning}};
  contents_->leaving = std::make_unique<OnLeaving>([this] { save(); });
}

RunRecord::~RunRecord() {
  if (contents_->finished) return;
  try {
    save();
  } catch (const std::exception& e) {
    if (std::uncaught_exceptions() == contents_->exceptions) remark("{}: {}\n", folder_.experiment(), e.what());  // else the cause is told
  }
}

void RunRecord::set(std::string_view key, double value) {
  const auto held = contents_->leaving->hold();
  contents_->json[std::string(key)] = number(value);
}
void RunRecord::set(std::string_view key, std::string_view value) {
  const auto held = contents_->leaving->hold();
  contents_->json[std::string(key)] = std::string(value);
}

void RunRecord::set(std::string_view key, const std::vector<std::string>& values) {
  const auto held = contents_->leaving->hold();
  contents_->json[std::string(key)] = values;
}

void RunRecord::follow(const Plan& plan) {
  const auto held = contents_->leaving->hold();
  Json& j = contents_->json["plan"] = {{"gemm_rate", plan.gemm_rate}};
  if (plan.split_rate > 0) j["split_rate"] = plan.split_rate;
  for (const auto& [key, value] : plan.choices) j[key] = value;
  j["stages"] = Json::array();
  for (const auto& [name, costs] : plan.rows()) {
    Json row{{"name", name}};
    row.update(numbers(costs));
    j["stages"].push_back(std::move(row));
  }
}

void RunRecord::made_from(const Fingerprints& fingerprints, const std::vector<std::filesystem::path>& files) {
  const auto held = contents_->leaving->hold();
  Json& j = contents_->json;
  j["inputs"] = Json::array();
  for (const auto& file : files) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(file, error);
    require(!error, "{}: cannot be read ({})", file.string(), error.message());
    j["inputs"].push_back({{"name", file.string()}, {"bytes", bytes}});
  }
  for (const Fingerprint& f : fingerprints.all()) j["fingerprints"][f.name] = f.text;
  save();
}

void RunRecord::add_training(std::string_view name, const History& history) {
  const auto held = contents_->leaving->hold();
  const EndOfTraining end = end_of_training(history);
  contents_->json["trainings"].push_back({{"name", name},
                                          {"epochs", history.size()},
                                          {"train_accuracy", end.train_accuracy},
                                          {"late_fall", end.late_fall ? Json(*end.late_fall) : Json()},
                                          {"finished_training", end.finished}});
}

void RunRecord::add_fingerprint(std::string_view name, std::uint64_t hash) {
  const auto held = contents_->leaving->hold();
  contents_->json["fingerprints"][std::string(name)] = data::hexadecimal(hash);
  save();
}

void RunRecord::save() {
  if (!cpu::Ranks::world().first()) return;
  const auto held = contents_->leaving->hold();
  Json& j = contents_->json;
  j["finished"] = contents_->finished;
  j["peak_memory"] = peak_memory();
  if (splits()) j["products"] = products_of(contents_->stages);
  j["stages"] = contents_->stages;
  replace_text(folder_.path() / "run.json", j.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void RunRecord::finish() {
  const auto held = contents_->leaving->hold();
  contents_->finished = true;
  Json &files = contents_->json["files"] = Json::object(), &contents = contents_->json["contents"] = Json::object();
  for (const auto& [name, file] : files_of_run(folder_.path())) files[name] = file.bytes, contents[name] = file.content;
  save();
  if (splits()) tell_products(folder_.experiment(), contents_->json["products"]);
  folder_.finish();
}

RunRecord::Stage::Stage(RunRecord& record, std::string name, const Costs& planned)
    : record_(record),
      name_(std::move(name)),
      planned_(planned),
      start_(std::chrono::steady_clock::now()),
      products_(cpu::split::measured()) {
  cpu::split::measure_anew();
}

RunRecord::Stage::~Stage() {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const auto held = record_.contents_->leaving->hold();
  const bool complete = std::uncaught_exceptions() == record_.contents_->exceptions;
  Json stage{{"name", name_}, {"seconds", seconds}, {"flops", number(flops_)}, {"memory", peak_memory()}, {"complete", complete}};
  if (planned_.seconds > 0 || planned_.disk > 0) stage["planned"] = numbers(planned_);
  if (splits()) stage["products"] = numbers(cpu::split::measured().since(products_));
  record_.contents_->stages.push_back(std::move(stage));
}

}  // namespace tangentplane::experiments
