import { PORTS, SENTINEL_MASTER } from '../../runtime/contract.js';
import { CREDENTIALS, FILES } from './render.js';

/**
 * Who is master, after any sequence of failovers and restarts.
 *
 * Promised: a data node takes the role that the Sentinels name, by the highest epoch among a majority of them; a Sentinel
 * comes back knowing the master it knew, or the one that really is. So there is exactly one master once both nodes
 * and the Sentinels run.
 * Not promised: that nothing written to a master that died is lost (replication is asynchronous; this is a cache), nor
 * that two masters never overlap for some seconds while a Sentinel turns the old one into a replica.
 * On failure: with no Sentinel answering within ten seconds, the other node's role decides, then the rendered one.
 */
export interface Topology {
  /** The rendered master first, then its replica. */
  readonly nodes: readonly [string, string];
  readonly sentinels: readonly string[];
  readonly quorum: number;
}

/**
 * Shell function `ask`: one command to one server, bounded, with either password of a rotation. Passwords go to redis-cli by
 * stdin alone: its arguments and its environment can be read while it runs, which for a health check is every few seconds.
 */
const ASK = `
# ask ADDRESS PORT USER COMMAND...   The reply on stdout; fails when there is none. $INPUT is one more, secret word.
ask() {
  host=$1 port=$2 user=$3
  shift 3
  case $user in default) secrets=${CREDENTIALS}/sentinel-client ;; *) secrets=${CREDENTIALS}/$user ;; esac
  while read -r secret; do
    reply=$(printf 'AUTH %s %s\\n%s %s\\n' "$user" "$secret" "$*" "\${INPUT-}" |
      timeout "\${LIMIT:-1}" redis-cli -h "$host" -p "$port" 2>/dev/null) || return 1
    case $reply in
      OK?*) reply=\${reply#OK?} ;;
      WRONGPASS*) continue ;;
      *) return 1 ;;
    esac
    case $reply in '' | ERR* | NOPERM* | LOADING* | *'timed out'*) return 1 ;; esac
    printf '%s\\n' "$reply"
    return 0
  done <"$secrets"
  return 1
}
`;

/** Start script of a data node. The rendered role is that of `topology.nodes`: the first is the master. */
export function nodeStartScript(topology: Topology, self: string): string {
  const [rendered, replica] = topology.nodes;
  const other = self === rendered ? replica : rendered;
  return `set -eu
umask 077
SELF=${self}
OTHER=${other}
RENDERED=${rendered}
SENTINELS='${topology.sentinels.join(' ')}'
QUORUM=${String(topology.quorum)}
${ASK}
# Asks every Sentinel at once. Sets ANSWERS, MASTER (by the highest epoch) and BUSY (a failover is under way).
ask_sentinels() {
  for sentinel in $SENTINELS; do
    { ask "$sentinel" ${String(PORTS.sentinel)} default sentinel master ${SENTINEL_MASTER} |
      awk 'NR % 2 { key = $0; next } { value[key] = $0 }
        END { if ("ip" in value) print value["config-epoch"], value["ip"], value["flags"] }' >"/tmp/answer.$sentinel" || true; } &
  done
  wait
  ANSWERS=0 MASTER= BUSY= epoch=-1
  for sentinel in $SENTINELS; do
    read -r its_epoch its_master its_flags <"/tmp/answer.$sentinel" || continue
    case $its_master in "$SELF" | "$OTHER") ;; *) continue ;; esac
    ANSWERS=$((ANSWERS + 1))
    case $its_flags in *failover_in_progress*) BUSY=yes ;; esac
    if [ "$its_epoch" -gt "$epoch" ]; then epoch=$its_epoch MASTER=$its_master; fi
  done
}

# A node that ran before has Sentinels that ran before: they are waited for. A new node may be the first of all.
deadline=$(date +%s)
[ ! -f /data/redis.conf ] || deadline=$((deadline + 10))
source='the Sentinels'
while ask_sentinels; [ "$ANSWERS" -lt "$QUORUM" ] || [ -n "$BUSY" ]; do
  [ "$(date +%s)" -lt "$deadline" ] || break
  sleep 0.5
done
if [ -z "$MASTER" ]; then
  source='the other node'
  case $(ask "$OTHER" ${String(PORTS.redis)} sentinel role | tr '\\n' ' ') in
    'master '*) MASTER=$OTHER ;;
    "slave $SELF "*) MASTER=$SELF ;;
    *) MASTER=$RENDERED source='the configuration' ;;
  esac
fi

cp ${FILES}/redis.conf /data/redis.conf.new
[ "$MASTER" = "$SELF" ] || echo "replicaof $MASTER ${String(PORTS.redis)}" >>/data/redis.conf.new
mv /data/redis.conf.new /data/redis.conf
echo "start: the master is $MASTER by $source"
exec redis-server /data/redis.conf
`;
}

