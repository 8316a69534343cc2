// A binary's command line: options are added, then it is read. CLI11 does the work, out of sight: its header costs five seconds a file.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace tangentplane::experiments {

class CommandLine {
 public:
  CommandLine(const std::string& what_it_does, const std::string& name);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  std::string name() const;

  /// What --help says of an option besides its name.
  struct Description {
    std::string help, type_name;                ///< "Images a step", "N"
    std::string default_text = {}, group = {};  ///< "" for none, and for CLI11's own "Options"
  };
  /// An option with one value (a repetition is refused), which `take` checks and keeps; it may throw.
  void add(const std::string& name, const std::function<void(const std::string&)>& take, const Description& description);
  /// The same, whose value may be left out: `take` is then given "".
  void add_with_or_without(const std::string& name, const std::function<void(const std::string&)>& take, const Description& description);
  /// An argument without a name of its own, such as the folder of `report`; "" if it is not given.
  void add_positional(const std::string& name, std::string& value, const std::string& help);
  /// True where it is given. An `instruction` (--plan) is not part of a run's configuration.
  enum class Flag { setting, instruction };
  void add_flag(const std::string& name, bool& value, const std::string& help, const std::string& group = "", Flag kind = Flag::setting);
  void add_flag(const std::string& name, const std::function<void()>& where_given, const std::string& help, const std::string& group);
  void add_version();

  void describe(const std::string& name, const std::string& help);  ///< another help
  void hide(const std::string& name);  ///< from --help; still taken, by an experiment that refuses it with its reason
  void remove(const std::string& name);
  bool has(const std::string& name) const;
  bool given(const std::string& name) const;

  CLI::App& app() const { return *app_; }  ///< for options.cpp

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace tangentplane::experiments
