#include "experiments/common/run/network_record.h"

#include "experiments/common/subject/own_network.h"
#include "experiments/common/text/say.h"

namespace tangentplane::experiments {

std::string trainable_line(const CommonOptions& o) {
  const OwnNetwork* own = o.own();
  if (!own || !own->file) return "";
  const auto& d = own->description;
  return fmt::format("trained: {} ({} of {} arrays of {}, {:.0f} parameters){}", fmt::join(d.trainable, ", "), d.trainable.size(),
                     d.trainable.size() + d.constants.size() + d.statistics.size(), own->file->filename().string(), d.size.parameters,
                     o.default_data ? "\nimages: dead-leaves, which are generated; --data gives others" : "");
}

void record_network(const CommonOptions& o, double parameters, Index logits, const std::string& outputs, RunRecord& record) {
  record.set("parameters", parameters);
  if (logits > 1) {
    record.set("logits", static_cast<double>(logits));
    record.set("outputs", outputs);
  }
  const OwnNetwork* own = o.own();
  if (!own || !own->file) return;
  record.set("trainable", own->description.trainable);
  record.set("not_trained", own->description.constants);
  tell("{}\n", trainable_line(o));
}

}  // namespace tangentplane::experiments
