#include "test/bench/swarm/group_order.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace deployminator::bench {

namespace {

constexpr auto own_namespace = "swarm";

std::string new_order_id() {
  static std::uint64_t last = 0;
  return fmt::format("swarm-{}-{}", getpid(), ++last);
}

std::string file_of(const std::string& group, std::uint64_t instances) {
  return fmt::format(R"(namespace: {}
groups:
- groupid: {}
  applications:
  - name: server
    repository: swarm
    downloadurl: /srv/swarm/${{BUILDID}}/build.tar
    binary: dist/server
    args: ["-port=${{PORT1}}", "-log=info"]
    instances: {}
    rollout: {{parallel: 100%, min_ready: 0s, deadline: 1h}}
)",
                     own_namespace, group, instances);
}

} // namespace

messages::submit_build build_of(const std::string& group, std::uint64_t instances,
                                std::uint64_t build) {
  messages::submit_build out;
  out.order_id = new_order_id();
  out.file_name = "deploy.yaml";
  out.file = file_of(group, instances);
  out.build = build;
  out.repository = "swarm";
  // Given, so that the first fetch pins nothing.
  out.sha256 = fmt::format("{:064x}", build);
  return out;
}

messages::undeploy undeploy_of(const std::string& group) {
  return {new_order_id(), own_namespace, group};
}

} // namespace deployminator::bench
