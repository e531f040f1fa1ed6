# Back from the repository. Nothing here touches the cluster that serves: what is fetched goes into a folder of its own.

recovery=$volume/recovery

# fetch CLUSTER [TIME | end | SET]: the files, told to recover to the time, to the end of the WAL, or (no word) to the
# moment the newest backup was complete.
do_fetch() {
  folder=$volume/$1
  [ ! -e "$folder/PG_VERSION" ] || fail "$folder is not empty"
  rm -rf "$folder" "$recovery"
  mkdir -p -m 0700 "$folder" "$socket" "$spool" "$recovery"
  case ${2:-} in
    '') set -- --type=immediate ;;
    end) set -- --type=default ;;
    *) set -- --type=time --target="$2" ;;
  esac
  [ "$1" = --type=default ] || set -- "$@" --target-action=promote
  pgbackrest_bounded --log-level-console=info --pg1-path="$folder" --process-max=2 \
    --recovery-option=restore_command='sh /telegram/fetch-wal.sh %f "%p"' "$@" restore
}

# feed CLUSTER: answers components/timescale/fetch-wal.sh. A segment that is not there is the end of the WAL; a repository
# that cannot be read is not, and ends the recovery.
do_feed() {
  folder=$volume/$1
  while :; do
    for want in "$recovery"/want.*; do
      [ -e "$want" ] || continue
      name=${want##*/want.}
      code=0
      pgbackrest_bounded --log-level-console=error --pg1-path="$folder" archive-get "$name" "$recovery/new.$name" || code=$?
      case $code in
        0) mv "$recovery/new.$name" "$recovery/have.$name" ;;
        1) : >"$recovery/none.$name" ;;
        *) : >"$recovery/fail.$name" ;;
      esac
      rm -f "$want"
    done
    sleep 0.05
  done
}

# Ends a transaction, so that a recovery to a moment just before finds something that lies behind it.
do_mark() { sql -c "select pg_logical_emit_message(true, 'telegram-backup', 'restore')" >/dev/null; }

# Waits until all WAL that the database handed over is in the repository; fails where it never will be.
do_drained() {
  [ -e "$state/ready" ] || fail 'the target takes no WAL of this database'
  tries=0
  while [ -n "$(find "$spool" -name '[0-9A-F]*' 2>/dev/null | head -n 1)" ]; do
    tries=$((tries + 1))
    [ "$tries" -le "${1:-120}" ] || fail 'WAL waits that does not reach the target'
    sleep 1
  done
}

# switch FRESH OLD: the fresh cluster takes the place of the one that served, which is kept under the other name. Both are
# stopped. What belongs to this volume and not to the data (password of the superuser as the stack knows it) goes along.
do_switch() {
  fresh=$volume/$1 old=$volume/$2
  [ -e "$fresh/PG_VERSION" ] || fail "$fresh is no cluster"
  for file in telegram-bootstrap-password.sha256 telegram-timescaledb-version; do
    [ ! -e "$cluster/$file" ] || cp -p "$cluster/$file" "$fresh/$file"
  done
  : >"$fresh/postgresql.auto.conf"
  sync
  [ ! -e "$cluster" ] || mv "$cluster" "$old"
  mv "$fresh" "$cluster" || {
    mv "$old" "$cluster"
    fail "$fresh cannot take the place of $cluster"
  }
  # What waits there is of the history that was left: it would be refused for ever.
  rm -rf "$recovery" "${spool:?}"/*
  sync
}

# drop CLUSTER: never the one that serves.
do_drop() {
  case ${1:-} in cluster.*) rm -rf "${volume:?}/$1" "$recovery" ;; *) fail "will not remove ${1:-nothing}" ;; esac
}

# space: KiB that are free on the volume, KiB that the cluster takes, and the clusters that an earlier restore left.
do_space() {
  free=$(df -k --output=avail "$volume" | tail -n 1)
  used=$(du -sk "$cluster" 2>/dev/null | cut -f 1)
  (cd "$volume" && ls -d cluster.before-* 2>/dev/null || true) |
    jq -R . | jq -s --argjson free "$free" --argjson used "${used:-0}" '{freeKb: $free, usedKb: $used, left: .}'
}

# Says t while the server that was fetched still recovers, f once it takes changes.
do_recovering() { sql -c 'select pg_is_in_recovery()'; }

# Passwords as the stack has them now, whatever they were when the backup was made.
do_roles() { sql -f /credentials/roles.sql >/dev/null; }
