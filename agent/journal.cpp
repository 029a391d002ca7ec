#include "agent/journal.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"

#include <chrono>

namespace deployminator::agent {

namespace {

using journal_pointer = journal_actor::stateful_pointer<journal_state>;
using std::chrono::milliseconds;

/// Changes of an instance within this time are written once.
constexpr milliseconds gathering{50};
constexpr milliseconds retry_after{1'000};

void flush_later(journal_pointer self, milliseconds after) {
  if (!self->state.flush_is_due)
    self->delayed_send(self, after, atom::flush_v);
  self->state.flush_is_due = true;
}

caf::result<journal_content_ptr> recall(journal_files& files) {
  auto agent = files.load_agent();
  if (!agent)
    return common::to_error(agent.error());
  auto instances = files.load_instances();
  if (!instances)
    return common::to_error(instances.error());
  // So that what was damaged or lost of it is whole again; where that cannot be written now, the
  // next record is.
  if (!agent->identity.empty())
    (void)files.save_agent(*agent);
  return std::make_shared<const journal_content>(
    journal_content{std::move(*agent), std::move(*instances)});
}

/// Writes until the first failure; what is left stays for the next attempt.
messages::result<void> write_all(journal_state& state) {
  while (!state.unwritten.empty()) {
    const auto& [id, record] = *state.unwritten.begin();
    auto written = record ? state.files->save_instance(*record) : state.files->remove_instance(id);
    if (!written)
      return written;
    state.unwritten.erase(state.unwritten.begin());
  }
  return {};
}

void flush(journal_pointer self) {
  auto& state = self->state;
  state.flush_is_due = false;
  auto written = write_all(state);
  if (!written && state.failing.empty())
    common::log::error("journal cannot write, tries again", {{"reason", written.error().message}});
  else if (written && !state.failing.empty())
    common::log::info("journal writes again");
  state.failing = written ? "" : written.error().message;
  if (!written)
    flush_later(self, retry_after);
}

troubles_ptr find_troubles(const journal_state& state) {
  auto found = state.storage->look();
  if (!state.failing.empty())
    found.push_back({"the agent cannot note what becomes of its instances: " + state.failing,
                     {},
                     how_to_mend_writing});
  return std::make_shared<const troubles>(std::move(found));
}

} // namespace

journal_actor::behavior_type journal(journal_actor::stateful_pointer<journal_state> self,
                                     outside* world) {
  self->state.files = world->journal;
  self->state.key = world->key;
  self->state.storage = world->storage;
  self->set_exit_handler([self](const caf::exit_msg& message) {
    flush(self);
    self->quit(message.reason);
  });
  return {
    [self](atom::recall) { return recall(*self->state.files); },
    [self](atom::save, const agent_record_ptr& record) -> caf::result<bool> {
      auto written = self->state.files->save_agent(*record);
      if (!written)
        return common::to_error(written.error());
      return true;
    },
    [self](atom::note, instance_record& record) {
      auto id = record.id;
      self->state.unwritten[id] = std::move(record);
      flush_later(self, gathering);
    },
    [self](atom::erase, const std::string& id) {
      self->state.unwritten[id].reset();
      flush_later(self, gathering);
    },
    [self](atom::learn, const messages::server_key_news& news) {
      return self->state.key ? self->state.key->learn(news) : std::string{};
    },
    [self](atom::check) { return find_troubles(self->state); },
    [self](atom::flush) { flush(self); },
  };
}

} // namespace deployminator::agent
