#!/usr/bin/env bash
# Measures the server with many machines, all played by one process. Options are the program's:
#
#   test/bench/swarm.sh --machines 1000 --instances 10000 --groups 100 [--json] [--rows connect,deploy]
#
# --bin DIR measures the deployminator in DIR instead of the one built here.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=build/release
targets=(deployminator-swarm)
bin=(--bin "$build/bin")
for word in "$@"; do
  [[ $word == --bin || $word == --bin=* ]] && bin=()
done
((${#bin[@]})) && targets+=(deployminator)
{
  cmake --preset release
  cmake --build "$build" --target "${targets[@]}"
} >&2
exec "$build/bin/deployminator-swarm" "${bin[@]}" "$@"
