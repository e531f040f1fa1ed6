import { PORTS, SENTINEL_MASTER } from '../../runtime/contract.js';

/** Where the secret files of every Redis container are mounted, read-only. */
export const CREDENTIALS = '/credentials';

/** Where the files that are not secret are: a tmpfs that the container fills when it starts. */
export const FILES = '/run/telegram';

/** uid and gid of `redis` in the official image and in the project's own. */
export const OWNER = '999:999';

export interface NodeValues {
  /** Fixed address of the node itself. */
  readonly address: string;
  /** Cap of the data set, in MiB; the container's limit leaves room for buffers and the copy of a rewrite. */
  readonly maxMemoryMb: number;
}

/**
 * redis.conf of a data node, without its role: the start script copies it to /data, adds the role and leaves that copy
 * to Redis, which rewrites it when a Sentinel changes the role.
 *
 * - `allkeys-lru`: everything in it is a copy with a life of its own, so it must never refuse a write; what was not asked
 *   for longest is the oldest message, which is the one nobody polls for any more.
 * - `auto-aof-rewrite`: writing the log anew takes seconds of a processor, from whoever uses it at that time. So it may first grow to
 *   twice what may be kept, and to three times what it was after the last rewrite; a start reads 100 MB and more of it a second.
 * - `oom-score-adj`: what the rewrite of the log copies may not fit beside the data when much is written meanwhile. The kernel
 *   then ends the rewrite, which is tried again, and not the server.
 * - no `min-replicas-to-write`: with a single replica the promoted master would refuse writes until the other is back.
 * - no host names anywhere: a stopped container's name vanishes, and Sentinels then do not fail over.
 */
export function renderRedisConf({ address, maxMemoryMb }: NodeValues): string {
  return `# Made by the stack; changes are lost at the next start.
port ${String(PORTS.redis)}
bind 0.0.0.0
protected-mode yes
daemonize no
logfile ""
dir /data
databases 1
tcp-keepalive 60
shutdown-timeout 5

aclfile ${CREDENTIALS}/users.acl
include ${CREDENTIALS}/replication.conf

appendonly yes
appendfsync everysec
auto-aof-rewrite-percentage 200
auto-aof-rewrite-min-size ${String(2 * maxMemoryMb)}mb
save ""
oom-score-adj relative
oom-score-adj-values 0 0 800

maxmemory ${String(maxMemoryMb)}mb
maxmemory-policy allkeys-lru
lazyfree-lazy-eviction yes
lazyfree-lazy-expire yes

replica-announce-ip ${address}
replica-announce-port ${String(PORTS.redis)}
repl-diskless-sync-delay 0
repl-ping-replica-period 1
repl-backlog-size ${String(backlogMb(maxMemoryMb))}mb
min-replicas-to-write 0
client-output-buffer-limit replica ${String(backlogMb(maxMemoryMb) * 4)}mb ${String(backlogMb(maxMemoryMb) * 2)}mb 60
`;
}

/** Backlog that lets a replica catch up after a short cut without a full copy: a sixteenth, from 1 to 64 MiB. */
function backlogMb(maxMemoryMb: number): number {
  return Math.min(64, Math.max(1, Math.floor(maxMemoryMb / 16)));
}

export interface SentinelValues {
  /** Fixed address of the Sentinel itself. */
  readonly address: string;
  /** How many of them agree that the master is down: a majority. */
  readonly quorum: number;
}

/**
 * sentinel.conf without what changes: the start script adds the master's address, what this Sentinel knew before, and the
 * passwords. An unreachable master is taken for down after one second; a failover that got stuck is tried again after six.
 */
export function renderSentinelConf({ address, quorum }: SentinelValues): string {
  return `# Made by the stack; changes are lost at the next start.
port ${String(PORTS.sentinel)}
bind 0.0.0.0
daemonize no
logfile ""
dir /data
aclfile ${CREDENTIALS}/sentinel-users.acl
sentinel resolve-hostnames no
sentinel announce-hostnames no
sentinel announce-ip ${address}
sentinel announce-port ${String(PORTS.sentinel)}
sentinel deny-scripts-reconfig yes
sentinel monitor ${SENTINEL_MASTER} @MASTER@ ${String(PORTS.redis)} ${String(quorum)}
sentinel down-after-milliseconds ${SENTINEL_MASTER} 1000
sentinel failover-timeout ${SENTINEL_MASTER} 3000
sentinel parallel-syncs ${SENTINEL_MASTER} 1
`;
}

/** Smallest number that is more than half. */
export function majority(sentinels: number): number {
  return Math.floor(sentinels / 2) + 1;
}
