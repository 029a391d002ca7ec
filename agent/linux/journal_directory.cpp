#include "agent/linux/journal_directory.hpp"

#include "agent/linux/files.hpp"
#include "agent/linux/sealed_text.hpp"
#include "messages/codec.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <utility>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::failure_code;
using messages::result;

namespace {

/// What a file holds; none where it is gone or damaged.
template <class T>
struct holding {
  std::optional<T> value;
  bool is_there = true;
};

/// `unsealed`: earlier releases wrote it without a seal.
template <class T>
result<holding<T>> load_one(const std::string& path, bool unsealed) {
  auto text = read_file(path);
  if (!text && text.error().code == failure_code::not_found)
    return holding<T>{std::nullopt, false};
  if (!text)
    return text.error();
  auto content = first_sealed(*text);
  // A map of msgpack begins with no digit, a seal does.
  if (content.empty() && unsealed && !text->empty() && (text->front() & 0x80) != 0)
    content = *text;
  return holding<T>{messages::try_from_bytes<T>(content), true};
}

} // namespace

journal_directory::journal_directory(std::string directory,
                                     std::function<void(const std::string&)> warn)
  : directory_(std::move(directory)), warn_(std::move(warn)), records_(directory_ + "/records") {}

result<agent_record> journal_directory::load_agent() {
  auto path = directory_ + "/agent";
  auto agent = load_one<agent_record>(path, true);
  if (!agent)
    return agent.error();
  auto identity = load_one<agent_identity>(directory_ + "/identity", false);
  if (!identity)
    return identity.error();
  identity_ = identity->value;
  if (agent->value)
    return std::move(*agent->value);
  if (agent->is_there || identity->is_there)
    warn(fmt::format("{} is {}{}", path, agent->is_there ? "damaged" : "gone",
                     identity_ ? "" : ", and so is the copy of the agent's identity"));
  agent_record out;
  if (identity_) {
    out.identity = identity_->identity;
    out.epoch = identity_->epoch;
    out.store = identity_->store;
  }
  return out;
}

result<std::vector<instance_record>> journal_directory::load_instances() {
  auto all = records_.read();
  if (!all)
    return all.error();
  std::vector<instance_record> out;
  for (auto& [id, record] : *all)
    out.push_back(std::move(record));
  return out;
}

result<void> journal_directory::save_agent(const agent_record& record) {
  make_directory();
  auto saved = save_identity({record.identity, record.epoch, record.store});
  return saved ? replace_file(directory_ + "/agent", sealed(messages::to_bytes(record)), true)
               : saved;
}

result<void> journal_directory::save_identity(const agent_identity& wanted) {
  auto path = directory_ + "/identity";
  if (identity_ == wanted && access(path.c_str(), F_OK) == 0)
    return {};
  auto saved = replace_file(path, sealed(messages::to_bytes(wanted)), true);
  identity_.reset();
  if (saved)
    identity_ = wanted;
  return saved;
}

result<void> journal_directory::save_instance(const instance_record& record) {
  make_directory();
  return records_.save(record);
}

result<void> journal_directory::remove_instance(const std::string& id) {
  make_directory();
  return records_.remove(id);
}

/// Where somebody removed it.
void journal_directory::make_directory() const {
  mkdir(directory_.c_str(), 0700);
}

void journal_directory::warn(const std::string& sentence) const {
  if (warn_)
    warn_(sentence);
}

} // namespace deployminator::agent
