#!/usr/bin/env bash
# Usage: npm run test:node -- [--part] [VERSION ...]   (default: 22 24 26)
# The unit suite and some runs against real servers on other versions of Node than the installed one, from npm's packages.
# The compiled program is the same on all of them, so only what runs it is another. With --part all but the last version run only
# the rooms in which Node itself is at work: native calls, sockets and streams, threads, entries, files.
set -euo pipefail
cd "$(dirname "$0")/.."
usage='usage: npm run test:node -- [--part] [VERSION ...], such as 22 or 22.12.0 (default: 22 24 26)'

versions=() part=no
for each in "$@"; do
  case $each in
    -h | --help) echo "$usage"; exit ;;
    --part) part=yes; continue ;;
  esac
  if [[ ! $each =~ ^[0-9]+(\.[0-9]+){0,2}$ ]]; then
    echo "$each: expected a version of Node; $usage" >&2
    exit 64
  fi
  versions+=("$each")
done
[[ ${#versions[@]} -gt 0 ]] || versions=(22 24 26)
npm run build --silent
mapfile -t units < <(find dist/test/unit dist/test/demo -name '*.test.js')
mapfile -t part_units < <(find dist/test/unit/{cli,coordinator,native,operate,protocol,report} -name '*.test.js')
pairs=(dist/test/cyrus/run/over-imap.test.js dist/test/cyrus/run/start-and-daemon.test.js dist/test/cyrus/store/locks.test.js)
# The user cyrus must be able to enter it, so it is no home directory.
root=${NODE_VERSIONS:-/var/tmp/node-versions}
status=0
for version in "${versions[@]}"; do
  folder=$root/$version
  node=$folder/node_modules/node-linux-$(node -p process.arch)/bin/node
  [[ -x $node ]] || npm install --no-save --prefix "$folder" "node-linux-$(node -p process.arch)@$version"
  echo "*** Node $("$node" --version)"
  files=("${units[@]}")
  if [[ $part = yes && $version != "${versions[-1]}" ]]; then files=("${part_units[@]}"); fi
  # Commands that tests start by name find it too.
  PATH=$(dirname "$node"):$PATH bash test/run-files.sh "${files[@]}" "${pairs[@]}" || status=$?
done
exit "$status"
