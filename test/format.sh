#!/usr/bin/env bash
# Formats all sources as .clang-format says; with --check it changes nothing and fails where that
# would change something. Other versions of clang-format than Debian 12's would disagree.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! clang-format --version | grep -q 'version 14\.'; then
  echo "clang-format 14 is needed, this is: $(clang-format --version)" >&2
  exit 1
fi
mapfile -d '' sources < <(find actors agent cli deploy-configs messages store test \
  -name '*.[ch]pp' -print0 | sort -z)

if [ "${1:-}" != --check ]; then
  exec clang-format -i "${sources[@]}"
fi
mapfile -t wrong < <(clang-format --dry-run "${sources[@]}" 2>&1 \
  | sed -n 's/^\(.*\):[0-9]*:[0-9]*: warning: .*/\1/p' | uniq)
if [ ${#wrong[@]} -ne 0 ]; then
  echo "not laid out as .clang-format says: ${wrong[*]}; \`test/format.sh\` mends it" >&2
  exit 1
fi
