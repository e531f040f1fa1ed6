# What the sidecar remembers, one small file a fact, and what it tells Prometheus: the file in node_exporter's textfile format.

metrics=$state/telegram_backup.prom

remember() {
  mkdir -p "$state/facts"
  printf '%s\n' "$2" >"$state/facts/.$1.$$"
  mv "$state/facts/.$1.$$" "$state/facts/$1"
}
recall() { cat "$state/facts/$1" 2>/dev/null || echo "${2:-0}"; }

# facts: all of them as one JSON object, fact to value.
do_facts() {
  for file in "$state"/facts/*; do
    [ -e "$file" ] || continue
    printf '%s %s\n' "${file##*/}" "$(cat "$file")"
  done | jq -R 'split(" ") | {(.[0]): (.[1] | tonumber? // .[1] // .)}' | jq -s --argjson gap "$(gap)" 'add // {} | .gap = $gap'
}

# 1 where WAL was dropped that a backup has not made up for since.
gap() { [ ! -e "$spool/gap" ] && echo 0 || echo 1; }

# remember_success KIND STARTED BYTES
remember_success() {
  remember "$1.success" "$2"
  remember "$1.seconds" "$(($(now) - $2))"
  remember "$1.bytes" "$3"
}

metric() {
  echo "# HELP telegram_backup_$1 $2"
  echo "# TYPE telegram_backup_$1 gauge"
  for file in "$state"/facts/*."$3"; do
    [ -e "$file" ] || continue
    kind=${file##*/}
    echo "telegram_backup_$1{kind=\"${kind%%.*}\"} $(cat "$file")"
  done
}

write_metrics() {
  {
    metric last_success_timestamp_seconds 'Start of the last backup that succeeded.' success
    metric last_failure_timestamp_seconds 'Start of the last backup that failed.' failure
    metric duration_seconds 'Duration of the last backup that succeeded.' seconds
    metric size_bytes 'Bytes that the last backup holds.' bytes
    if point_in_time; then
      echo '# HELP telegram_backup_wal_waiting Segments of WAL that are not in the target yet.'
      echo '# TYPE telegram_backup_wal_waiting gauge'
      echo "telegram_backup_wal_waiting $(find "$spool" -name '[0-9A-F]*' ! -name '*.new' 2>/dev/null | wc -l)"
      echo '# HELP telegram_backup_wal_last_success_timestamp_seconds When WAL last reached the target: the recovery point.'
      echo '# TYPE telegram_backup_wal_last_success_timestamp_seconds gauge'
      echo "telegram_backup_wal_last_success_timestamp_seconds $(recall wal.archived)"
      echo '# HELP telegram_backup_wal_gap 1 where WAL was dropped because the target was away for too long; the next backup mends it.'
      echo '# TYPE telegram_backup_wal_gap gauge'
      echo "telegram_backup_wal_gap $(gap)"
    fi
    echo '# HELP telegram_backup_drill_last_success_timestamp_seconds When a restore drill was last good.'
    echo '# TYPE telegram_backup_drill_last_success_timestamp_seconds gauge'
    echo "telegram_backup_drill_last_success_timestamp_seconds $(recall drill.at)"
    echo '# HELP telegram_backup_drill_duration_seconds Time that this restore took.'
    echo '# TYPE telegram_backup_drill_duration_seconds gauge'
    echo "telegram_backup_drill_duration_seconds $(recall drill.took)"
  } >"$metrics.$$"
  chmod 0644 "$metrics.$$"
  mv "$metrics.$$" "$metrics"
}

do_drilled() {
  remember drill.at "$(now)"
  remember drill.took "$1"
  write_metrics
}
