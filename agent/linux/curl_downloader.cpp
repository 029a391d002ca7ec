#include "agent/linux/curl_downloader.hpp"

#include "agent/linux/download.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <pthread.h>
#include <stdexcept>
#include <utility>

#include <curl/curl.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

CURLM* make_multi() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  auto* multi = ready == CURLE_OK ? curl_multi_init() : nullptr;
  if (!multi)
    throw std::runtime_error{"libcurl cannot be initialised"};
  return multi;
}

bool is_key(const std::string& key) {
  return !key.empty() && key.size() <= 128 && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

} // namespace

curl_downloader::curl_downloader(download_config config)
  : config_(std::move(config)), cache_(config_.cache, config_.most_cached, config_.protected_for),
    multi_(make_multi()), thread_([this] { run(); }) {}

curl_downloader::~curl_downloader() {
  post([this] { ending_ = true; });
  thread_.join();
  for (auto& [key, d] : downloads_)
    for (auto& listener : d->listeners)
      listener.done(d->cancelled());
  downloads_.clear();
  curl_multi_cleanup(multi_);
}

void curl_downloader::start(const download_order& order, on_progress progress, on_done done) {
  post([this, order, progress = std::move(progress), done = std::move(done)] {
    begin(order, progress, done);
  });
}

void curl_downloader::cancel(const std::string& key) {
  post([this, key] {
    if (auto found = downloads_.find(key); found != downloads_.end())
      finish(key, found->second->cancelled());
  });
}

void curl_downloader::keep_partial(std::set<std::string> keys) {
  post([this, keys = std::move(keys)]() mutable {
    kept_ = keys;
    for (const auto& [key, d] : downloads_)
      keys.insert(key);
    cache_.remove_partials_but(keys);
  });
}

void curl_downloader::post(std::function<void()> work) {
  std::lock_guard lock{mutex_};
  posted_.push_back(std::move(work));
  curl_multi_wakeup(multi_);
}

void curl_downloader::begin(const download_order& order, on_progress progress, on_done done) {
  if (!is_key(order.key))
    return done(failure{
      failure_code::invalid, fmt::format("\"{:.80}\" is not a download's key", order.key), {}});
  auto& d = downloads_[order.key];
  if (!d)
    d = std::make_unique<download>(config_, cache_, multi_, order);
  d->listeners.push_back({std::move(progress), std::move(done)});
}

void curl_downloader::finish(const std::string& key, result<artifact> outcome) {
  auto node = downloads_.extract(key);
  if (!outcome && kept_ && !kept_->contains(key))
    cache_.remove_partial(key);
  for (auto& listener : node.mapped()->listeners)
    listener.done(outcome);
}

void curl_downloader::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  while (!ending_) {
    auto sleep = turn();
    curl_multi_poll(multi_, nullptr, 0, static_cast<int>(sleep.count()), nullptr);
    run_posted();
    int running = 0;
    curl_multi_perform(multi_, &running);
    collect_transfers();
  }
}

void curl_downloader::run_posted() {
  std::vector<std::function<void()>> work;
  {
    std::lock_guard lock{mutex_};
    work.swap(posted_);
  }
  for (auto& w : work)
    w();
}

std::chrono::milliseconds curl_downloader::turn() {
  auto now = std::chrono::steady_clock::now();
  std::vector<std::pair<std::string, result<artifact>>> ended;
  for (auto& [key, d] : downloads_)
    if (auto outcome = d->turn(now))
      ended.emplace_back(key, std::move(*outcome));
  for (auto& [key, outcome] : ended)
    finish(key, std::move(outcome));
  std::chrono::milliseconds sleep{60'000};
  for (auto& [key, d] : downloads_)
    sleep = std::min(sleep, std::chrono::ceil<std::chrono::milliseconds>(d->due(now) - now));
  return std::max(sleep, std::chrono::milliseconds{0});
}

void curl_downloader::collect_transfers() {
  auto now = std::chrono::steady_clock::now();
  int left = 0;
  while (auto* message = curl_multi_info_read(multi_, &left)) {
    // Both are gone with the handle.
    auto* handle = message->easy_handle;
    auto code = message->data.result;
    auto owner = std::find_if(downloads_.begin(), downloads_.end(),
                              [&](const auto& d) { return d.second->owns(handle); });
    if (owner == downloads_.end())
      continue;
    auto key = owner->first;
    if (auto outcome = owner->second->transferred(code, now))
      finish(key, std::move(*outcome));
  }
}

} // namespace deployminator::agent
