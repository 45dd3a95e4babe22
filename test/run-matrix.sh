#!/usr/bin/env bash
# Usage: npm run matrix [-- [--only MASTER:REPLICA,...] [--from] [--write]]
# Every version of Cyrus as master and replica of every other, over sync_server and imapd, through five phases
# (test/lab/matrix-cell.ts). --from runs only those whose master is read from its server; --write puts the table into
# docs/compatibility.md.
set -euo pipefail
cd "$(dirname "$0")/.."
npm run build --silent
folders=()
for version in 3.2 bookworm 3.10 3.12; do folders+=("$(bash test/install-cyrus-version.sh "$version")"); done
exec node dist/test/matrix/run-matrix.js "${folders[@]}" "$@"
