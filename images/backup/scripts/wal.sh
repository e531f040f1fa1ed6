# WAL, from the spool into the repository.

# Hands on what waits, oldest first. Stops at the first failure: it is tried again. The loop and a backup come here at once:
# the second one waits.
push_wal() (
  exec 7>"$state/wal.lock"
  flock -w 600 7 || exit 1
  for file in "$spool"/[0-9A-F]*; do
    case $file in *.new | *'*') continue ;; esac
    pgbackrest_bounded --log-level-console=warn archive-push "$file" || exit 1
    rm -f "$file"
    remember wal.archived "$(now)"
  done
)

# One at a time: the loop and a backup that waits for its WAL.
push_wal_forever() {
  pause=1
  while :; do
    if [ -d "$spool" ] && [ -e "$state/ready" ]; then
      if push_wal; then pause=1; else pause=$((pause < 30 ? pause * 2 : 30)); fi
    fi
    sleep "$pause"
  done
}
