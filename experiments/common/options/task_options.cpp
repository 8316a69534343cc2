#include "experiments/common/options/task_options.h"

namespace tangentplane::experiments {

void add_outputs_option(CommandLine& line, std::optional<Outputs>& outputs, const std::string& help) {
  const auto take = [&outputs](const std::string& text) {
    const bool word = text == "sum" || text == "trace" || text == "full";
    require(word || is_whole_number(text), "--outputs {}: give the number of a logit (0 is the first), sum, trace or full",
            text.empty() ? "\"\"" : text);
    outputs = word ? Outputs::parse(text) : Outputs::one(parse_number<Index>("--outputs", text, 0, most_images));
  };
  line.add("--outputs", take, {help, "J|sum|trace|full", "", ""});
}

Outputs chosen_outputs(const CommonOptions& o, const std::optional<Outputs>& asked, Index logits) {
  require(!asked || asked->kind != Outputs::Kind::one || asked->which < logits, "--outputs {}: {} has {}; give {}sum, trace or full",
          asked ? asked->which : 0, o.model_name(), logits == 1 ? "one logit, number 0" : fmt::format("{} logits", logits),
          logits == 1 ? "0, " : fmt::format("0 to {}, ", logits - 1));
  return Outputs::choose("--outputs", asked, logits);
}

void add_task_options(CommandLine& line, TaskOptions& task, bool positive) {
  add_outputs_option(line, task.outputs, "Of several logits: the one that is trained, or sum (default: all, on classes)");
  if (positive)
    line.add("--positive", [&task](const std::string& text) { task.positive = parse_list<Index>("--positive", text, 0, 1'000'000); },
             {"Classes of --labels that are labelled 1; the others are 0", "N,N,...", "", ""});
}

void check_task(const CommonOptions& o, TaskOptions& task, Index logits) {
  if (!task.outputs) return;
  const Outputs chosen = chosen_outputs(o, task.outputs, logits);
  if (logits == 1) {
    task.outputs.reset();
    return;
  }
  require(chosen.kind == Outputs::Kind::one || chosen.kind == Outputs::Kind::sum,
          "--outputs {}: a training is of one logit or of their sum; give its number or sum, or leave it out for all {} logits on classes",
          chosen.str(), logits);
}

}  // namespace tangentplane::experiments
