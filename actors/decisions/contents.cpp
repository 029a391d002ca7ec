#include "actors/decisions/contents.hpp"

#include "actors/decisions/edit.hpp"
#include "messages/url.hpp"

#include <fmt/format.h>

namespace deployminator::actors {

using namespace messages;

namespace {

/// The newest version of the build that was deployed and has an application of this name, with
/// that; or null.
struct known_artifact {
  const version* of = nullptr;
  const application* app = nullptr;
};

known_artifact artifact_of(const farm& f, const group& g, std::uint64_t build,
                           const application& wanted) {
  for (auto each = f.versions.rbegin(); each != f.versions.rend(); ++each) {
    const auto& v = each->second;
    if (g.id == 0 || v.group_id != g.id || v.build != build || v.last_deployed == 0)
      continue;
    if (const auto* app = application_of(v, wanted.name))
      return {&v, app};
  }
  return {};
}

std::string difference(const application& before, const application& now) {
  bool both_known = !before.sha256.empty() && !now.sha256.empty();
  if (both_known && before.sha256 != now.sha256)
    return fmt::format("its artifact had the sha256 {:.12}… and has {:.12}… now", before.sha256,
                       now.sha256);
  if (!both_known && before.download_url != now.download_url)
    return fmt::format("its artifact came from {} and comes from {} now",
                       public_url(before.download_url), public_url(now.download_url));
  return {};
}

} // namespace

std::optional<failure> other_content(const farm& f, const group& g, std::uint64_t build,
                                     const std::vector<application>& applications) {
  for (const auto& app : applications) {
    auto known = artifact_of(f, g, build, app);
    auto what = known.app ? difference(*known.app, app) : std::string{};
    if (!what.empty())
      return failure{failure_code::mismatch,
                     fmt::format("build {} of {}/{} was deployed with other content, as version "
                                 "{}: {}: {}",
                                 build, g.namespace_, g.name, known.of->id, app.name, what),
                     "give what was built anew a new build number, or `--force`"};
  }
  return std::nullopt;
}

std::string known_hash(const farm& f, const group& g, std::uint64_t build, const application& app) {
  auto known = artifact_of(f, g, build, app);
  bool is_same = known.app && known.app->download_url == app.download_url;
  return is_same ? known.app->sha256 : std::string{};
}

} // namespace deployminator::actors
