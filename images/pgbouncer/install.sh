#!/bin/sh
# Runs inside the build: installs PgBouncer from sid, or from the image's own suite where sid cannot be had, and writes
# down which version that was.
set -eu
export DEBIAN_FRONTEND=noninteractive
floor=1.26.1
lists=/etc/apt/sources.list.d
newest=$lists/newest.sources

groupadd --system --gid 70 pgbouncer
useradd --system --uid 70 --gid 70 --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin pgbouncer

# Sid comes from the mirror that the image uses already; both suites stand side by side and the newer package wins.
cat $lists/debian.sources /etc/apt/sources.list 2>/dev/null >/tmp/sources || true
uri=$(awk '$1 == "deb" { sub(/\[[^]]*\]/, ""); print $2; exit } $1 == "URIs:" { print $2; exit }' /tmp/sources)
keyring=$(awk '$1 == "Signed-By:" { print $2; exit }' /tmp/sources)
printf 'Types: deb\nURIs: %s\nSuites: sid\nComponents: main\nSigned-By: %s\n' \
  "$uri" "${keyring:-/usr/share/keyrings/debian-archive-keyring.gpg}" >$newest

update='apt-get -qq -o APT::Update::Error-Mode=any update'

# The program and its libraries alone: of postgresql-common, half the size with Perl, nothing is used in a container.
install_pgbouncer() {
  rm -f /tmp/*.deb
  (cd /tmp && apt-get -qq -o APT::Sandbox::User=root download pgbouncer) &&
    apt-get satisfy -y --no-install-recommends ca-certificates \
      "$(dpkg-deb -f /tmp/pgbouncer_*.deb Depends | sed 's/postgresql-common[^,]*, *//')" &&
    dpkg --unpack --force-depends /tmp/pgbouncer_*.deb
}
own_suite() {
  echo "pgbouncer: $1; taking the suite's own package"
  rm -f $newest
  apt-get -qq update
  install_pgbouncer
}
if $update; then
  install_pgbouncer || own_suite "sid's package cannot be installed"
elif $update -o Acquire::Check-Valid-Until=false; then
  echo "pgbouncer: the mirror's copy of sid is past its date; taken all the same, signatures verified"
  install_pgbouncer || own_suite "sid's package cannot be installed"
else
  own_suite 'sid cannot be reached'
fi

version=$(dpkg-query -W -f '${Version}' pgbouncer)
if dpkg --compare-versions "$version" ge "$floor"; then state=ok; else state=below; fi
mkdir -p /usr/share/telegram-stack
echo "pgbouncer $version $floor $state" | tee /usr/share/telegram-stack/versions

# The package's own configuration would only mislead: the component brings its own.
rm -rf /etc/pgbouncer/* $newest /tmp/sources /tmp/*.deb /var/lib/apt/lists/*
