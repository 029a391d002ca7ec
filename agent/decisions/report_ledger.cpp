#include "agent/decisions/report_ledger.hpp"

#include "messages/digest.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace deployminator::agent {

namespace {

/// An upper bound of an observation's size on the wire, but for its output and reason.
constexpr std::size_t observation_bytes = 512;

std::size_t size_of(const messages::observation& seen) {
  return observation_bytes + seen.output.size() + seen.reason.size();
}

} // namespace

void report_ledger::see(messages::observation seen) {
  auto id = seen.id;
  entries_[id] = {std::move(seen), false, ++last_change_};
}

void report_ledger::lose(messages::observation last) {
  auto id = last.id;
  entries_[id] = {std::move(last), true, ++last_change_};
}

void report_ledger::see(messages::public_ports ports) {
  ports_ = std::move(ports);
  ports_change_ = ++last_change_;
}

void report_ledger::see(troubles now) {
  troubles_ = std::move(now);
  troubles_change_ = ++last_change_;
}

/// The server may be another one, or have an older store: no digest tells what it knows of ports
/// and troubles, so a session begins with them.
void report_ledger::restart(bool full) {
  if (ports_ && *ports_ != messages::public_ports{})
    ports_change_ = ++last_change_;
  if (!troubles_.empty())
    troubles_change_ = ++last_change_;
  unconfirmed_.clear();
  sent_change_ = confirmed_change_;
  full_ = full;
  last_sent_.reset();
}

void report_ledger::confirm(std::uint64_t revision) {
  auto report = unconfirmed_.find(revision);
  if (report == unconfirmed_.end())
    return;
  confirmed_change_ = std::max(confirmed_change_, report->second.change);
  unconfirmed_.erase(unconfirmed_.begin(), std::next(report));
  // What did not fit the page is news again.
  if (unconfirmed_.empty())
    sent_change_ = confirmed_change_;
  std::erase_if(entries_, [&](const auto& each) {
    return each.second.gone && each.second.change <= confirmed_change_;
  });
}

bool report_ledger::all_confirmed() const {
  bool full_under_way = std::any_of(unconfirmed_.begin(), unconfirmed_.end(),
                                    [](const auto& each) { return each.second.full; });
  return confirmed_change_ == last_change_ && !full_ && !full_under_way;
}

std::optional<report_ledger::time_point> report_ledger::due() const {
  if (all_confirmed())
    return std::nullopt;
  if (!last_sent_)
    return time_point::min();
  bool news = sent_change_ < last_change_ || full_;
  if (news && unconfirmed_.empty())
    return *last_sent_;
  return *last_sent_ + (news ? gap : repeat_after);
}

std::optional<messages::report> report_ledger::take(time_point now) {
  auto from = due();
  if (!from || now < *from)
    return std::nullopt;
  bool full = full_ || std::any_of(unconfirmed_.begin(), unconfirmed_.end(), [](const auto& each) {
                return each.second.full;
              });
  auto [out, change] = full ? full_report() : partial_report();
  out.revision = ++revision_;
  unconfirmed_[revision_] = {change, full};
  sent_change_ = last_change_;
  full_ = false;
  last_sent_ = now;
  return std::move(out);
}

std::optional<messages::public_ports> report_ledger::news_of_ports() const {
  return ports_change_ > confirmed_change_ ? ports_ : std::nullopt;
}

/// Everything in one message; of very many instances without what they printed.
report_ledger::draft report_ledger::full_report() const {
  messages::report out;
  out.full = true;
  out.ports = ports_;
  out.troubles = troubles_;
  std::size_t bytes = 0;
  for (const auto& [id, each] : entries_) {
    (each.gone ? out.gone : out.seen).push_back(each.last);
    bytes += size_of(each.last);
  }
  if (bytes > messages::max_message_bytes / 2)
    for (auto& each : out.seen)
      each.output.clear();
  return {std::move(out), last_change_};
}

/// What was not confirmed, oldest change first, as much as fits a page.
report_ledger::draft report_ledger::partial_report() const {
  std::vector<const entry*> news;
  for (const auto& [id, each] : entries_)
    if (each.change > confirmed_change_)
      news.push_back(&each);
  std::sort(news.begin(), news.end(),
            [](const entry* a, const entry* b) { return a->change < b->change; });
  messages::report out;
  out.ports = news_of_ports();
  if (troubles_change_ > confirmed_change_)
    out.troubles = troubles_;
  std::size_t bytes = 0;
  for (const auto* each : news) {
    bytes += size_of(each->last);
    if (bytes > messages::page_bytes)
      return {std::move(out), each->change - 1};
    (each->gone ? out.gone : out.seen).push_back(each->last);
  }
  return {std::move(out), last_change_};
}

const messages::observation* report_ledger::last_of(const std::string& id) const {
  auto found = entries_.find(id);
  return found == entries_.end() || found->second.gone ? nullptr : &found->second.last;
}

std::uint64_t report_ledger::digest() const {
  std::uint64_t sum = 0;
  for (const auto& [id, each] : entries_)
    if (!each.gone)
      sum += messages::digest_of(each.last);
  return sum;
}

} // namespace deployminator::agent
