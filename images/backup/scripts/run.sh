# One backup. Each part is tried, whatever became of the others; the run fails when one of them did.

# A transaction that began before this many seconds has ended when the manifest is taken.
settled=60

# run [full|diff|incr|missing]: everything; `missing`, what was not backed up since the last scheduled time.
do_run() {
  exec 9>"$state/lock"
  flock -n 9 || {
    echo 'telegram-backup: another backup is running' >&2
    exit "$busy"
  }
  started=$(now)
  failed=
  label=
  wanted=${1:-}
  if ! ensure_repositories; then
    remember database.failure "$started"
    write_metrics
    fail 'the target cannot be used'
  fi
  touch "$state/ready"
  attempt database save_database "$wanted"
  [ -z "$BACKUP_REDIS" ] || attempt redis save_redis
  [ -z "$BACKUP_RABBITMQ" ] || attempt rabbitmq save_rabbitmq
  attempt sessions save_sessions
  # What a drill compares the newest backup of the database with: without that backup there is nothing to be compared.
  case " $failed " in
    *' database '*) ;;
    *) attempt manifest save_manifest "$(($(recall database.success) - settled))" ;;
  esac
  attempt retention forget_old
  write_metrics
  [ -z "$failed" ] || fail "not backed up:$failed"
  say "✔ backup${label:+ $label} in $(($(now) - started)) s"
}

attempt() {
  kind=$1
  [ "$wanted" != missing ] || missing "$kind" || return 0
  began=$(now)
  shift
  bytes=0
  if "$@"; then
    case $kind in redis | rabbitmq | sessions | manifest) bytes=$(size_of "$kind") ;; esac
    remember_success "$kind" "$began" "$bytes"
    say "• $kind: $bytes bytes"
  else
    remember "$kind.failure" "$began"
    failed="$failed $kind"
    say "✖ $kind failed"
  fi
}

save_database() {
  type=$1
  case $type in '' | missing) type=$(type_due) ;; esac
  if point_in_time; then save_files "$type"; else save_dump; fi
}

# The database's files while it runs, and with them the WAL that makes them consistent.
save_files() {
  # A target that takes no WAL is told here, rather than after minutes of waiting for it.
  push_wal || return 1
  pgbackrest_bounded --type="$1" --log-level-console=info backup || return 1
  last=$(pgbackrest_bounded --output=json info | jq -c '.[0].backup[-1]') || return 1
  label=$(echo "$last" | jq -r .label)
  bytes=$(echo "$last" | jq -r .info.repository.delta)
  remember type "$1"
  # What was dropped before this backup began is no longer needed.
  [ ! -e "$spool/gap" ] || [ "$(stat -c %Y "$spool/gap")" -ge "$started" ] || rm -f "$spool/gap"
}

save_dump() {
  save dump database.dump pg_dump --format=custom --compress=zstd:3 --no-password || return 1
  bytes=$(size_of dump)
}

# pgBackRest forgets by itself, with each backup. Each part ages by itself, its newest copy stays, and none of one that failed goes.
forget_old() {
  for aged in redis rabbitmq sessions manifest dump; do
    case "$aged $failed " in
      *" $aged "* | 'dump '*' database '*) continue ;;
    esac
    restic_bounded forget --tag "$aged" --keep-within "${BACKUP_KEEP_DAYS}d" --keep-last 1 --group-by host --prune \
      >/dev/null || return 1
  done
}

# Full on the day of the week, or where there was none for a week; else what changed since.
type_due() {
  full_at=$(pgbackrest_bounded --output=json info 2>/dev/null |
    jq -r '[.[0].backup[]? | select(.type == "full") | .timestamp.stop] | max // 0' || echo 0)
  age=$(($(now) - ${full_at:-0}))
  day=86400
  if [ "$age" -gt $((7 * day)) ]; then
    echo full
  elif [ "$age" -gt "$day" ] && [ "$(date -u +%A | tr A-Z a-z)" = "$BACKUP_FULL_ON" ]; then
    echo full
  else
    echo diff
  fi
}

do_list() {
  {
    if point_in_time; then pgbackrest_bounded --output=json info || exit 1; else echo '[]'; fi
    restic_bounded snapshots --json || exit 1
  } | jq -s --arg engine "$BACKUP_ENGINE" --argjson archived "$(recall wal.archived)" --argjson drilled "$(recall drill.at)" '{
    engine: $engine,
    walArchivedAt: $archived,
    drilledAt: $drilled,
    database: [.[0][0].backup[]? | {
      label, type, startedAt: .timestamp.start, endedAt: .timestamp.stop,
      databaseBytes: .info.size, storedBytes: .info.repository.delta, error
    }],
    status: (.[0][0].status.message // "ok"),
    parts: [.[1][]? | {part: .tags[0], at: .time, id: .short_id, bytes: (.summary.total_bytes_processed // 0)}]
  }'
}

# deep: every byte that is stored is read.
do_check() {
  deep=${1:-}
  if point_in_time; then
    verified=$(pgbackrest_bounded --output=text --verbose verify 2>&1) || { echo "$verified" >&2; exit 1; }
    echo "$verified"
    case $verified in *'status: error'*) fail 'the repository of the database is damaged' ;; esac
  fi
  unlock_stale
  restic_bounded check ${deep:+--read-data}
}
