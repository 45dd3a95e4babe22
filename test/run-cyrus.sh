#!/usr/bin/env bash
# Usage: npm run test:cyrus -- [--version 3.2|3.6|3.10|3.12|sid|all] [--part] [FILE ...]
# The tests against real servers, with the Cyrus of that version (default: the installed one). Without files: all of them;
# with --part those that test/cyrus-part names, which tell most about a version.
set -euo pipefail
cd "$(dirname "$0")/.."

usage='usage: npm run test:cyrus -- [--version 3.2|3.6|3.10|3.12|sid|all] [--part] [FILE ...]'
refuse() {
  echo "$1; $usage" >&2
  exit 64
}

version=3.6 part=no files=()
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) echo "$usage"; exit ;;
    --version)
      version=${2:-}
      case $version in
        3.2 | 3.6 | 3.10 | 3.12 | sid | bookworm | all) ;;
        *) refuse "--version: expected a version of Cyrus, found \"$version\"" ;;
      esac
      shift
      ;;
    --part) part=yes ;;
    -*) refuse "$1: no such option" ;;
    *)
      [[ $1 = *.test.ts && -f $1 ]] || refuse "$1: expected a file such as test/cyrus/run/NAME.test.ts"
      files+=("$1")
      ;;
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
