#!/usr/bin/env bash
# Makes sure that real Cyrus servers can be started for the tests, and that what the packages of this project are checked
# with is there: installs Debian's packages when they are missing and we may. Exits 0 if all is there in the end, 1 if not.
set -euo pipefail

packages=(cyrus-imapd cyrus-replication cyrus-admin sasl2-bin libsasl2-modules)
tools=(groff logrotate zsh fish tmux prometheus chromium)
# Servers for the queue of a fleet.
queues=(redis-server postgresql)
# Commands of which the package has another name.
others=(systemd netcat-openbsd)

all_is_there() {
  [[ -x /usr/lib/cyrus/bin/master && -x /usr/lib/cyrus/bin/sync_server && -x /usr/lib/cyrus/bin/sync_client &&
    -x /usr/lib/cyrus/bin/reconstruct && -x /usr/sbin/saslpasswd2 ]] || return 1
  for each in "${tools[@]}" promtool systemd-analyze nc redis-server; do command -v "$each" >/dev/null || return 1; done
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

all_is_there && exit 0

if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
  echo "Cyrus IMAP or a tool of the tests is missing, and only root on Debian or Ubuntu can install it here. As root:" >&2
  echo "  apt-get update && apt-get install -y ${packages[*]} ${tools[*]} ${queues[*]} ${others[*]}" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update
# In run level 1 the packages do not start a server of their own: the tests start theirs on free ports.
RUNLEVEL=1 apt-get install -y --no-install-recommends "${packages[@]}" "${tools[@]}" "${queues[@]}" "${others[@]}"
all_is_there
