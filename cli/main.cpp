#include "cli/output.hpp"
#include "cli/program.hpp"

int main(int argc, char** argv) {
  deployminator::cli::guard_streams();
  return deployminator::cli::run_program(argc, argv);
}
