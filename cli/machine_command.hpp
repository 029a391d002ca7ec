#pragma once

#include "cli/client.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "messages/random_id.hpp"

#include <fmt/format.h>

#include <string>

namespace deployminator::cli {

/// A verb that says what is to become of a machine, and is done when the server knows. `Order` is a
/// `messages::about_machine`.
template <class Order>
class machine_command : public command {
public:
  void declare(CLI::App& verb) override {
    verb.add_option("MACHINE", machine_, "Its name, as `deploy machines` shows it")->required();
  }
  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    server.ask<messages::accepted>(Order{{messages::new_random_id(), machine_}});
    go_on_without_output();
    if (c.json)
      print(indented({{"name", machine_}}));
    else
      print(fmt::format("{} {}\n", printable(machine_), outcome()));
    return exit_code::done;
  }

protected:
  /// What follows the machine's name when it is done.
  [[nodiscard]] virtual std::string outcome() const = 0;

private:
  std::string machine_;
};

} // namespace deployminator::cli
