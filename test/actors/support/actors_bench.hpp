#pragma once

#include "actors/common/errors.hpp"
#include "actors/interfaces.hpp"
#include "test/support/deterministic_system.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace deployminator::test {

/// What became of a request.
template <class Answer>
struct outcome {
  std::optional<Answer> value;
  std::optional<messages::failure> error;

  [[nodiscard]] bool is_open() const {
    return !value && !error;
  }
};

template <class Answer>
using outcome_ptr = std::shared_ptr<outcome<Answer>>;

/// A message to a fake actor: run this as yourself.
struct release {
  std::function<void()> run;
};

} // namespace deployminator::test

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::test::release)

namespace deployminator::test {

/// Actors under CAF's deterministic scheduler. All that were spawned here end with it.
class actors_bench : public deterministic_system {
public:
  ~actors_bench() {
    for (const auto& each : spawned_)
      caf::anon_send_exit(each, caf::exit_reason::kill);
    scheduler.run();
  }

  template <class F, class... Args>
  auto spawn(F f, Args... args) {
    auto out = system.spawn(std::move(f), std::move(args)...);
    spawned_.push_back(caf::actor_cast<caf::actor>(out));
    return out;
  }

  /// Sends a message, and lets everybody react.
  template <class Handle, class... Args>
  void tell(const Handle& to, Args... args) {
    caf::anon_send(to, std::move(args)...);
    scheduler.run();
  }

  /// Sends a request, and lets everybody react. The answer may come later.
  template <class Answer, class Handle, class... Args>
  outcome_ptr<Answer> ask(const Handle& to, Args... args) {
    auto out = std::make_shared<outcome<Answer>>();
    spawn([=](caf::event_based_actor* self) {
      self->request(to, caf::infinite, args...)
        .then([out](const Answer& value) { out->value = value; },
              [out](const caf::error& e) { out->error = actors::to_failure(e); });
    });
    scheduler.run();
    return out;
  }

  /// Time passes, in steps that are shorter than any actor's ticks.
  void pass(std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds step{50};
    for (; time > step; time -= step)
      jump(step);
    jump(time);
  }

  /// So much time passes while nobody is awake.
  void jump(std::chrono::milliseconds time) {
    scheduler.advance_time(time);
    scheduler.run();
  }

private:
  std::vector<caf::actor> spawned_;
};

/// A request that a fake actor holds until the test has it answered.
template <class What, class Answer>
struct call {
  What what;
  caf::typed_response_promise<Answer> promise;
};

template <class What, class Answer>
using calls = std::vector<call<What, Answer>>;

/// Notes the request of which `self` is just being asked.
template <class Answer, class Self, class What>
caf::result<Answer> hold(Self self, calls<What, Answer>& held, What what) {
  auto promise = self->template make_response_promise<Answer>();
  held.push_back({std::move(what), promise});
  return promise;
}

/// Has a fake actor answer the oldest request that it holds.
template <class Handle, class What, class Answer>
What answer(actors_bench& b, const Handle& fake, calls<What, Answer>& held, Answer value) {
  auto oldest = std::move(held.front());
  held.erase(held.begin());
  b.tell(fake, release{[promise = oldest.promise, value]() mutable { promise.deliver(value); }});
  return std::move(oldest.what);
}

template <class Handle, class What, class Answer>
What refuse(actors_bench& b, const Handle& fake, calls<What, Answer>& held,
            const messages::failure& why) {
  auto oldest = std::move(held.front());
  held.erase(held.begin());
  b.tell(fake, release{[promise = oldest.promise, why]() mutable {
           promise.deliver(actors::to_error(why));
         }});
  return std::move(oldest.what);
}

} // namespace deployminator::test
