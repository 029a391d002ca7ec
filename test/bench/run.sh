#!/usr/bin/env bash
# Measures the real programs and prints one table. Options are bench.py's.
#
# Builds them in build/release; with DEPLOYMINATOR_BUILD=DIR those of that build directory are measured.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=${DEPLOYMINATOR_BUILD:-}
if [[ -z $build ]]; then
  build=build/release
  cmake --preset release
  cmake --build --preset release --target deployminator autodeployer autodeployer-starter \
    autodeployer-unpack deploy deployminator-floor
fi
if ! command -v supervisord >/dev/null; then
  echo "supervisord is missing, so the comparison with it is left out; to have it, as root:" >&2
  echo "  apt-get install --no-install-recommends supervisor" >&2
fi
exec /usr/bin/python3 test/bench/bench.py --bin "$build/bin" "$@"
