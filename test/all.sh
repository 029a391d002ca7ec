#!/usr/bin/env bash
# Installs what is missing, builds everything and runs all tests: unit tests first.
set -euo pipefail
cd "$(dirname "$0")/.."

test/install-packages.sh
cmake --preset dev
cmake --build --preset dev
ctest --preset dev -L unit -j "$(nproc)"
ctest --preset dev -L simulation -j "$(nproc)"
# One after the other: each runs many processes of its own.
ctest --preset dev -L integration
