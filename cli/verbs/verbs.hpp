#pragma once

#include "cli/command.hpp"

#include <memory>
#include <vector>

/// One function per verb, each in the file of its name.
namespace deployminator::cli::verbs {

std::unique_ptr<command> abort();
std::unique_ptr<command> drain();
std::unique_ptr<command> events();
std::unique_ptr<command> forget();
std::unique_ptr<command> history();
std::unique_ptr<command> import_builds();
std::unique_ptr<command> instances();
std::unique_ptr<command> key();
std::unique_ptr<command> logs();
std::unique_ptr<command> machines();
std::unique_ptr<command> new_build();
std::unique_ptr<command> pause();
std::unique_ptr<command> plan();
std::unique_ptr<command> ports();
std::unique_ptr<command> promote();
std::unique_ptr<command> redistribute();
std::unique_ptr<command> restart();
std::unique_ptr<command> resume();
std::unique_ptr<command> rollback();
std::unique_ptr<command> servers();
std::unique_ptr<command> start();
std::unique_ptr<command> status();
std::unique_ptr<command> stop();
std::unique_ptr<command> top();
std::unique_ptr<command> undeploy();
std::unique_ptr<command> undrain();
std::unique_ptr<command> validate();
std::unique_ptr<command> version();
std::unique_ptr<command> versions();
std::unique_ptr<command> watch();

/// Every verb, in the order of the help.
std::vector<std::unique_ptr<command>> all();

} // namespace deployminator::cli::verbs
