#include "deploy-configs/key_file.hpp"

#include "deploy-configs/fields.hpp"
#include "deploy-configs/values.hpp"
#include "deploy-configs/yaml_document.hpp"
#include "messages/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

namespace deployminator::configs {

namespace {

using messages::failure;
using messages::failure_code;
using messages::result;

constexpr std::string_view key_expected = "a CURVE key of 40 characters";
constexpr std::string_view time_expected = "a time such as 2026-01-31T09:30:00.000000Z";
constexpr mode_t for_others = S_IRWXG | S_IRWXO;

/// The alphabet of RFC 32.
constexpr std::string_view z85
  = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

class open_file {
public:
  explicit open_file(int descriptor) : descriptor_(descriptor) {}
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  ~open_file() {
    if (descriptor_ >= 0)
      ::close(descriptor_);
  }
  [[nodiscard]] int get() const {
    return descriptor_;
  }

private:
  int descriptor_;
};

failure cannot(std::string_view what, const std::string& path, int error) {
  return {failure_code::invalid,
          fmt::format("the key file {} cannot be {}: {}", path, what, std::strerror(error)), ""};
}

result<std::string> read_secret_text(const std::string& path) {
  open_file file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat is {};
  if (file.get() < 0 || ::fstat(file.get(), &is) != 0)
    return cannot("read", path, errno);
  if (is.st_mode & for_others)
    return failure{failure_code::refused,
                   fmt::format("the key file {} may be used by others than its owner (mode {:o}); "
                               "expected 600",
                               path, is.st_mode & 0777U),
                   fmt::format("chmod 600 {}, and think of who may have read it", path)};
  std::string out;
  std::array<char, 4096> some{};
  while (out.size() <= max_yaml_bytes) {
    auto size = ::read(file.get(), some.data(), some.size());
    if (size < 0 && errno != EINTR)
      return cannot("read", path, errno);
    if (size == 0)
      break;
    if (size > 0)
      out.append(some.data(), static_cast<std::size_t>(size));
  }
  return out;
}

/// Whether all of it is on disk.
bool keep(const open_file& file, const std::string& text) {
  return file.get() >= 0
         && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())
         && ::fsync(file.get()) == 0;
}

result<void> write_secret_text(const std::string& path, const std::string& text) {
  open_file file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (file.get() < 0 && errno == EEXIST)
    return failure{failure_code::refused, fmt::format("there is a file {} already", path),
                   "name another file, or move that one away"};
  if (keep(file, text))
    return {};
  auto why = cannot("written", path, errno);
  if (file.get() >= 0)
    ::unlink(path.c_str());
  return why;
}

/// Where root does it for another user the file stays his.
bool give_to_owner_of(const std::string& former, const open_file& file) {
  struct stat is {};
  struct stat was {};
  if (::stat(former.c_str(), &was) != 0 || ::fstat(file.get(), &is) != 0)
    return false;
  bool is_same = was.st_uid == is.st_uid && was.st_gid == is.st_gid;
  return is_same || ::fchown(file.get(), was.st_uid, was.st_gid) == 0;
}

/// A link stays one: what it leads to is replaced.
result<void> replace_secret_text(const std::string& link, const std::string& text) {
  std::error_code error;
  auto path = std::filesystem::canonical(link, error);
  if (error)
    return cannot("replaced", link, error.value());
  std::string beside = path.string() + ".XXXXXX";
  open_file file{::mkostemp(beside.data(), O_CLOEXEC)};
  if (file.get() < 0)
    return cannot("replaced", link, errno);
  bool done = give_to_owner_of(path, file) && keep(file, text)
              && ::rename(beside.c_str(), path.c_str()) == 0;
  if (!done) {
    auto why = cannot("replaced", link, errno);
    ::unlink(beside.c_str());
    return why;
  }
  open_file directory{::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() < 0 || ::fsync(directory.get()) != 0)
    return cannot("replaced for good", link, errno);
  return {};
}

std::optional<std::string> key_text(const std::string& text) {
  return is_key_text(text) ? std::optional{text} : std::nullopt;
}

std::optional<messages::timestamp> time_text(const std::string& text) {
  return messages::timestamp_from_text(text);
}

/// Reads the fields of a key file with `use`; the first mistake is the failure.
template <class Use>
result<void> read_fields(const std::string& path, Use use) {
  auto text = read_secret_text(path);
  if (!text)
    return text.error();
  std::vector<mistake> mistakes;
  auto document = read_yaml(*text);
  if (auto* wrong = std::get_if<mistake>(&document)) {
    mistakes.push_back(*wrong);
  } else {
    fields in{*std::get<yaml_node::pointer>(document), "the key file", mistakes};
    if (mistakes.empty()) {
      use(in);
      in.finish();
    }
  }
  sort_by_position(mistakes);
  if (mistakes.empty())
    return {};
  return failure{failure_code::invalid, to_text(path, mistakes.front()), ""};
}

/// What has to be there and is not, or is no key; the file's mistakes were told before.
result<void> require(const std::string& path, std::string_view name, bool is_there) {
  if (is_there)
    return {};
  return failure{failure_code::invalid, fmt::format("{}: `{}` is missing", path, name),
                 "make a new key file: `deploy key new`"};
}

void read_servers(fields& in, std::vector<std::string>& to) {
  const auto* list = in.find_list("servers", "a list of addresses");
  if (!list)
    return;
  for (const auto& each : list->items) {
    auto parsed = messages::parse_endpoint(each->text, messages::endpoint_use::connect);
    if (parsed)
      to.push_back(each->text);
    else
      in.fail_expected("servers", *each, parsed.error().message);
  }
}

std::string yaml_list(const std::vector<std::string>& list) {
  return fmt::format("[\"{}\"]", fmt::join(list, "\", \""));
}

std::string text_of(const key_file& content) {
  auto out = fmt::format("# A key of deployminator: whoever has this file is {0}. Keep it secret.\n"
                         "name: \"{0}\"\nrole: {1}\nservers: {2}\nserver_key: \"{3}\"\n"
                         "public_key: \"{4}\"\nsecret_key: \"{5}\"\n",
                         content.name, content.role, yaml_list(content.servers), content.server_key,
                         content.public_key, content.secret_key);
  if (const auto& next = content.next_server_key)
    out += fmt::format("next_server_key: \"{}\"\nnext_server_key_from: \"{}\"\n", next->key,
                       to_text(next->from));
  if (!content.store.empty())
    out += fmt::format("store: \"{}\"\n", content.store);
  return out;
}

std::string text_of(const server_key_file& content) {
  auto out = fmt::format(
    "# The key of a server of deployminator: keep it secret, and back it up.\n"
    "servers: {}\npublic_key: \"{}\"\nsecret_key: \"{}\"\noperator_key: \"{}\"\n",
    yaml_list(content.servers), content.public_key, content.secret_key, content.operator_key);
  if (const auto& next = content.next)
    out += fmt::format("next_public_key: \"{}\"\nnext_secret_key: \"{}\"\nnext_from: \"{}\"\n",
                       next->public_key, next->secret_key, to_text(next->from));
  return out;
}

} // namespace

