#!/bin/sh
# Starts PostgreSQL on the official image and on the project's own alike.
#
# Promised: a fresh volume becomes a cluster whole or not at all, however often the first start is cut off; a volume
#   that this server cannot serve is left untouched and named in one line; a volume that outlived its stack is served to the
#   next one, whose password the superuser gets.
# On failure: exit 1; Docker starts it again.
set -eu

volume=/var/lib/postgresql/data
# A folder of its own, so that a finished cluster appears by one rename.
cluster=$volume/cluster
# Newest TimescaleDB that ever ran on this cluster.
mark=$cluster/telegram-timescaledb-version
# Digest of the superuser's password, to see when another one is given.
known=$cluster/telegram-bootstrap-password.sha256

fatal() {
  echo "start-postgres: $*" >&2
  exit 1
}

major=$(postgres --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
offered=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" \
  /usr/share/postgresql/"$major"/extension/timescaledb.control \
  /usr/local/share/postgresql/extension/timescaledb.control 2>/dev/null || true)
[ -n "$offered" ] || fatal 'the image has no TimescaleDB'

if [ -e "$volume/PG_VERSION" ] && [ ! -e "$cluster" ]; then
  fatal "the volume holds a PostgreSQL $(cat "$volume/PG_VERSION") cluster that this stack did not make;" \
    'restore a dump of it into a fresh volume'
fi

if [ ! -e "$cluster" ]; then
  # The newest of them: what an earlier restore has kept is older.
  former=
  for kept in "$volume"/cluster.before-*; do [ ! -e "$kept" ] || former=$kept; done
  [ -z "$former" ] ||
    fatal "there is no $cluster, but $former: a restore was cut off while it switched. Repeat the restore," \
      "or rename that folder to $cluster for the data from before"
  echo "start-postgres: empty volume, making a PostgreSQL $major cluster"
  fresh=$volume/cluster.new
  rm -rf "$fresh"
  # The builtin C.UTF-8 sorts alike on glibc and musl: a volume may move between both images without a rebuilt index.
  initdb --pgdata="$fresh" --username=postgres --pwfile=/credentials/bootstrap-password \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 \
    --data-checksums --no-instructions
  echo 'CREATE DATABASE telegram_gateway' |
    postgres --single -D "$fresh" -c exit_on_error=on -c log_checkpoints=off postgres >/dev/null
  echo "$offered" >"$fresh/${mark##*/}"
  sha256sum </credentials/bootstrap-password >"$fresh/${known##*/}"
  sync
  mv "$fresh" "$cluster"
fi

found=$(cat "$cluster/PG_VERSION")
[ "$found" = "$major" ] ||
  fatal "the volume was made by PostgreSQL $found, the image has $major:" \
    'dump it with the old image, restore it with the new'
marked=$(cat "$mark" 2>/dev/null || echo "$offered")
newest=$(printf '%s\n%s\n' "$marked" "$offered" | sort -t . -k 1,1n -k 2,2n -k 3,3n | tail -n 1)
[ "$newest" = "$offered" ] ||
  fatal "the volume was used by TimescaleDB $marked, the image has the older $offered: go back to the newer image"
echo "$offered" >"$mark"

given=$(sha256sum </credentials/bootstrap-password)
if [ "$given" != "$(cat "$known" 2>/dev/null)" ]; then
  # One line on stdin of a server that nobody can connect to; it is hashed there, and logged nowhere.
  echo "ALTER ROLE postgres PASSWORD '$(cat /credentials/bootstrap-password)'" |
    postgres --single -D "$cluster" -c exit_on_error=on -c log_checkpoints=off -c log_statement=none \
      -c log_min_error_statement=panic postgres >/dev/null
  echo "$given" >"$known"
fi

# The backup comes in here, where it is on.
mkdir -p -m 0700 "$volume/socket"

exec postgres -D "$cluster" -c config_file=/telegram/postgresql.conf -c hba_file=/telegram/pg_hba.conf
