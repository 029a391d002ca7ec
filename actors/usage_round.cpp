#include "actors/usage_round.hpp"

#include "actors/decisions/usage_gathering.hpp"

#include <memory>
#include <utility>

namespace deployminator::actors {

using namespace std::chrono_literals;
using namespace messages;

namespace {

/// People wait for it, and what uses much may keep its machine's agent from answering.
constexpr auto usage_timeout = 2s;

struct usage_question {
  usage_gathering found;
  std::size_t open = 0;
  caf::typed_response_promise<message_ptr> answer;
};

using usage_question_ptr = std::shared_ptr<usage_question>;

void settle(usage_round_actor::pointer self, const usage_question_ptr& r) {
  if (--r->open > 0)
    return;
  r->answer.deliver(message_ptr{std::make_shared<const message>(std::move(r->found).result())});
  self->quit();
}

void ask(usage_round_actor::pointer self, const usage_question_ptr& r, const std::string& name,
         const machine_actor& machine, const envelope_ptr& question) {
  self->request(machine, usage_timeout, atom::question_v, question)
    .then(
      [self, r, name](const message_ptr& answer) {
        if (const auto* part = std::get_if<measured>(answer.get()))
          r->found.add(*part);
        else
          r->found.miss(name);
        settle(self, r);
      },
      [self, r, name](const caf::error&) {
        r->found.miss(name);
        settle(self, r);
      });
}

} // namespace

usage_round_actor::behavior_type usage_round(usage_round_actor::pointer self, usage_field field) {
  return {
    [self, field = std::move(field)](atom::question,
                                     const envelope_ptr& question) -> caf::result<message_ptr> {
      auto r = std::make_shared<usage_question>(
        usage_question{usage_gathering{field.visible}, field.connected.size() + 1,
                       self->make_response_promise<message_ptr>()});
      for (const auto& name : field.unreachable)
        r->found.miss(name);
      for (const auto& [name, machine] : field.connected)
        ask(self, r, name, machine, question);
      auto answer = r->answer;
      settle(self, r);
      return answer;
    },
  };
}

} // namespace deployminator::actors
