#!/bin/sh
# archive_command: hands one segment of WAL to the backup, which brings it to its target. PostgreSQL reuses the segment once
# this has ended well, so by then the copy is on disk.
#
#   pgbackrest-spool.sh PATH NAME MAX_MIB
#
# Promised: a name in the spool is a whole segment. While the target is away the spool grows, on the disk of the database,
#   up to MAX_MIB: then segments are dropped, so that the database goes on. The file `gap` says so; from there on points in
#   time can be reached again with the next backup.
# On failure: exit 1; PostgreSQL keeps the segment and tries again.
set -eu

spool=/var/lib/postgresql/data/archive
path=$1 name=$2 most=$3

mkdir -p "$spool"
if [ "$(du -sk "$spool" | cut -f 1)" -gt $((most * 1024)) ]; then
  : >"$spool/gap"
  echo "pgbackrest-spool: $name dropped: more than $most MiB wait for the target of the backup" >&2
  exit 0
fi
dd if="$path" of="$spool/$name.new" bs=1048576 conv=fsync 2>/dev/null
mv "$spool/$name.new" "$spool/$name"
sync "$spool"
