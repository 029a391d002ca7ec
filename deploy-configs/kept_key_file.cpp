#include "deploy-configs/kept_key_file.hpp"

#include <algorithm>
#include <utility>

namespace deployminator::configs {

namespace {

/// It is written into a file as it is.
bool is_store_id(const std::string& text) {
  constexpr std::size_t longest = 64;
  constexpr std::string_view allowed
    = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-";
  return !text.empty() && text.size() <= longest
         && text.find_first_not_of(allowed) == std::string::npos;
}

} // namespace

key_file after_hearing(const key_file& held, const messages::server_key_news& news) {
  auto out = held;
  if (held.next_server_key && news.proven == held.next_server_key->key) {
    out.server_key = news.proven;
    out.next_server_key.reset();
  }
  bool is_ours = news.proven == out.server_key && is_store_id(news.store)
                 && (held.store.empty() || held.store == news.store);
  if (!is_ours || !news.next || !is_key_text(news.next->key) || !news.next->from
      || news.next->key == out.server_key)
    return out;
  out.next_server_key = news.next;
  out.store = news.store;
  return out;
}

kept_key_file::outcome kept_key_file::learn(const messages::server_key_news& news) {
  outcome out;
  auto after = after_hearing(content_, news);
  out.is_changed = after != content_;
  if (!out.is_changed && is_written_)
    return out;
  content_ = std::move(after);
  auto written = write(news);
  if (!written && (is_written_ || out.is_changed))
    out.not_written = written.error();
  is_written_ = static_cast<bool>(written);
  return out;
}

/// The file may be another one by now than was read: another process has learned the same, or
/// somebody has put another key there, which is none of ours.
messages::result<void> kept_key_file::write(const messages::server_key_news& news) {
  auto found = read_key_file(content_.path);
  if (!found)
    return found.error();
  auto wanted = after_hearing(*found, news);
  if (found->public_key != content_.public_key || wanted == *found)
    return {};
  return replace_key_file(content_.path, wanted);
}

std::string kept_key_file::next_in_file() const {
  return is_written_ && content_.next_server_key ? content_.next_server_key->key : "";
}

} // namespace deployminator::configs