result<key_file> read_key_file(const std::string& path) {
  key_file out;
  out.path = path;
  messages::next_server_key next;
  auto read = read_fields(path, [&](fields& in) {
    in.read("name", out.name);
    in.read("role", out.role, messages::from_text<messages::key_role>,
            "operator, builder, viewer or agent");
    read_servers(in, out.servers);
    in.read("server_key", out.server_key, key_text, key_expected);
    in.read("public_key", out.public_key, key_text, key_expected);
    in.read("secret_key", out.secret_key, key_text, key_expected);
    in.read("next_server_key", next.key, key_text, key_expected);
    in.read("next_server_key_from", next.from, time_text, time_expected);
    in.read("store", out.store);
  });
  for (auto [name, is_there] :
       {std::pair{"name", !out.name.empty()}, std::pair{"servers", !out.servers.empty()},
        std::pair{"server_key", !out.server_key.empty()},
        std::pair{"public_key", !out.public_key.empty()},
        std::pair{"secret_key", !out.secret_key.empty()},
        std::pair{"next_server_key", !next.key.empty() || !next.from},
        std::pair{"next_server_key_from", next.key.empty() || next.from}})
    if (read)
      read = require(path, name, is_there);
  if (!read)
    return read.error();
  if (next.from)
    out.next_server_key = std::move(next);
  return out;
}

result<server_key_file> read_server_key_file(const std::string& path) {
  server_key_file out;
  next_key_pair next;
  auto read = read_fields(path, [&](fields& in) {
    read_servers(in, out.servers);
    in.read("public_key", out.public_key, key_text, key_expected);
    in.read("secret_key", out.secret_key, key_text, key_expected);
    in.read("operator_key", out.operator_key, key_text, key_expected);
    in.read("next_public_key", next.public_key, key_text, key_expected);
    in.read("next_secret_key", next.secret_key, key_text, key_expected);
    in.read("next_from", next.from, time_text, time_expected);
  });
  bool has_next = next != next_key_pair{};
  for (auto [name, is_there] : {std::pair{"public_key", !out.public_key.empty()},
                                std::pair{"secret_key", !out.secret_key.empty()},
                                std::pair{"next_public_key", !has_next || !next.public_key.empty()},
                                std::pair{"next_secret_key", !has_next || !next.secret_key.empty()},
                                std::pair{"next_from", !has_next || next.from}})
    if (read)
      read = require(path, name, is_there);
  if (!read)
    return read.error();
  if (has_next)
    out.next = std::move(next);
  return out;
}

result<void> write_key_file(const std::string& path, const key_file& content) {
  return write_secret_text(path, text_of(content));
}

result<void> write_server_key_file(const std::string& path, const server_key_file& content) {
  return write_secret_text(path, text_of(content));
}

result<void> replace_key_file(const std::string& path, const key_file& content) {
  return replace_secret_text(path, text_of(content));
}

result<void> replace_server_key_file(const std::string& path, const server_key_file& content) {
  return replace_secret_text(path, text_of(content));
}

bool is_key_text(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of(z85) == std::string_view::npos;
}

bus::keys keys_of(const std::optional<key_file>& own) {
  if (!own)
    return {};
  return bus::client_keys{{own->public_key, own->secret_key},
                          own->server_key,
                          own->next_server_key ? own->next_server_key->key : ""};
}

std::string server_key_path(const std::string& directory) {
  return directory + "/server.key";
}

std::string operator_key_path(const std::string& directory) {
  return directory + "/operator.key";
}

} // namespace deployminator::configs
