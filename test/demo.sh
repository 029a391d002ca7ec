#!/usr/bin/env bash
# Builds the programs, then shows a live deployment on this machine: see README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

test/install-packages.sh
build=${DEPLOYMINATOR_BUILD:-build/demo}
if [ ! -f "$build/build.ninja" ]; then
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF >/dev/null
fi
cmake --build "$build"
exec /usr/bin/python3 test/integration/demo.py --bin "$build/bin" "$@"
