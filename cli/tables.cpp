#include "cli/tables.hpp"

#include <iterator>
#include <utility>

namespace deployminator::cli {

namespace {

template <class T>
void append(std::vector<T>& to, std::vector<T>& from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

std::uint64_t rows_of(const messages::table& t) {
  return t.groups.size() + t.instances.size() + t.versions.size() + t.machines.size()
         + t.ports.size() + t.keys.size() + t.history.size() + t.moves.size() + t.servers.size();
}

} // namespace

messages::table ask_table(client& server, messages::query_subject subject, const group_name& of) {
  messages::query question{subject, of.namespace_, of.group, 0};
  auto out = server.ask<messages::table>(question);
  bool more = out.more;
  while (more) {
    question.offset = rows_of(out);
    auto page = server.ask<messages::table>(question);
    more = page.more && rows_of(page) > 0;
    append(out.groups, page.groups);
    append(out.instances, page.instances);
    append(out.versions, page.versions);
    append(out.machines, page.machines);
    append(out.ports, page.ports);
    append(out.keys, page.keys);
    append(out.history, page.history);
    append(out.moves, page.moves);
    append(out.servers, page.servers);
  }
  out.more = false;
  return out;
}

} // namespace deployminator::cli
