# Everything but the database's files: each part is one snapshot of restic, streamed, so that nothing is in plain on a disk.

# save PART FILE COMMAND…: output of the command, under the tag of the part. Fails when the command does.
save() {
  part=$1 file=$2
  shift 2
  restic_bounded backup --host telegram --tag "$part" ${label:+--tag "backup=$label"} \
    --stdin-filename "$file" --stdin-from-command -- "$@"
}

# One node after the other, the replica first: a copy costs its node a fork.
save_redis() {
  for address in $BACKUP_REDIS; do
    save redis redis.rdb telegram-backup rdb "${address%:*}" "${address#*:}" && return 0
  done
  return 1
}

# rdb HOST PORT: what a node holds. The password travels by standard input: whoever may see the process may read a variable.
do_rdb() { timeout 900 redis-cli -h "$1" -p "$2" --user replication --askpass --rdb - </credentials/redis; }

save_rabbitmq() { save rabbitmq rabbitmq.json telegram-backup definitions; }

# Topology as `rabbitmqctl import_definitions` takes it. Users are left out: the stack makes them from its own secrets, and
# nobody but an administrator may see them.
do_definitions() {
  topology=$(
    for what in exchanges queues bindings policies; do
      curl -fsS --max-time 60 --config /credentials/rabbitmq "http://$BACKUP_RABBITMQ/api/$what/telegram" ||
        case $what in policies) echo '[]' ;; *) exit 1 ;; esac
    done
  ) || fail 'the broker does not tell its topology'
  echo "$topology" | jq -s '{
    vhosts: [{name: "telegram"}],
    exchanges: [.[0][] | select(.name != "" and (.name | startswith("amq.") | not))
                | {name, vhost, type, durable, auto_delete, internal, arguments}],
    queues: [.[1][] | {name, vhost, durable, auto_delete, arguments}],
    bindings: [.[2][] | select(.source != "") | {source, vhost, destination, destination_type, routing_key, arguments}],
    policies: .[3]
  }'
}

# Sealed by the gateways: only who has the key of the backups can open them.
save_sessions() {
  save sessions sessions.json psql -X -q -A -t -v ON_ERROR_STOP=1 -c "
    select coalesce(json_agg(json_build_object(
             'account', account_id, 'sealed', encode(sealed, 'base64'), 'sealed_at', sealed_at)), '[]')
      from telegram_gateway.session_copies"
}

# save_manifest UNTIL: what was in the database then, for a drill to compare with.
save_manifest() { save manifest manifest.json telegram-backup manifest "$1"; }

# manifest UNTIL: counts and samples of what was stored until then (seconds since 1970), as JSON.
do_manifest() { sql -v until="$1" -f "$library/manifest.sql"; }

do_part() {
  unlock_stale
  restic_bounded dump --tag "$1" latest "/$(file_of "$1")"
}

file_of() {
  case $1 in
    redis) echo redis.rdb ;;
    dump) echo database.dump ;;
    rabbitmq | sessions | manifest) echo "$1.json" ;;
    *) fail "there is no part $1" ;;
  esac
}

size_of() { restic_bounded stats --json --mode raw-data --tag "$1" latest 2>/dev/null | jq -r '.total_size // 0' || echo 0; }
