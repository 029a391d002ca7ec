#include "agent/linux/health_probe.hpp"

#include "agent/decisions/health.hpp"
#include "agent/decisions/restart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <pthread.h>
#include <stdexcept>
#include <utility>

#include <curl/curl.h>

namespace deployminator::agent {

namespace {

/// More of an answer is not read.
constexpr std::size_t most_body = 4 << 10;

CURLM* make_probes() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  auto* multi = ready == CURLE_OK ? curl_multi_init() : nullptr;
  if (!multi)
    throw std::runtime_error{"libcurl cannot be initialised"};
  return multi;
}

} // namespace

class probe {
public:
  probe(CURLM* multi, const health_order& order, health_checker::on_checked done)
    : multi_(multi), easy_(curl_easy_init()), is_http_(order.kind == messages::health_kind::http),
      where_(fmt::format("127.0.0.1:{}", order.port)), timeout_(order.timeout),
      done_(std::move(done)) {
    url_ = fmt::format("http://{}{}", where_, is_http_ ? order.path : "/");
    set_options();
    curl_multi_add_handle(multi_, easy_);
  }
  probe(const probe&) = delete;
  probe& operator=(const probe&) = delete;
  ~probe() {
    curl_multi_remove_handle(multi_, easy_);
    curl_easy_cleanup(easy_);
  }

  [[nodiscard]] CURL* handle() const {
    return easy_;
  }

  void finish(CURLcode code) const {
    done_(is_http_ ? answer(code) : connection(code));
  }

private:
  void set_options() {
    curl_easy_setopt(easy_, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy_, CURLOPT_PROXY, "");
    curl_easy_setopt(easy_, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy_, CURLOPT_CONNECT_ONLY, is_http_ ? 0L : 1L);
    curl_easy_setopt(easy_, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy_, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_.count()));
    curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout_.count()));
    curl_easy_setopt(easy_, CURLOPT_USERAGENT, "autodeployer/" DEPLOYMINATOR_VERSION);
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  }

  static std::size_t receive(char* data, std::size_t size, std::size_t count, void* self) {
    auto& body = static_cast<probe*>(self)->body_;
    auto take = std::min(size * count, most_body - body.size());
    body.append(data, take);
    return body.size() < most_body ? size * count : 0;
  }

  [[nodiscard]] std::string why_no_connection() const {
    long error = 0;
    curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &error);
    return error == 0 ? "nothing takes connections there" : std::strerror(static_cast<int>(error));
  }

  [[nodiscard]] health_outcome connection(CURLcode code) const {
    if (code == CURLE_OK)
      return {true, where_ + " takes connections"};
    if (code == CURLE_OPERATION_TIMEDOUT)
      return {false, fmt::format("{} took no connection within {}", where_, length_text(timeout_))};
    return {false, fmt::format("{} takes no connections: {}", where_, why_no_connection())};
  }

  [[nodiscard]] health_outcome answer(CURLcode code) const {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    bool has_enough = code == CURLE_WRITE_ERROR && body_.size() >= most_body;
    if (code == CURLE_OK || has_enough) {
      auto line = first_line_of(body_);
      return {status >= 200 && status < 300,
              fmt::format("GET {} answered {}{}{}", url_, status, line.empty() ? "" : ": ", line)};
    }
    if (code == CURLE_COULDNT_CONNECT)
      return {false, fmt::format("GET {}: {}", url_, why_no_connection())};
    if (code == CURLE_OPERATION_TIMEDOUT)
      return {false, fmt::format("GET {} {} within {}", url_,
                                 status == 0 ? "was not answered" : "was not answered to the end",
                                 length_text(timeout_))};
    return {false, fmt::format("GET {}: {}", url_, curl_easy_strerror(code))};
  }

  CURLM* multi_;
  CURL* easy_;
  bool is_http_;
  std::string where_;
  std::string url_;
  std::chrono::milliseconds timeout_;
  health_checker::on_checked done_;
  std::string body_;
};

health_probe::health_probe(on_exec exec)
  : exec_(std::move(exec)), multi_(make_probes()), thread_([this] { run(); }) {}

health_probe::~health_probe() {
  post([this] { ending_ = true; });
  thread_.join();
  probes_.clear();
  curl_multi_cleanup(multi_);
}

void health_probe::check(const health_order& order, on_checked done) {
  if (order.kind == messages::health_kind::exec)
    return exec_(order, std::move(done));
  post([this, order, done = std::move(done)] { begin(order, done); });
}

void health_probe::post(std::function<void()> work) {
  std::lock_guard lock{mutex_};
  posted_.push_back(std::move(work));
  curl_multi_wakeup(multi_);
}

void health_probe::begin(const health_order& order, on_checked done) {
  auto made = std::make_unique<probe>(multi_, order, std::move(done));
  auto* handle = made->handle();
  probes_[handle] = std::move(made);
}

void health_probe::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  while (!ending_) {
    curl_multi_poll(multi_, nullptr, 0, 60'000, nullptr);
    run_posted();
    int running = 0;
    curl_multi_perform(multi_, &running);
    collect();
  }
}

void health_probe::run_posted() {
  std::vector<std::function<void()>> work;
  {
    std::lock_guard lock{mutex_};
    work.swap(posted_);
  }
  for (auto& w : work)
    w();
}

void health_probe::collect() {
  int left = 0;
  while (auto* message = curl_multi_info_read(multi_, &left)) {
    auto code = message->data.result;
    if (auto ended = probes_.extract(message->easy_handle))
      ended.mapped()->finish(code);
  }
}

} // namespace deployminator::agent
