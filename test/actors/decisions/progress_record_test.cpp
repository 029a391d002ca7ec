#include "actors/decisions/progress_record.hpp"

#include <doctest/doctest.h>

using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

int kept_of(progress_record& subject, std::uint64_t bytes, std::optional<std::uint64_t> total,
            const std::string& machine = "w1") {
  download_progress progress{machine, "http://x/a.tar", {}, bytes, total};
  return subject.is_worth_keeping({0, {}, "shop", "web", 3, progress}, progress) ? 1 : 0;
}

} // namespace

TEST_CASE("of a download of ten hours a handful is kept") {
  progress_record subject;
  int kept = 0;
  for (std::uint64_t n = 0; n <= 72'000; ++n)
    kept += kept_of(subject, n * 1000, 72'000'000);
  CHECK(kept == 5);
}

TEST_CASE("where the size is not known the first and the last are kept") {
  progress_record subject;
  int kept = 0;
  for (std::uint64_t n = 0; n <= 1000; ++n)
    kept += kept_of(subject, n, std::nullopt);
  CHECK(kept + kept_of(subject, 1000, 1000) == 2);
}

TEST_CASE("one that begins anew again and again is kept no more often") {
  progress_record subject;
  int kept = 0;
  for (std::uint64_t n = 0; n <= 1000; ++n)
    kept += kept_of(subject, n % 60, 100);
  CHECK(kept == 3);
}

TEST_CASE("each machine's downloads are its own, and the next one begins anew") {
  progress_record subject;
  CHECK(kept_of(subject, 1, 100));
  CHECK_FALSE(kept_of(subject, 2, 100));
  CHECK(kept_of(subject, 2, 100, "w2"));
  CHECK(kept_of(subject, 100, 100));
  CHECK(kept_of(subject, 1, 100));
}
