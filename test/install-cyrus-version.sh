#!/usr/bin/env bash
# Usage: test/install-cyrus-version.sh VERSION [FOLDER]
# Puts a Cyrus of another Debian release, with its own libraries, beside the installed one, and prints the folder of its
# programs. Neither root nor dpkg's database is touched; what is there already stays as it is. With 3.6 it is the
# installed one, which has no httpd; bookworm is 3.6 with all its programs.
set -euo pipefail

packages=(cyrus-imapd cyrus-replication cyrus-caldav libsasl2-modules libsasl2-modules-db)
case "${1:-}" in
  3.2) releases=(bullseye) packages+=(libsasl2-modules-gssapi-mit) ;; # SCRAM is in there
  3.6) echo /usr/lib/cyrus/bin; exit ;;
  3.10) releases=(trixie) ;;
  3.12) releases=(trixie trixie-backports) ;;
  sid) releases=(sid) ;;
  bookworm) releases=(bookworm) ;;
  *) echo "usage: $0 3.2|3.6|3.10|3.12|sid|bookworm [FOLDER]" >&2; exit 64 ;;
esac
# The user cyrus must be able to enter it, so it is no home directory.
folder=${2:-${CYRUS_VERSIONS:-/var/tmp/cyrus-versions}/$1}
# One that was unpacked without some of these packages is unpacked again.
[[ -e $folder/complete && $(< "$folder/complete") = "${packages[*]}" ]] && { echo "$folder/bin"; exit; }

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work"/apt/{lists/partial,archives/partial,preferences} "$work/root"

# The mirror of this host's own packages; one that lists Debian's releases is wanted, not that of an Ubuntu.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | grep -m 1 debian || true)
for release in "${releases[@]}"; do
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg arch=amd64] ${mirror:-http://deb.debian.org/debian} $release main"
done > "$work/apt/sources.list"
if [[ ${#releases[@]} -gt 1 ]]; then
  printf 'Package: *cyrus*\nPin: release n=%s\nPin-Priority: 900\n' "${releases[1]}" > "$work/apt/preferences/release"
fi

# Programs need libraries and nothing else of what their packages depend on: that is said to be installed.
for package in adduser base-passwd cron cron-daemon db-util debconf default-mta dpkg e2fsprogs exim4 exim4-daemon-light gawk \
  init-system-helpers libc-bin libclamav{9,11,12,13} libperl5.{36,40,42} lsb-base mail-transport-agent netbase passwd \
  perl perl-base perl-modules-5.32 systemd sysvinit-utils tzdata ucf; do
  if [[ $package == perl ]]; then multi=allowed; else multi=foreign; fi
  printf '%s\n' "Package: $package" 'Status: install ok installed' 'Version: 9:99' 'Architecture: amd64' \
    "Multi-Arch: $multi" 'Maintainer: nobody <nobody@localhost>' 'Description: left out' ''
done > "$work/apt/status"

cat > "$work/apt/apt.conf" <<EOF
Dir::State "$work/apt";
Dir::State::Lists "$work/apt/lists";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt";
Dir::Etc::SourceList "$work/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$work/apt/preferences";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Debug::NoLocking "true";
EOF
export APT_CONFIG=$work/apt/apt.conf
apt-get -qq update >&2
apt-get -qq -y --download-only install "${packages[@]}" >&2
for package in "$work"/apt/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$package" |
    tar -x -C "$work/root" --exclude=./usr/share/{doc,man,locale,zoneinfo}
done
rm -rf "$work/apt"

# Each program is started by the dynamic linker of its release, with the libraries of its release.
linker=$(cd "$work" && find root -path '*/x86_64-linux-gnu/ld-linux-x86-64.so.2' | head -n 1)
mkdir "$work/bin"
for program in "$work"/root/usr/lib/cyrus/bin/*; do
  name=$(basename "$program")
  cat > "$work/bin/$name" <<EOF
#!/bin/sh
export SASL_PATH='$folder/root/usr/lib/x86_64-linux-gnu/sasl2'
exec '$folder/$linker' --library-path '$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu' \\
  '$folder/root/usr/lib/cyrus/bin/$name' "\$@"
EOF
done
chmod 755 "$work"/bin/*
echo "${packages[*]}" > "$work/complete"
rm -rf "$folder"
mv "$work" "$folder"
trap - EXIT
"$folder/bin/cyr_info" -C /dev/null version >&2
echo "$folder/bin"
