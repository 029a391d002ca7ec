#include "actors/log_search.hpp"

#include "actors/decisions/log_gathering.hpp"

#include <memory>

namespace deployminator::actors {

using namespace std::chrono_literals;
using namespace messages;

namespace {

/// A machine that takes longer does not keep the others' answers back.
constexpr auto machine_timeout = 3s;

struct search {
  log_gathering found;
  std::size_t open = 0;
  caf::typed_response_promise<message_ptr> answer;
};

using search_ptr = std::shared_ptr<search>;

void settle(log_search_actor::pointer self, const search_ptr& s) {
  if (--s->open > 0)
    return;
  s->answer.deliver(message_ptr{std::make_shared<const message>(std::move(s->found).result())});
  self->quit();
}

void ask(log_search_actor::pointer self, const search_ptr& s, const std::string& name,
         const machine_actor& machine, const envelope_ptr& question) {
  self->request(machine, machine_timeout, atom::question_v, question)
    .then(
      [self, s, name](const message_ptr& answer) {
        if (const auto* part = std::get_if<found_logs>(answer.get()))
          s->found.add(name, *part);
        else
          s->found.miss(name);
        settle(self, s);
      },
      [self, s, name](const caf::error&) {
        s->found.miss(name);
        settle(self, s);
      });
}

} // namespace

log_search_actor::behavior_type log_search(log_search_actor::pointer self, search_field field) {
  return {
    [self, field = std::move(field)](atom::question, const caller& who,
                                     const envelope_ptr& question) -> caf::result<message_ptr> {
      auto s = std::make_shared<search>(search{log_gathering{who}, field.connected.size() + 1,
                                               self->make_response_promise<message_ptr>()});
      for (const auto& name : field.unreachable)
        s->found.miss(name);
      for (const auto& [name, machine] : field.connected)
        ask(self, s, name, machine, question);
      auto answer = s->answer;
      settle(self, s);
      return answer;
    },
  };
}

} // namespace deployminator::actors
