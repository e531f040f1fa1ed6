import { setTimeout as delay } from 'node:timers/promises';
import type { StackFolder } from '../../ops/stack-folder.js';
import type { Credentials } from '../../runtime/credentials.js';
import { activeSlot } from '../../stack/rotation.js';
import { formerLogins, isRefusal, type FormerLogin } from './former-logins.js';
import {
  askApi,
  askBroker,
  askManagement,
  askPooler,
  askRedis,
  askSentinel,
  credentialsOf,
  type Process,
} from './logins.js';
import { Posts } from './posts.js';
import { settledPair } from './redis-pair.js';
import { scrape, scrapeUrls } from './scrapes.js';
import type { Passwords } from './secrets/collect.js';
import { waitFor } from './services.js';
import { connection, forgetConnections, inside, inspectAll, start, type CommandResult } from './test-stack.js';
import { Traffic } from './traffic.js';

const PROCESSES = ['gateway', 'consumer', 'api'] as const;
const MINUTE = 60_000;

/** One more epoch, while the event loop goes on. */
export async function rotate(...args: string[]): Promise<CommandResult> {
  const result = await start('rotate', args).ended;
  if (result.code !== 0) throw new Error(`rotate ended with ${String(result.code)}\n${result.stderr}`);
  forgetConnections();
  return result;
}

/** Everything that must be the same after as before: containers, the unit's process, its connection to Telegram, the roles. */
export async function identity(): Promise<object> {
  const containers = (await inspectAll()).map(({ Id, Name, State }) => `${Name} ${Id} ${State.StartedAt}`);
  const unit = ['MainPID', 'NRestarts', 'ActiveEnterTimestamp'].flatMap((property) => ['-p', property]);
  const { host, port } = connection('simulator-control');
  const stats = (await (await fetch(`http://${host}:${String(port)}/stats`)).json()) as Record<string, unknown>;
  return {
    containers: containers.sort(),
    unit: await inside('gateway-host', 'systemctl', 'show', 'telegram-gateway.service', ...unit),
    telegram: [stats['connections'], stats['accepted'], stats['handshakes'], stats['brokenConnections']],
    redis: await settledPair(),
  };
}

/**
 * Two rotations in a row while every kind of client works without a pause: messages from the simulator through the
 * gateway to the consumer, and beside the processes' own connections a new one for each request, with what the process
 * has been told last; people, with what `npm run connections` tells them; the monitoring, as Prometheus asks it.
 */
export class RotationRun {
  readonly traffic = new Traffic();
  readonly posts = new Posts(20);
  readonly steps: CommandResult[] = [];
  readonly epoch: number;
  told = {} as Record<Process, Credentials>;
  toldBetween = {} as Record<Process, Credentials>;
  before: object = {};
  after: object = {};
  /** Logins of before that have a second slot. */
  former: readonly FormerLogin[] = [];
  superuser: FormerLogin | undefined;
  /** Names of those that worked after the first step. */
  stillAccepted: readonly string[] = [];
  /** Names of those that were refused after the first step. */
  refusedAtOnce: readonly string[] = [];
  /** Generated passwords of the slot that was in use, which nobody tried: there must be none. */
  untried: readonly string[] = [];

  /** `passwords` reads the state of the stack. */
  constructor(
    folder: StackFolder,
    private readonly passwords: () => Passwords,
  ) {
    this.epoch = folder.credentialEpoch;
  }

