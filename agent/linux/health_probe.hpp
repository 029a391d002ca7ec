#pragma once

#include "agent/outside.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace deployminator::agent {

/// One request or connection that is on its way.
class probe;

/// The health checker of Linux: one thread for all that goes over the network, without proxies and
/// to the loopback address only; what runs a program is handed on.
class health_probe : public health_checker {
public:
  using on_exec = std::function<void(const health_order&, on_checked)>;

  /// `exec`: who makes the checks that run a program.
  explicit health_probe(on_exec exec);
  /// What is on its way is answered no more.
  ~health_probe() override;

  void check(const health_order& order, on_checked done) override;

private:
  void post(std::function<void()> work);
  void run();
  void run_posted();
  void begin(const health_order& order, on_checked done);
  void collect();

  on_exec exec_;
  void* multi_;
  /// By their curl handle.
  std::map<void*, std::unique_ptr<probe>> probes_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  bool ending_ = false;
  std::thread thread_;
};

} // namespace deployminator::agent
