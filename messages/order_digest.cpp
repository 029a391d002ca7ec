#include "messages/order_digest.hpp"

#include "messages/digest.hpp"

namespace deployminator::messages {

namespace {

void add(text_digest& to, const submit_build& o) {
  to.add(o.file_name).add(o.file).add(o.build).add(o.repository).add(o.artifact_id);
  to.add(o.branch).add(o.commit).add(o.sha256);
  // What an older client sends again has the digest that it had.
  if (o.force)
    to.add("force");
  if (!o.plan_digest.empty())
    to.add("plan").add(o.plan_digest);
}

void add(text_digest& to, const roll_to_version& o) {
  to.add(o.namespace_).add(o.group).add(o.version);
}

void add(text_digest& to, const undeploy& o) {
  to.add(o.namespace_).add(o.group);
}

void add(text_digest& to, const part_of_group& o) {
  to.add(o.namespace_).add(o.group).add(o.application);
}

void add(text_digest& to, const about_rollout& o) {
  to.add(o.namespace_).add(o.group);
}

void add(text_digest& to, const std::vector<std::string>& list) {
  to.add(list.size());
  for (const auto& each : list)
    to.add(each);
}

void add(text_digest& to, const add_key& o) {
  to.add(o.grant.name).add(to_text(o.grant.role)).add(o.grant.public_key);
  add(to, o.grant.namespaces);
  add(to, o.grant.groups);
}

void add(text_digest& to, const revoke_key& o) {
  to.add(o.name);
}

void add(text_digest& to, const about_machine& o) {
  to.add(o.machine);
}

void add(text_digest&, const redistribute_farm&) {}

} // namespace

std::uint64_t digest_of(const order& o) {
  text_digest out;
  std::visit(
    [&](const auto& each) {
      out.add(each.type);
      add(out, each);
    },
    o);
  return out.value();
}

} // namespace deployminator::messages
