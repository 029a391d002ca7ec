/// Unpacks one artifact, apart from the agent and with next to no rights:
///
///   autodeployer-unpack DIRECTORY UID archive|any[,data] BINARY BYTES ENTRIES DEPTH RATIO
///
/// reads the artifact from its standard input and fills DIRECTORY. UID -1: stay who we are.
/// `archive` where its name says that it is one, `data` where BINARY is not to be run. Where that
/// is not possible it says why on its standard error, in one sentence, and exits with 1.

#include "agent/unpack/confinement.hpp"
#include "agent/unpack/extraction.hpp"

#include <fmt/format.h>

#include <clocale>
#include <cstdlib>
#include <string_view>

namespace {

using namespace deployminator;
using namespace deployminator::agent;

messages::result<void> unpack_artifact(char** args) {
  unpack::limits most;
  most.bytes = std::strtoull(args[5], nullptr, 10);
  most.entries = std::strtoull(args[6], nullptr, 10);
  most.depth = std::strtoull(args[7], nullptr, 10);
  most.ratio = std::strtoull(args[8], nullptr, 10);
  if (auto done = unpack::confine(args[1], std::strtol(args[2], nullptr, 10), most.bytes); !done)
    return done;
  std::string_view expected{args[3]};
  return unpack::lay_out(
    0, {args[4], !expected.ends_with(",data"), expected.starts_with("archive")}, most);
}

} // namespace

int main(int argc, char** argv) {
  // Names in archives are UTF-8.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  if (argc != 9) {
    fmt::print(stderr, "autodeployer-unpack is run by autodeployer, with 8 arguments\n");
    return 2;
  }
  auto done = unpack_artifact(argv);
  if (done)
    return 0;
  fmt::print(stderr, "{}\n", done.error().message);
  return 1;
}
