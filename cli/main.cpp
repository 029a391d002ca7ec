#include "cli/program.hpp"

int main(int argc, char** argv) {
  return deployminator::cli::run_program(argc, argv);
}
