#include "deploy-configs/kind_reader.hpp"

#include "deploy-configs/values.hpp"

#include <fmt/format.h>

namespace deployminator::configs {

void read_rerun(fields& in, messages::application& app) {
  in.read("rerun", app.rerun);
  const auto* node = in.find("rerun");
  if (app.rerun && app.always_on)
    in.fail(*node, "`rerun: true` is given to an application that always runs; expected "
                   "`alwayson: false` beside it");
}

void read_java(fields& in, const yaml_node& node, messages::application& app) {
  in.read("java", app.java);
  if (!app.java)
    return;
  if (const auto* interpreter = in.find("interpreter"))
    in.fail(*interpreter, "`interpreter` is given beside `java: true`; expected one of the two, "
                          "for `java: true` runs the machine's java");
  const auto* binary = in.find("binary");
  if (app.binary.empty())
    in.fail(node, "this application has `java: true` and no `binary`; expected the name of its "
                  "main class, such as `binary: com.example.Main`");
  else if (app.binary.find('/') != std::string::npos || app.binary.ends_with(".jar"))
    in.fail(*binary, fmt::format("`binary` is {}; expected the name of a main class beside "
                                 "`java: true`, such as `com.example.Main`",
                                 in_ticks(app.binary)));
}

} // namespace deployminator::configs
