#!/usr/bin/env bash
# Usage: npm run test:cyrus -- [--version 3.2|3.6|3.10|3.12|sid|all] [--part] [FILE ...]
# The tests against real servers, with the Cyrus of that version (default: the installed one). Without files: all of them;
# with --part those that test/cyrus-part names, which tell most about a version.
set -euo pipefail
cd "$(dirname "$0")/.."

version=3.6 part=no files=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --version) version=${2:?--version wants 3.2, 3.6, 3.10, 3.12, sid or all}; shift ;;
    --part) part=yes ;;
    -*) echo "$1: no such option; there are --version and --part" >&2; exit 64 ;;
    *) files+=("$1") ;;
  esac
  shift
done

if [[ $part = yes ]]; then mapfile -t files < <(grep -v '^#' test/cyrus-part); fi
if [[ ${#files[@]} -eq 0 ]]; then mapfile -t files < <(find test/cyrus -name '*.test.ts' | sort); fi
compiled=()
for file in "${files[@]}"; do compiled+=("dist/${file%.ts}.js"); done

npm run build --silent
status=0
if [[ $version = all ]]; then versions=(3.2 3.6 3.10 3.12); else versions=("$version"); fi
for each in "${versions[@]}"; do
  CYRUS_PROGRAMS=$(bash test/install-cyrus-version.sh "$each")
  export CYRUS_PROGRAMS
  echo "*** Cyrus $each: $CYRUS_PROGRAMS"
  bash test/run-files.sh "${compiled[@]}" || status=$?
done
exit "$status"