/**
 * Start script of a Sentinel. The rendered settings always apply; of its old file it keeps its id, its epochs, the
 * other Sentinels and the master. It is not bound to the rendered master: that one may have died long ago. A node that is alone in
 * claiming to be master is believed over the old file, with the epoch left behind so that any Sentinel that knows better wins.
 */
export function sentinelStartScript(topology: Topology, self: string): string {
  const peers = topology.sentinels.filter((address) => address !== self);
  return `set -eu
umask 077
NODES='${topology.nodes.join(' ')}'
PEERS='${peers.join(' ')}'
OLD=/data/sentinel.conf
${ASK}
MASTER= KEEP=
if [ -f "$OLD" ]; then
  known=$(awk '$1 == "sentinel" && $2 == "monitor" { print $4 }' "$OLD")
  case " $NODES " in *" $known "*) MASTER=$known KEEP='config-epoch leader-epoch' ;; esac
fi
claims=
for node in $NODES; do
  case $(ask "$node" ${String(PORTS.redis)} sentinel role | tr '\\n' ' ') in 'master '*) claims="$claims $node" ;; esac
done
case $claims in
  '' | ' '*' '*) ;;
  " $MASTER") ;;
  *) MASTER=\${claims# } KEEP= ;;
esac
MASTER=\${MASTER:-${topology.nodes[0]}}

{
  sed "s/@MASTER@/$MASTER/" ${FILES}/sentinel.conf
  cat ${CREDENTIALS}/sentinel.conf
  for node in $NODES; do
    [ "$node" = "$MASTER" ] || echo "sentinel known-replica ${SENTINEL_MASTER} $node ${String(PORTS.redis)}"
  done
  if [ -f "$OLD" ]; then
    awk -v keep="myid current-epoch $KEEP" -v peers="$PEERS" '
      BEGIN { split(keep, k); for (i in k) kept[k[i]]; split(peers, p); for (i in p) peer[p[i]] }
      $1 == "sentinel" && ($2 in kept || ($2 == "known-sentinel" && ($4 in peer)))' "$OLD"
  fi
} >"$OLD.new"
mv "$OLD.new" "$OLD"
echo "start: the master is $MASTER"
exec redis-server "$OLD" --sentinel
`;
}

/** Health of a data node: it answers. While it loads its data it is not healthy yet. */
export function nodeHealthScript(): string {
  return `set -eu
${ASK}
[ "$(ask 127.0.0.1 ${String(PORTS.redis)} sentinel ping)" = PONG ]
`;
}

/** Health of a Sentinel: it answers and names a master. */
export function sentinelHealthScript(): string {
  return `set -eu
${ASK}
ask 127.0.0.1 ${String(PORTS.sentinel)} default sentinel get-master-addr-by-name ${SENTINEL_MASTER} >/dev/null
`;
}

/**
 * Takes over rewritten credential files without a restart, in two steps that every container takes before any takes the
 * next: `accept` the new passwords, then `use` them. A Sentinel that shows another one a password it does not know yet stays cut
 * off from it. No connection of a client is cut; running it again changes nothing.
 */
export function reloadScript(kind: 'node' | 'sentinel'): string {
  const port = String(kind === 'node' ? PORTS.redis : PORTS.sentinel);
  const use =
    kind === 'node'
      ? `password=$(awk '$1 == "masterauth" { print $2 }' ${CREDENTIALS}/replication.conf)
    INPUT=$password expect_ok config set masterauth`
      : `password=$(awk '$2 == "auth-pass" { print $4 }' ${CREDENTIALS}/sentinel.conf)
    INPUT=$password expect_ok sentinel set ${SENTINEL_MASTER} auth-pass
    INPUT=$password expect_ok sentinel config set sentinel-pass`;
  return `set -eu
LIMIT=5
${ASK}
expect_ok() {
  [ "$(ask 127.0.0.1 ${port} admin "$@")" = OK ] || { echo "refused: $*" >&2; exit 1; }
}
case $1 in
  accept)
    expect_ok acl load
    ;;
  use)
    ${use}
    ;;
esac
`;
}
