#!/usr/bin/env bash
# Runs clang-tidy on what changed: all commits of the last day before the newest one, and what is not
# committed yet. A header is checked with the source of its name, else with one that includes it.
# A source takes half a minute, so there are limits: the 8 that changed last, or as many as --most
# says; it tells which are left out. With files as arguments it checks those, all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

most=8
if [ "${1:-}" = --most ]; then
  most=$2
  shift 2
fi

# The source through which a file is checked; nothing where there is none.
source_of() {
  local file=$1 includers
  if [[ $file == *.hpp && -f ${file%.hpp}.cpp ]]; then
    file=${file%.hpp}.cpp
  fi
  if [[ $file == *.cpp ]]; then
    echo "$file"
  elif [[ $file == *.hpp ]]; then
    # Sources before headers.
    includers=$(grep -rlF "#include \"$file\"" --include='*.[ch]pp' \
      actors agent cli deploy-configs messages store test | sort -t . -k 2,2 -k 1,1 || true)
    if [ -n "$includers" ]; then
      source_of "${includers%%$'\n'*}"
    fi
  fi
}

sources_of() {
  while read -r file; do
    source_of "$file"
  done | while read -r file; do
    if [ -f "$file" ]; then echo "$file"; fi
  done | awk '!seen[$0]++'
}

changed() {
  local newest base
  newest=$(git log -1 --format=%ct)
  base=$(git rev-list -1 --before=$((newest - 24 * 3600)) HEAD)
  git status --porcelain --no-renames -uall | cut -c4-
  git log --format= --name-only --no-renames "${base:+$base..}HEAD"
}

if [ $# -ne 0 ]; then
  mapfile -t sources < <(printf '%s\n' "$@" | sources_of)
  most=${#sources[@]}
elif ! git rev-parse --verify -q HEAD >/dev/null; then
  echo "clang-tidy: no git repository, so nothing is known to have changed"
  exit 0
else
  mapfile -t sources < <(changed | sources_of)
fi

if [ ${#sources[@]} -gt "$most" ]; then
  echo "clang-tidy: left out, as only the $most changed last are checked: ${sources[*]:most}"
  sources=("${sources[@]:0:most}")
fi
if [ ${#sources[@]} -eq 0 ]; then
  echo "clang-tidy: nothing changed"
  exit 0
fi

echo "clang-tidy: ${sources[*]}"
# Of `dev`, since there each source is compiled by itself.
cmake --preset dev >/dev/null
printf '%s\0' "${sources[@]}" \
  | xargs -0 -n 1 -P "$(nproc)" clang-tidy --quiet -p build/dev 2> >(grep -v 'warnings\? generated' >&2)
