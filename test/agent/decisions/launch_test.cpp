#include "agent/decisions/launch.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace deployminator::messages;

TEST_CASE("a program gets its ports, its names and what its application says") {
  instance_spec spec;
  spec.id = "web-1";
  spec.namespace_ = "shop";
  spec.group = "front";
  spec.version = 7;
  spec.build = 42;
  spec.app.name = "web";
  spec.app.binary = "bin/web";
  spec.app.args = {"--listen=:${PORT1}", "${PORT2}", "${PORT3}"};
  spec.app.env = {{"ADMIN", "127.0.0.1:${PORT2}"}, {"DEPLOY_GROUP", "mine"}, {"PATH", "/opt/bin"}};
  auto order = launch_order_for(spec, "m1", {4100, 4200});
  CHECK(order.id == "web-1");
  CHECK(order.binary == "bin/web");
  CHECK(order.args == std::vector<std::string>{"--listen=:4100", "4200", "${PORT3}"});
  CHECK(order.env
        == std::map<std::string, std::string>{{"ADMIN", "127.0.0.1:4200"},
                                              {"DEPLOY_APPLICATION", "web"},
                                              {"DEPLOY_BUILD", "42"},
                                              {"DEPLOY_GROUP", "front"},
                                              {"DEPLOY_INSTANCE_ID", "web-1"},
                                              {"DEPLOY_MACHINE", "m1"},
                                              {"DEPLOY_NAMESPACE", "shop"},
                                              {"DEPLOY_VERSION", "7"},
                                              {"PATH", "/opt/bin"},
                                              {"PORT1", "4100"},
                                              {"PORT2", "4200"}});
}

TEST_CASE(
  "an interpreter is given the binary, then the arguments, in which the machine's name is put") {
  instance_spec spec;
  spec.app.binary = "lib/shop.jar";
  spec.app.interpreter = {"java", "-jar"};
  spec.app.args = {"${MACHINE}:${PORT1}", "${MACHIN}", "${HOSTNAME}"};
  spec.app.env = {{"AT", "${MACHINE}${MACHINE}"}};
  auto order = launch_order_for(spec, "m1", {4100});
  CHECK(order.interpreter == "java");
  CHECK(order.args
        == std::vector<std::string>{"-jar", "lib/shop.jar", "m1:4100", "${MACHIN}", "${HOSTNAME}"});
  CHECK(order.env.at("AT") == "m1m1");
}

TEST_CASE("a main class is run by the machine's java, which its jars are found for later") {
  instance_spec spec;
  spec.app.binary = "com.example.Main";
  spec.app.java = true;
  spec.app.args = {"${PORT1}"};
  auto order = launch_order_for(spec, "m1", {4100});
  CHECK(order.java);
  CHECK(order.interpreter == "java");
  CHECK(order.binary == "com.example.Main");
  CHECK(order.args == std::vector<std::string>{"4100"});
}

TEST_CASE("exits are told by code or signal") {
  CHECK(exit_text(3) == "exited with code 3");
  CHECK(exit_text(128) == "exited with code 128");
  CHECK(exit_text(143) == "killed by signal 15 (SIGTERM)");
  CHECK(exit_text(255) == "exited with code 255");
}

TEST_CASE("data lies below the names of what it belongs to, each the name of one directory") {
  instance_spec spec;
  spec.namespace_ = "shop";
  spec.group = "front";
  spec.app.name = "web-1.x";
  CHECK(launch_order_for(spec, "m1", {}).data.empty());
  spec.app.data = "uploads";
  CHECK(launch_order_for(spec, "m1", {}).data == "shop/front/web-1.x/uploads");
  // An application that has no name of its own is called as its binary.
  spec.app.name = "bin/../web";
  CHECK(data_path_of(spec) == "shop/front/bin%2f..%2fweb/uploads");
  spec.app.name = "..";
  CHECK(data_path_of(spec) == "shop/front/%2e./uploads");
  spec.app.name = "50% ä";
  CHECK(data_path_of(spec) == "shop/front/50%25%20%c3%a4/uploads");
}
