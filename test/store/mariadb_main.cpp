#define DOCTEST_CONFIG_IMPLEMENT
#include "test/store/mariadb_server.hpp"

#include <doctest/doctest.h>

#include <cstdio>

// What ctest takes for skipped.
constexpr int skipped = 77;

int main(int argc, char** argv) {
  if (deployminator::test::mariadb_server::program().empty()) {
    std::puts("skipped: mariadbd is not installed (Debian: mariadb-server-core)");
    return skipped;
  }
  return doctest::Context{argc, argv}.run();
}
