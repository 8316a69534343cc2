#include "experiments/common/options/config_file.h"

#include <algorithm>
#include <filesystem>

#include "autodiff/check.h"
#include "experiments/common/run/config.h"
#include "experiments/common/text/files.h"

namespace tangentplane::experiments {
namespace {

// --config through our own reader, which takes any character in a string and names the line of an error.
class TomlFormat : public CLI::Config {
 public:
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return ""; }
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    const std::string text{std::istreambuf_iterator<char>(input), {}};
    const auto config = experiments::Config::parse(text, "--config");
    std::vector<CLI::ConfigItem> all;
    for (const auto& [key, value] : config.entries()) all.push_back({{}, key, {value}});
    return all;
  }
};

}  // namespace

void read_config_file(CLI::App& app) {
  app.config_formatter(std::make_shared<TomlFormat>());
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_config("--config", "", "Read options from this file (key = value); those of the command line count more")->type_name("FILE.toml");
  // Neither a pipe, which is waited for, nor a device that never ends.
  app.get_config_ptr()->check(
      [](const std::string& path) {
        std::error_code error;
        require(std::filesystem::is_regular_file(path, error), "--config {}: {}; give one that exists", path, not_there(path, "file"));
        return std::string();
      },
      "");
}

std::string one_line(const CLI::ParseError& e) {
  std::string s = e.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&e)) {
    // It lists all that is left over, the last word first; an option tells more than the value behind it.
    s = " " + s.substr(s.find(": ") + 2);
    const std::size_t option = s.find(" -"), word = option != std::string::npos ? option : s.rfind(' ');
    return "unknown argument " + s.substr(word + 1, s.find(' ', word + 1) - word - 1) + "; --help lists the options";
  }
  if (dynamic_cast<const CLI::ConfigError*>(&e) && s.find("not allowed") != std::string::npos)
    return fmt::format("--config: {} is for the command line alone; remove it there", s.substr(0, s.find_first_of(": ")));
  if (dynamic_cast<const CLI::ConfigError*>(&e))
    return "--config: unknown key " + s.substr(s.rfind(' ') + 1) + "; --help lists the options";
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&e)) {
    const std::string name = s.substr(0, s.find_first_of(": "));
    return s.find("missing") != std::string::npos ? name + " needs a value" : name + " is given more than once; give it once";
  }
  if (dynamic_cast<const CLI::FileError*>(&e)) {
    const std::string path = s.substr(0, s.find(" was"));
    return "--config " + path + ": " + not_there(path, "file");
  }
  std::replace(s.begin(), s.end(), '\n', ' ');
  return s;
}

}  // namespace tangentplane::experiments
