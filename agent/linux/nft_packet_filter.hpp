#pragma once

#include "agent/decisions/filter_rules.hpp"
#include "agent/outside.hpp"

#include <memory>
#include <optional>
#include <string>

struct nft_ctx;

namespace deployminator::agent {

/// The packet filter of Linux, through libnftables: the tables of agent/decisions/filter_rules.hpp.
/// For one thread at a time.
class nft_packet_filter : public packet_filter {
public:
  nft_packet_filter();
  ~nft_packet_filter() override;

  messages::result<outcome> lead(const port_map& wanted) override;

  /// Whether it can be used at all; changes nothing.
  messages::result<void> probe();

private:
  struct context_deleter {
    void operator()(nft_ctx* context) const;
  };

  messages::result<void> open_context();
  messages::result<std::string> run(const std::string& commands);
  messages::result<std::string> listing();
  bool is_as_wanted(const std::string& listed, const port_map& wanted) const;
  bool is_whole(const std::string& listed) const;
  messages::result<void> change(const std::string& listed, const port_map& wanted);

  std::unique_ptr<nft_ctx, context_deleter> context_;
  filter_kernel kernel_;
  /// What was set last, and how it was listed then.
  std::optional<port_map> last_;
  std::string last_listing_;
};

/// A transaction for `nft -f` that makes the tables of this machine lead to these ports.
std::string rules_of_this_machine(const port_map& ports);

} // namespace deployminator::agent
