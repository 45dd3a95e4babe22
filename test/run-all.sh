#!/usr/bin/env bash
# Builds and runs every test. Without Cyrus the tests against real servers cannot run: that is said loudly, all others are
# run, and under CI ($CI set) the whole is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
usage='usage: npm run test:all, without arguments'
case ${1-} in
  '') ;;
  -h | --help) echo "$usage"; exit ;;
  *) echo "$1: expected no argument; $usage" >&2; exit 64 ;;
esac

if bash test/install-cyrus.sh; then
  npm test
  exit
fi

banner() {
  echo '*****************************************************************************'
  echo '*** NOT TESTED AGAINST REAL CYRUS SERVERS: Cyrus IMAP is not installed.   ***'
  echo '*** Only the tests that need no Cyrus are run. See above how to install.  ***'
  echo '*****************************************************************************'
}

banner >&2
status=0
npm run test:unit || status=$?
banner >&2
if [[ -n "${CI:-}" && "$status" -eq 0 ]]; then status=1; fi
exit "$status"
