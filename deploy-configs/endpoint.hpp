#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace deployminator::configs {

/// Whether the text is `tcp://HOST:PORT` or `ipc://PATH`. The port may be `*` or 0, any free one,
/// where `bound`.
bool is_endpoint(std::string_view text, bool bound);

/// Whether only this machine can reach the endpoint: 127.0.0.0/8, [::1], localhost or ipc.
bool is_loopback(std::string_view endpoint);

} // namespace deployminator::configs
