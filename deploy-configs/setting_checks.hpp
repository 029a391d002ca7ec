#pragma once

#include "messages/duration.hpp"

#include <optional>
#include <string>

namespace deployminator::configs {

/// What would have been right in place of a setting's value; nothing: it is right.
using expectation = std::optional<std::string>;

/// An address to listen on, and one to connect to.
expectation check_bound(const std::string& text);
expectation check_server(const std::string& text);

/// `sqlite:PATH` or `mysql://USER@HOST:PORT/DB`.
expectation check_store(const std::string& text);

/// Of `--in`: a duration, or days such as `7d`.
std::optional<messages::duration> parse_rotation_time(const std::string& text);
expectation check_rotation_time(const std::string& text);

/// The names of a machine and of a machine group.
expectation check_machine_name(const std::string& text);
expectation check_group_name(const std::string& text);

/// Whole numbers: of MiB of logs, of days, and of what is kept.
expectation check_log_size(const std::string& text);
expectation check_days(const std::string& text);
expectation check_static_root(const std::string& text);
expectation check_kept(const std::string& text);

/// `150%` or `none`.
expectation check_overcommit(const std::string& text);

/// `5m` or `never`.
expectation check_replace_after(const std::string& text);

/// A part of a whole, such as `1/3`.
expectation check_share(const std::string& text);

} // namespace deployminator::configs
