#include "messages/application.hpp"

#include <doctest/doctest.h>

using namespace deployminator::messages;

TEST_CASE("an archive is known by the ending of its URL") {
  for (const auto* url : {"http://h/a.tar", "http://h/a.tar.gz", "/srv/A.TAR.XZ", "a.tgz", "a.txz",
                          "a.tbz2", "file:///x/a.zip", "https://h/a.tar.zst?token=a/b#c"})
    CHECK_MESSAGE(is_archive(url), std::string{url});
  for (const auto* url : {"http://h/a", "http://h/a.tar/b", "http://h/tar", "/srv/.tar", "a.gz",
                          "http://h/a?x=.zip", "a.tar.gz.sig", "a.tarball", ""})
    CHECK_MESSAGE(!is_archive(url), std::string{url});
}

TEST_CASE("the number of ports is the highest that is named anywhere") {
  application app;
  CHECK(port_count(app) == 0);
  app.args = {"--listen", "127.0.0.1:${PORT2}", "${PORT1}"};
  CHECK(port_count(app) == 2);
  app.env = {{"ADMIN", "${PORT3}"}};
  CHECK(port_count(app) == 3);
  app.services = {{"web", 5, {}}};
  CHECK(port_count(app) == 5);
  app.health.port = 6;
  CHECK(port_count(app) == 6);
  app.health.exec = {"check", "${PORT7}"};
  CHECK(port_count(app) == 7);
}

TEST_CASE("only ${PORTn} stands for a port") {
  application app;
  app.args = {"$PORT1",    "${PORT}",  "${PORT1",   "${PORTx}",
              "${PORT 1}", "${port1}", "${PORT-1}", "${PORT99999999999999}"};
  CHECK(port_count(app) == 0);
  for (const auto& text : app.args)
    CHECK(with_ports(text, {4100}) == text);
}

TEST_CASE("ports are put in place, all else stays") {
  const std::vector<std::uint16_t> ports{4100, 4101};
  CHECK(with_ports("", ports) == "");
  CHECK(with_ports("${PORT1}", ports) == "4100");
  CHECK(with_ports("a ${PORT2}:${PORT1} b ${X}", ports) == "a 4101:4100 b ${X}");
  CHECK(with_ports("${PORT${PORT1}}", ports) == "${PORT4100}");
  CHECK(with_ports("${PORT3} ${PORT0}", ports) == "${PORT3} ${PORT0}");
}
