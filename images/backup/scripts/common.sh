# What all scripts share: where things are, how the tools are called.

volume=/var/lib/postgresql/data
cluster=$volume/cluster
# WAL that the database has handed over (components/timescale/pgbackrest-spool.sh) and that is not in the repository yet.
spool=$volume/archive
socket=$volume/socket
state=/var/lib/telegram-backup
stanza=telegram
busy=75

export PGBACKREST_CONFIG=/credentials/pgbackrest.conf
export PGBACKREST_STANZA=$stanza
export RESTIC_PASSWORD_FILE=/credentials/key
export AWS_SHARED_CREDENTIALS_FILE=/credentials/s3
# Somebody else's database is named by the environment.
export PGHOST="${PGHOST:-$socket}" PGUSER="${PGUSER:-postgres}" PGDATABASE="${PGDATABASE:-telegram_gateway}"
export PGCONNECT_TIMEOUT=10 PGAPPNAME=telegram-backup
# The container's memory is small, and Go takes what it can get.
export GOGC=20

say() { echo "$(date -u +%FT%TZ) $*"; }
fail() {
  echo "telegram-backup: $*" >&2
  exit 1
}
now() { date +%s; }

point_in_time() { [ "$BACKUP_ENGINE" = pgbackrest ]; }

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

# Every call is bounded: a target that takes connections and says nothing must not stop the loop for good.
pgbackrest_bounded() { timeout -k 10 "${BACKUP_LIMIT_S:-14400}" pgbackrest "$@"; }

# Restic tries again and again where a target refuses it, each part for a quarter of an hour.
restic_bounded() {
  timeout -k 10 "${BACKUP_PART_LIMIT_S:-3600}" restic --no-cache --quiet --retry-lock 2m \
    ${BACKUP_CA_FILE:+--cacert "$BACKUP_CA_FILE"} "$@"
}

# Locks of what was killed would keep others out for ever; those of a process that runs stay.
unlock_stale() { restic_bounded unlock >/dev/null; }

# Both repositories, made where they are missing. The one of another database, or under another key, is never touched. The loop
# and a backup that was asked for come here at once: the second one waits.
ensure_repositories() (
  exec 8>"$state/repositories.lock"
  flock -w 600 8 || fail 'the repositories are being looked at for too long'
  if point_in_time; then pgbackrest_bounded --log-level-console=warn stanza-create || exit 1; fi
  code=0
  said=$(restic_bounded --no-lock cat config 2>&1 >/dev/null) || code=$?
  case $code in
    0) unlock_stale ;;
    10) restic_bounded init >/dev/null ;;
    *) echo "$said" >&2; exit "$code" ;;
  esac
)
