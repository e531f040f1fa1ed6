import {
  ALL_CHANNELS,
  DEAD_LETTER_EXCHANGE,
  DEAD_LETTER_QUEUE,
  DEAD_LETTER_QUEUE_ARGUMENTS,
  EXCHANGE,
  GROUP_QUEUE_ARGUMENTS,
  PORTS,
  RETRY_DELAYS_MS,
  RETRY_EXCHANGE,
  VHOST,
  groupQueue,
  retryBindingArguments,
  retryQueue,
  retryQueueArguments,
} from '../../runtime/contract.js';

/** Host part of the node name, on which the data directory depends. */
export const HOSTNAME = 'telegram-rabbitmq';
export const NODE_NAME = `rabbit@${HOSTNAME}`;
/** Where the files that are not secret are; it hides what an image brings along there, so that both sources are alike. */
export const FILES = '/etc/rabbitmq';
export const DATA = '/var/lib/rabbitmq';
/** uid and gid of `rabbitmq` in the official image and in the project's own. */
export const OWNER = '999:999';

/**
 * rabbitmq.conf. The watermark is absolute, because the relative one mistakes the limits of a container; above it publishers
 * are held back, which the outbox stands. Quorum queues keep their log in memory until its file is full: were that
 * more than the watermark (it is 512 MB by default), those who could fill it would be held back for ever. Statistics are
 * for Prometheus: the management interface shows queue totals only.
 */
export function renderRabbitmqConf({ memoryMb }: { readonly memoryMb: number }): string {
  return `# Made by the stack.
listeners.tcp.default = ${String(PORTS.amqp)}
management.tcp.port = ${String(PORTS.rabbitManagement)}
prometheus.tcp.port = ${String(PORTS.rabbitMetrics)}
default_queue_type = quorum
definitions.import_backend = local_filesystem
definitions.local.path = ${FILES}/definitions.json
vm_memory_high_watermark.absolute = ${String(Math.floor(memoryMb * 0.6))}MiB
disk_free_limit.absolute = 1GB
raft.wal_max_size_bytes = ${String(Math.floor(memoryMb / 16) * 2 ** 20)}
loopback_users.guest = true
heartbeat = 10
log.file = false
log.console = true
log.console.level = info
management_agent.disable_metrics_collector = true
management.enable_queue_totals = true
`;
}

/** Management interface and metrics, nothing else. */
export function renderEnabledPlugins(): string {
  return '[rabbitmq_management,rabbitmq_prometheus].\n';
}

/**
 * Topology as JSON, without users: their passwords change at run time and must never replace the broker. Importing it
 * again at every start adds what is missing and changes nothing else.
 */
export function renderDefinitions(groups: readonly string[]): string {
  const queues = [
    ...groups.map((group) => queue(groupQueue(group), GROUP_QUEUE_ARGUMENTS)),
    queue(DEAD_LETTER_QUEUE, DEAD_LETTER_QUEUE_ARGUMENTS),
    ...RETRY_DELAYS_MS.map((delay) => queue(retryQueue(delay), retryQueueArguments(delay))),
  ];
  const bindings = [
    ...groups.map((group) => binding(EXCHANGE, groupQueue(group), ALL_CHANNELS)),
    binding(DEAD_LETTER_EXCHANGE, DEAD_LETTER_QUEUE, '#'),
    ...RETRY_DELAYS_MS.map((delay) => binding(RETRY_EXCHANGE, retryQueue(delay), '', retryBindingArguments(delay))),
  ];
  const exchanges = [
    exchange(EXCHANGE, 'topic'),
    exchange(DEAD_LETTER_EXCHANGE, 'topic'),
    exchange(RETRY_EXCHANGE, 'headers'),
  ];
  const vhosts = [{ name: VHOST, default_queue_type: 'quorum' }];
  return `${JSON.stringify({ vhosts, exchanges, queues, bindings }, null, 2)}\n`;
}

function exchange(name: string, type: string) {
  return { name, vhost: VHOST, type, durable: true, auto_delete: false, internal: false, arguments: {} };
}

function queue(name: string, args: object) {
  return { name, vhost: VHOST, durable: true, auto_delete: false, arguments: args };
}

function binding(source: string, destination: string, key: string, args: object = {}) {
  return { source, vhost: VHOST, destination, destination_type: 'queue', routing_key: key, arguments: args };
}

/**
 * Start script. It becomes the server itself and passes by the official image's entrypoint, which refuses half of the
 * settings. The Erlang cookie is copied from the credentials, because it must be a file of the user's own, mode 0400, in its home.
 */
export function renderStartScript(): string {
  return `set -eu
umask 027
rm -f ${DATA}/.erlang.cookie
install -m 0400 /credentials/erlang.cookie ${DATA}/.erlang.cookie
exec rabbitmq-server
`;
}

/**
 * Health: the broker's metrics page answers, which it does once plugins and listeners run. In bash, because neither image
 * has an HTTP client and a tool of RabbitMQ's own starts a virtual machine each time (1.5 s of CPU).
 */
export function renderHealthScript(): string {
  return `exec 3<>/dev/tcp/127.0.0.1/${String(PORTS.rabbitMetrics)} || exit 1
printf 'GET /metrics/memory-breakdown HTTP/1.0\\r\\n\\r\\n' >&3
read -r -t 4 _ status _ <&3
[ "$status" = 200 ] || exit 1
exec 4<>/dev/tcp/127.0.0.1/${String(PORTS.amqp)}
`;
}

/**
 * Settings of the Erlang virtual machine: as many schedulers as there are cores to use, none of which waits busily. With less
 * than one core there is still one scheduler.
 */
export function renderErlangArguments({ cpus }: { readonly cpus: number }): string {
  const schedulers = String(Math.max(1, Math.ceil(cpus)));
  return `+S ${schedulers}:${schedulers} +sbwt none +sbwtdcpu none +sbwtdio none`;
}
