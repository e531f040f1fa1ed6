#!/bin/sh
# restore_command: asks the backup's container for one file of archived WAL, through the volume that both share
# (images/backup/scripts/restore.sh answers).
#
#   fetch-wal.sh NAME PATH
#
# Promised: exit 1 only where the archive does not have the file, which PostgreSQL takes for the end of the WAL. Where the
#   archive cannot be read, or nobody answers for ten minutes, exit 200: PostgreSQL ends the recovery rather than end it early.
set -eu

folder=/var/lib/postgresql/data/recovery
name=$1 path=$2
tries=0

: >"$folder/want.$name"
until [ -e "$folder/none.$name" ]; do
  if [ -e "$folder/have.$name" ]; then
    mv "$folder/have.$name" "$path"
    exit 0
  fi
  tries=$((tries + 1))
  if [ -e "$folder/fail.$name" ] || [ "$tries" -gt 6000 ]; then
    rm -f "$folder/fail.$name"
    echo "fetch-wal: the archive of the backup cannot be read, asked for $name" >&2
    exit 200
  fi
  sleep 0.1
done
rm -f "$folder/none.$name"
exit 1
