/**
 * TimescaleDB with a standby, Redis with a Sentinel and a RabbitMQ cluster of three nodes, which no stack made and which speak TLS
 * only. They run on the images of the test stack.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { VHOST, groupQueue, DEFAULT_GROUP } from '../../runtime/contract.js';
import { Balancer } from './balancer.js';
import { ExternalDatabase } from './external-database.js';
import { HOST, makeNetwork, PASSWORD, PREFIX, removeEngines, runEngine, TLS_FILES } from './external-place.js';
import { authorityFor, type Authority } from './issued.js';
import { waitFor } from './services.js';
import { docker } from './test-stack.js';

const PORTS = { redis: 6379, sentinel: 26_379, amqp: 5671 } as const;
const NODES = ['rabbit-1', 'rabbit-2', 'rabbit-3'] as const;
export type BrokerNode = (typeof NODES)[number];
/** Port of one node; clients go to the balancer's. */
const nodePort = (node: BrokerNode) => PORTS.amqp + 1 + NODES.indexOf(node);
/** As the Sentinels of most call it. */
const MASTER = 'mymaster';
/** Each call of RabbitMQ's tool starts a virtual machine. */
const CTL_PAUSE_MS = 1_000;
const BOUND_MS = 5 * 60_000;

/** The rights that docs/guides/deployment.md asks for. */
const CACHE_RIGHTS = '~telegram:* +@read +@write +@connection +@transaction -@dangerous -@blocking +info +role';
const REDIS_TLS = `port 0
tls-cert-file /tmp/tls/server.pem
tls-key-file /tmp/tls/server.key
tls-ca-cert-file /tmp/tls/authority.pem
tls-auth-clients no
tls-replication yes
dir /tmp
`;
const redis = (settings: string, mode = '') => `${TLS_FILES}
cat >/tmp/redis.conf <<'END'
${REDIS_TLS}${settings}
END
exec redis-server /tmp/redis.conf ${mode}`;

const DATA_NODE = redis(`tls-port ${String(PORTS.redis)}
user default off
user sentinel on >${PASSWORD} ~* &* +@all
user telegram on >${PASSWORD} ${CACHE_RIGHTS}`);
const SENTINEL = redis(
  `tls-port ${String(PORTS.sentinel)}
requirepass ${PASSWORD}
sentinel monitor ${MASTER} ${HOST} ${String(PORTS.redis)} 1
sentinel auth-user ${MASTER} sentinel
sentinel auth-pass ${MASTER} ${PASSWORD}`,
  '--sentinel',
);

/** The rights that docs/guides/deployment.md asks for: configure, write, read. */
const BROKER_RIGHTS = ['^telegram\\.', '^(telegram\\.|amq\\.default$)', '^telegram\\.'];

const RABBIT = `${TLS_FILES}
mkdir -p /tmp/rabbit
cat >/tmp/rabbit/rabbitmq.conf <<'END'
listeners.tcp = none
listeners.ssl.default = ${String(PORTS.amqp)}
ssl_options.cacertfile = /tmp/tls/authority.pem
ssl_options.certfile = /tmp/tls/server.pem
ssl_options.keyfile = /tmp/tls/server.key
ssl_options.verify = verify_none
cluster_formation.peer_discovery_backend = classic_config
${NODES.map((node, n) => `cluster_formation.classic_config.nodes.${String(n + 1)} = rabbit@${node}`).join('\n')}
default_vhost = ${VHOST}
default_user = telegram
default_pass = ${PASSWORD}
vm_memory_high_watermark.absolute = 300MiB
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 16777216
END
export HOME=/tmp/rabbit RABBITMQ_CONFIG_FILE=/tmp/rabbit/rabbitmq.conf RABBITMQ_MNESIA_BASE=/tmp/rabbit/mnesia RABBITMQ_LOGS=-
export RABBITMQ_ENABLED_PLUGINS_FILE=/tmp/rabbit/plugins RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none'
echo '[].' >/tmp/rabbit/plugins
printf cookie-of-the-cluster >/tmp/rabbit/.erlang.cookie
chmod 0400 /tmp/rabbit/.erlang.cookie
exec rabbitmq-server`;

