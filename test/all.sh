#!/usr/bin/env bash
# Installs what is missing, builds everything, runs all tests and the other checks of CI: what fails
# soonest first. CONTRIBUTING.md has a table of what is checked.
set -euo pipefail
cd "$(dirname "$0")/.."

test/install-packages.sh
test/format.sh --check
cmake --preset asan
cmake --build --preset asan-unit
ctest --preset asan -L unit -j "$(nproc)"
cmake --preset ci
cmake --build --preset ci-farm
ctest --preset ci -L simulation -j "$(nproc)"
# The real programs mostly wait, so there is time beside them.
nice -n 15 bash -ec 'test/tidy.sh
  cmake --preset packages
  cmake --build build/packages' >build/beside.log 2>&1 &
beside=$!
trap 'kill "$beside" 2>/dev/null || true' EXIT
# Three at a time, for they mostly wait. The booted machines after them: an agent of this machine would end
# what the same users run on the booted machines, which are containers.
ctest --preset ci -L integration -j 3
ctest --preset ci -L machines
wait "$beside" || { cat build/beside.log; exit 1; }
