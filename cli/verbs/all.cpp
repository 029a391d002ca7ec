#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

std::vector<std::unique_ptr<command>> all() {
  std::vector<std::unique_ptr<command>> out;
  for (auto make :
       {new_build, plan,    validate, watch,   status,        instances, versions, history,
        machines,  ports,   servers,  version, rollback,      stop,      start,    restart,
        undeploy,  promote, abort,    pause,   resume,        drain,     undrain,  redistribute,
        forget,    logs,    top,      events,  import_builds, key})
    out.push_back(make());
  return out;
}

} // namespace deployminator::cli::verbs