export class ExternalEngines {
  readonly authority: Authority = authorityFor(HOST);
  readonly database = new ExternalDatabase(this.authority);
  #balancer: Balancer | null = null;

  /** All of them, ready for use; what an earlier run left goes first. */
  async start(): Promise<void> {
    await this.stop();
    await makeNetwork();
    this.#balancer = await Balancer.start(HOST, PORTS.amqp, NODES.map(nodePort));
    await this.#run('redis', 'redis-master', DATA_NODE, [PORTS.redis, PORTS.redis]);
    await this.#run('sentinel', 'redis-master', SENTINEL, [PORTS.sentinel, PORTS.sentinel]);
    for (const node of NODES) await this.#run(node, 'rabbitmq', RABBIT, [nodePort(node), PORTS.amqp]);
    await this.database.start();
    await this.#ready();
  }

  /** Keys of a stack file that uses them all. */
  get keys(): Readonly<Record<string, unknown>> {
    const login = { user: 'telegram', password: PASSWORD };
    return {
      'telegram:tlsAuthorities': this.authority.certificate,
      'telegram:timescale': this.database.key,
      'telegram:redis': {
        ...{ kind: 'external', ...login, sentinelPassword: PASSWORD, masterName: MASTER },
        sentinels: [{ host: HOST, port: PORTS.sentinel }],
      },
      'telegram:rabbitmq': { kind: 'external', host: HOST, port: PORTS.amqp, ...login },
    };
  }

  /** Queue → node that leads it and nodes that hold a copy, as one running node tells it. */
  async queues(ask: BrokerNode = 'rabbit-1'): Promise<ReadonlyMap<string, Queue>> {
    const list = await this.#ctl(ask, 'list_queues', '--vhost', VHOST, '--formatter=json', 'name', 'leader', 'members');
    const queues = JSON.parse(list) as { name: string; leader: string; members: string[] }[];
    const short = (node: string) => node.replace('rabbit@', '') as BrokerNode;
    return new Map(
      queues.map(({ name, leader, members }) => [name, { leader: short(leader), members: members.map(short) }]),
    );
  }

  /** The node that leads the consumers' queue. */
  async leader(ask?: BrokerNode): Promise<BrokerNode> {
    const queue = (await this.queues(ask)).get(groupQueue(DEFAULT_GROUP));
    if (!queue) throw new Error('there is no queue of the default group');
    return queue.leader;
  }

  async kill(node: BrokerNode): Promise<void> {
    await docker('kill', PREFIX + node);
  }

  /** Takes all of it away, data included. */
  async stop(): Promise<void> {
    await this.database.stop();
    await this.#balancer?.close();
    this.#balancer = null;
    await removeEngines();
  }

  #run(name: string, like: string, script: string, ports: readonly [number, number]): Promise<void> {
    return runEngine({ name, like, script, ports }, this.authority);
  }

  async #ready(): Promise<void> {
    await waitFor('a cluster of three brokers', () => this.#isClustered(), BOUND_MS);
    await this.#ctl('rabbit-1', 'set_permissions', '-p', VHOST, 'telegram', ...BROKER_RIGHTS);
  }

  async #isClustered(): Promise<boolean> {
    const status = await this.#ctl('rabbit-1', 'cluster_status', '--formatter=json').catch(() => '{}');
    const { running_nodes: running = [] } = JSON.parse(status) as { running_nodes?: string[] };
    if (running.length === NODES.length) return true;
    await delay(CTL_PAUSE_MS);
    return false;
  }

  async #ctl(node: BrokerNode, ...words: readonly string[]): Promise<string> {
    const [command = '', ...args] = words;
    return docker('exec', '--env', 'HOME=/tmp/rabbit', PREFIX + node, 'rabbitmqctl', '--quiet', command, ...args);
  }
}

export interface Queue {
  readonly leader: BrokerNode;
  readonly members: readonly BrokerNode[];
}
