#include "deploy-configs/public_ports_reader.hpp"

#include "deploy-configs/fields.hpp"
#include "deploy-configs/values.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace deployminator::configs {

namespace {

/// As many as `${PORTn}` has.
constexpr std::int64_t highest_port_index = 100;
constexpr std::int64_t highest_port = 65535;

class public_ports_reader {
public:
  explicit public_ports_reader(std::vector<mistake>& mistakes) : mistakes_(mistakes) {}

  std::vector<messages::public_port_entry> read(const yaml_node& applications) {
    std::vector<messages::public_port_entry> out;
    if (applications.kind != yaml_node::shape::list)
      fail(applications, fmt::format("`applications` is {}; expected a list of entries with "
                                     "`label`, `matcher` and `actionports`",
                                     shape_of(applications)));
    for (const auto& each : applications.items)
      out.push_back(read_entry(*each));
    return out;
  }

private:
  struct claim {
    std::string entry;
    std::size_t line;
  };

  void fail(const yaml_node& at, std::string message) {
    mistakes_.push_back({at.line, at.column, std::move(message)});
  }

  messages::public_port_entry read_entry(const yaml_node& node) {
    messages::public_port_entry entry;
    fields in{node, "an entry of `applications`", mistakes_};
    if (node.kind != yaml_node::shape::map)
      return entry;
    in.read("label", entry.label);
    if (in.find("matcher") == nullptr)
      fail(node, "this entry has no `matcher`; expected a map of at least one of `repository`, "
                 "`binary`, `groupname` and `namespace`");
    in.nested("matcher",
              [&](fields& matcher) { read_matcher(*in.find("matcher"), matcher, entry); });
    read_ports(node, in, entry);
    in.finish();
    return entry;
  }

  void read_matcher(const yaml_node& node, fields& in, messages::public_port_entry& entry) {
    in.read("repository", entry.repository);
    std::string number;
    in.read("repositoryid", number);
    if (!number.empty() && !entry.repository.empty())
      fail(*in.find("repositoryid"), "`repositoryid` stands beside `repository`; expected one of "
                                     "them: both name the repository");
    if (entry.repository.empty())
      entry.repository = number;
    in.read("binary", entry.binary);
    in.read("groupname", entry.group);
    in.read("namespace", entry.namespace_);
    if (entry.repository.empty() && entry.binary.empty() && entry.group.empty()
        && entry.namespace_.empty())
      fail(node, "this matcher would match every instance; expected at least one of "
                 "`repository`, `binary`, `groupname` and `namespace`");
  }

  void read_ports(const yaml_node& entry_node, fields& in, messages::public_port_entry& entry) {
    constexpr auto expected = "a list of maps of `portindex` and `publicport`";
    const auto* list = in.find_list("actionports", expected);
    if (list == nullptr && in.find("actionports") == nullptr)
      fail(entry_node, fmt::format("this entry has no `actionports`; expected {}", expected));
    if (list == nullptr)
      return;
    if (list->items.empty())
      fail(*list, fmt::format("`actionports` is empty; expected {}", expected));
    for (const auto& each : list->items)
      read_port(entry_node, *each, entry);
  }

  void read_port(const yaml_node& entry_node, const yaml_node& node,
                 messages::public_port_entry& entry) {
    messages::public_port_mapping port{0, 0};
    fields in{node, "an action port", mistakes_};
    if (node.kind != yaml_node::shape::map)
      return;
    in.read_integer("portindex", 1, highest_port_index,
                    [&](auto n) { port.port_index = static_cast<std::uint32_t>(n); });
    in.read_integer("publicport", 1, highest_port,
                    [&](auto n) { port.public_port = static_cast<std::uint16_t>(n); });
    for (const auto* key : {"portindex", "publicport"})
      if (in.find(key) == nullptr)
        fail(node, fmt::format("this action port has no `{0}`; expected `{0}: NUMBER`", key));
    in.finish();
    if (port.public_port == 0)
      return;
    claim_port(
      *in.find("publicport"), port.public_port,
      {entry.label.empty() ? fmt::format("in line {}", entry_node.line) : in_ticks(entry.label),
       node.line});
    entry.ports.push_back(port);
  }

  void claim_port(const yaml_node& at, std::uint16_t port, claim mine) {
    auto entry = mine.entry;
    auto [first, is_new] = claimed_.try_emplace(port, std::move(mine));
    if (!is_new)
      fail(at, fmt::format("the entry {} claims the public port {}, which the entry {} claims in "
                           "line {}; expected each public port once",
                           entry, port, first->second.entry, first->second.line));
  }

  std::vector<mistake>& mistakes_;
  std::map<std::uint16_t, claim> claimed_;
};

} // namespace

std::vector<messages::public_port_entry> read_public_ports(const yaml_node& applications,
                                                           std::vector<mistake>& mistakes) {
  return public_ports_reader{mistakes}.read(applications);
}

} // namespace deployminator::configs
