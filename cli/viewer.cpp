#include "cli/viewer.hpp"

#include <utility>

namespace deployminator::cli {

using namespace messages;

namespace {

constexpr std::int64_t microseconds_between_frames = 100'000;

/// Lines of the picture where it cannot be redrawn.
constexpr std::size_t max_introduction = 1000;

/// Whether it stays in sight above the live view, which shows how things are but not why.
bool stays(const event& e) {
  if (auto* change = std::get_if<instance_change>(&e.what))
    return change->to == messages::instance_state::failed
           || change->to == messages::instance_state::lost;
  return !std::holds_alternative<download_progress>(e.what);
}

} // namespace

viewer::viewer(const context& c, int descriptor, bool dated)
  : context_(c), dated_(dated), screen_(descriptor, c.rich && !c.json, c.zone) {}

bool viewer::is_live() const {
  return !context_.json && screen_.is_live();
}

board& viewer::picture() {
  return board_;
}

void viewer::count_many() {
  tally_.emplace();
}

void viewer::hold_end() {
  holds_end_ = context_.json;
}

void viewer::release_end(const json& keys) {
  if (!held_)
    return;
  auto last = to_json(*held_);
  last.update(keys);
  print(one_line(last));
  held_.reset();
}

void viewer::take(const event& e, timestamp now) {
  if (holds_end_ && std::holds_alternative<rollout_finished>(e.what)) {
    held_ = e;
    return;
  }
  if (context_.json) {
    print(one_line(to_json(e)));
    return;
  }
  board_.apply(e, now);
  if (tally_ && !screen_.is_live() && tally_->takes(e, board_))
    return;
  if (screen_.is_live() ? stays(e) : narrator_.worth_telling(e)) {
    auto shape = screen_.shape();
    screen_.say(dated_ ? dated_sentence_of(e, shape) : sentence_of(e, shape));
  }
}

void viewer::introduce(timestamp now) {
  auto page = screen_.shape();
  page.height = max_introduction;
  if (!screen_.is_live())
    for (const auto& each : board_.lines(page, now))
      screen_.say(each);
  refresh(now);
}

void viewer::refresh(timestamp now) {
  if (tally_ && !is_live())
    for (auto& each : tally_->due(board_, now))
      screen_.say({{std::move(each), tone::plain}});
  auto since = now.microseconds - drawn_.microseconds;
  if (!is_live() || (since >= 0 && since < microseconds_between_frames))
    return;
  drawn_ = now;
  screen_.show(board_.lines(screen_.shape(), now));
}

void viewer::settle(timestamp now) {
  if (!is_live())
    return;
  screen_.show(board_.lines(screen_.shape(), now));
  screen_.settle();
}

void viewer::say(const std::string& sentence, tone t) {
  if (context_.json)
    return remark(sentence);
  screen_.say({{sentence, t}});
}

} // namespace deployminator::cli
