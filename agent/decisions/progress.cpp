#include "agent/decisions/progress.hpp"

#include "messages/url.hpp"

#include <map>
#include <tuple>

namespace deployminator::agent {

std::vector<messages::event> progress_events(const std::string& machine,
                                             const std::vector<spec_ptr>& waiting,
                                             const download_progress& progress,
                                             messages::timestamp now) {
  messages::download_progress content;
  content.machine = machine;
  content.bytes = progress.bytes;
  content.total = progress.total;
  content.bytes_per_second = progress.bytes_per_second;
  if (progress.total && *progress.total >= progress.bytes && progress.bytes_per_second > 0)
    content.eta = static_cast<double>(*progress.total - progress.bytes) / progress.bytes_per_second;
  std::map<std::tuple<std::string, std::string, std::uint64_t>, messages::download_progress> each;
  for (const auto& spec : waiting) {
    auto [at, is_new] = each.try_emplace({spec->namespace_, spec->group, spec->version}, content);
    if (is_new)
      at->second.artifact = messages::public_url(spec->app.download_url);
    at->second.instances.push_back(spec->id);
  }
  std::vector<messages::event> out;
  for (const auto& [group, what] : each)
    out.push_back({0, now, std::get<0>(group), std::get<1>(group), std::get<2>(group), what});
  return out;
}

} // namespace deployminator::agent
