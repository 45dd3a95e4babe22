#!/usr/bin/env bash
# Usage: test/run-files.sh FILE.test.js ...   Runs compiled test files as the suite does: three at a time, with the same random inputs in
# every run. `SEED=n` asks for others. A file has twenty minutes: on a busy machine some take ten.
set -euo pipefail
cd "$(dirname "$0")/.."
exec node --import ./dist/test/lab/same-seed.js --test --test-reporter=spec --test-concurrency=3 --test-timeout=1200000 "$@"
