#include "experiments/common/options/command_line.h"

#include <CLI/CLI.hpp>

#include "experiments/common/options/options.h"

namespace tangentplane::experiments {

CommandLine::CommandLine(const std::string& what_it_does, const std::string& name) : app_(std::make_unique<CLI::App>(what_it_does, name)) {}
CommandLine::~CommandLine() = default;

std::string CommandLine::name() const { return app_->get_name(); }

namespace {

void set_group(CLI::Option& option, const std::string& group) {
  if (!group.empty()) option.group(group);
}

}  // namespace

void CommandLine::add(const std::string& name, const std::function<void(const std::string&)>& take, const Description& d) {
  CLI::Option* option = app_->add_option_function<std::string>(name, take, d.help)->type_name(d.type_name);
  if (!d.default_text.empty()) option->default_str(d.default_text);
  set_group(*option, d.group);
}

void CommandLine::add_with_or_without(const std::string& name, const std::function<void(const std::string&)>& take, const Description& d) {
  CLI::Option* option = app_->add_option_function<std::string>(name, take, d.help)->type_name(d.type_name)->expected(0, 1);
  option->default_str("");
  set_group(*option, d.group);
}

void CommandLine::add_positional(const std::string& name, std::string& value, const std::string& help) {
  app_->add_option(name, value, help);
}

void CommandLine::add_flag(const std::string& name, bool& value, const std::string& help, const std::string& group, Flag kind) {
  CLI::Option* option = app_->add_flag(name, value, help);
  if (kind == Flag::instruction) option->configurable(false);
  set_group(*option, group);
}

void CommandLine::add_flag(const std::string& name, const std::function<void()>& where_given, const std::string& help,
                           const std::string& group) {
  set_group(*app_->add_flag_callback(name, where_given, help), group);
}

void CommandLine::add_version() { app_->set_version_flag("--version", version_line()); }

void CommandLine::describe(const std::string& name, const std::string& help) { app_->get_option(name)->description(help); }
void CommandLine::hide(const std::string& name) { app_->get_option(name)->group(""); }
void CommandLine::remove(const std::string& name) { app_->remove_option(app_->get_option(name)); }
bool CommandLine::has(const std::string& name) const { return app_->get_option_no_throw(name) != nullptr; }
bool CommandLine::given(const std::string& name) const { return app_->get_option(name)->count() > 0; }

}  // namespace tangentplane::experiments
