# What the container does all day.

look_s=20
retry_s=900

do_serve() {
  rm -f "$state/ready"
  mkdir -p "$state/facts"
  # A part that is no longer backed up must not be called too old.
  [ -n "$BACKUP_REDIS" ] || rm -f "$state"/facts/redis.*
  [ -n "$BACKUP_RABBITMQ" ] || rm -f "$state"/facts/rabbitmq.*
  trap 'kill $pushing $telling 2>/dev/null; exit 0' TERM INT
  pushing=
  tell_forever &
  telling=$!
  if point_in_time; then
    mkdir -p -m 0700 "$spool"
    push_wal_forever &
    pushing=$!
  fi
  while :; do
    date +%s >"$state/alive"
    [ -e "$state/ready" ] || prepare
    if due; then
      telegram-backup run missing || say "✖ backup failed; tried again in $((retry_s / 60)) minutes"
    fi
    sleep "$look_s" &
    wait $! || true
  done
}

# Beside the backups, which may take hours: what waits and how old everything is has to be told meanwhile.
tell_forever() {
  while :; do
    write_metrics || say '✖ metrics cannot be written'
    sleep "$look_s"
  done
}

# WAL can go to the target as soon as the repository is there.
prepare() {
  if ensure_repositories; then touch "$state/ready"; else say '✖ the target cannot be used; tried again'; fi
}

# The last scheduled time that has passed, in seconds since 1970.
slot() {
  today=$(date -u -d "$(date -u +%F) $BACKUP_AT" +%s)
  if [ "$today" -le "$(now)" ]; then echo "$today"; else echo $((today - 86400)); fi
}

# Whether a part was not backed up since then.
missing() { [ "$(recall "$1.success")" -lt "$(slot)" ]; }

# Whether any is missing, and none of those was tried just now.
due() {
  late=1
  for kind in database sessions manifest retention ${BACKUP_REDIS:+redis} ${BACKUP_RABBITMQ:+rabbitmq}; do
    missing "$kind" || continue
    [ $(($(now) - $(recall "$kind.failure"))) -ge "$retry_s" ] || return 1
    late=0
  done
  return "$late"
}

do_health() {
  [ $(($(now) - $(cat "$state/alive"))) -lt "${BACKUP_LIMIT_S:-14400}" ] &&
    { ! point_in_time || pgrep -f 'telegram-backup serve' >/dev/null; }
}