  #readLogins(): void {
    const slot = activeSlot(this.epoch);
    const passwords = this.passwords();
    [this.superuser, ...this.former] = formerLogins({ told: this.told, passwords, slot });
    const tried = new Set([this.superuser, ...this.former].map((login) => login?.password));
    this.untried = Object.entries(passwords)
      .filter(([name, password]) => name.endsWith(`-${slot}`) && !tried.has(password))
      .map(([name]) => name);
  }

  async perform(): Promise<void> {
    await this.#readAgain();
    this.before = await identity();
    this.#readLogins();
    const scrapes = await scrapeUrls();
    // An exporter meets a connection that broke before, as when the database was restarted, in the first scrape after it.
    await Promise.allSettled(Object.values(scrapes).map((url) => scrape(url)));
    this.#begin(scrapes);
    await waitFor('first requests', () => Promise.resolve(Object.values(this.traffic.requests).every(Boolean)), MINUTE);
    this.steps.push(await rotate());
    await this.#readAgain();
    this.toldBetween = this.told;
    this.stillAccepted = await namesOf(this.former, ({ ask }) => ask().then(() => true));
    this.refusedAtOnce = await refusedOf([...(this.superuser ? [this.superuser] : []), ...this.former]);
    this.steps.push(await rotate());
    await this.#readAgain();
    await this.traffic.stop();
    this.after = await identity();
  }

  /** Figures in one line. */
  get summary(): string {
    const requests = Object.values(this.traffic.requests).reduce((sum, n) => sum + n, 0);
    const seconds = this.steps.map(({ stderr }) => / complete in (.*)$/m.exec(stderr)?.[1] ?? '?').join(', ');
    return `steps: ${seconds}; requests: ${String(requests)}, failed: ${String(this.traffic.failures.length)}; messages: ${String(this.posts.receipts.length)}`;
  }

  async #readAgain(): Promise<void> {
    const [gateway, consumer, api] = await Promise.all(PROCESSES.map(credentialsOf));
    if (gateway && consumer && api) this.told = { gateway, consumer, api };
  }

  #login(process: Process, part: 'database' | 'redis' | 'rabbitmq') {
    const found = this.told[process][part];
    if (!found) throw new Error(`${process} has no login for ${part}`);
    return found;
  }

  #begin(scrapes: Readonly<Record<string, string>>): void {
    const { traffic } = this;
    traffic.client('credentials files', 1_000, () => this.#readAgain());
    for (const process of PROCESSES) {
      traffic.client(`${process} at PgBouncer`, 200, () => askPooler(process, this.#login(process, 'database')));
      traffic.client(`${process} HTTP`, 200, () => readiness(process));
    }
    for (const node of ['redis-master', 'redis-replica'])
      traffic.client(node, 200, () => {
        const { user: username, password } = this.#login('api', 'redis');
        return askRedis(node, { username, password }, 'GET', 'telegram:msg:0:0');
      });
    traffic.client('Sentinel', 200, () => askSentinel(this.told.api.redis?.sentinelPassword ?? ''));
    traffic.client('RabbitMQ', 500, () => askBroker(this.#login('consumer', 'rabbitmq')));
    traffic.client('API key', 200, () => askApi(connection('api').key ?? ''));
    traffic.client('posts', 0, () => this.posts.post());
    this.#beginReaders();
    for (const [target, url] of Object.entries(scrapes))
      traffic.client(`scrape of ${target}`, 1_000, () => scrape(url));
  }

  /** People and their tools, with what `npm run connections` tells them. */
  #beginReaders(): void {
    const login = (service: string) => {
      const { user = '', password = '' } = connection(service);
      return { user, password };
    };
    this.traffic.client('reader at PgBouncer', 500, () => askPooler('reader', login('pgbouncer'), READERS_QUERY));
    this.traffic.client('reader at Redis', 500, () => {
      const { user: username, password } = login('redis-replica');
      return askRedis('redis-replica', { username, password }, 'GET', 'telegram:msg:0:0');
    });
    this.traffic.client("reader at RabbitMQ's management", 500, () => askManagement(login('rabbitmq-management')));
  }
}

/** What a person reads, as far as the role is concerned. */
const READERS_QUERY = "select count(*) from telegram_gateway.messages where posted_at > now() - interval '1 minute'";

/** On a busy machine a part may answer later than the process waits for it; then it is asked until it does, for this long. */
const SLOW_MS = 30_000;

async function readiness(service: string): Promise<void> {
  const { host, port } = connection(service);
  const url = `http://${host}:${String(port)}/health/ready`;
  const deadline = Date.now() + SLOW_MS;
  for (;;) {
    const response = await fetch(url, { signal: AbortSignal.timeout(MINUTE) });
    const { checks } = (await response.json()) as { checks: Record<string, { ok: boolean; detail: string }> };
    const bad = Object.entries(checks).filter(([, { ok }]) => !ok);
    if (bad.length === 0) return;
    const slow = bad.every(([, { detail }]) => /^(no answer within|Command timed out)/.test(detail));
    if (!slow || Date.now() > deadline) throw new Error(`not ready: ${JSON.stringify(bad)}`);
    await delay(200);
  }
}

/** Names of those that are told that they are no login. */
export async function refusedOf(logins: readonly FormerLogin[]): Promise<string[]> {
  return namesOf(logins, ({ ask }) => ask().then(() => false, isRefusal));
}

/** Names of those for which `holds`. */
export async function namesOf(
  logins: readonly FormerLogin[],
  holds: (login: FormerLogin) => Promise<boolean>,
): Promise<string[]> {
  const names: string[] = [];
  for (const login of logins) if (await holds(login)) names.push(login.name);
  return names;
}
