import type { Environment } from '../config.js';
import { EXIT } from '../contract.js';
import type { CredentialStore } from '../credentials.js';
import { RUNTIME_ERRORS, RuntimeError } from '../errors.js';
import { createHealthServer, type Check } from '../http/health-server.js';
import type { AfterCommitSink } from '../ingest/commit.js';
import type { MessageStore } from '../ingest/message-store.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import { CredentialReload, type ChangeOver } from '../reload.js';
import { createNotifier } from '../sd-notify.js';
import type { Shutdown } from '../shutdown.js';
import type { TelegramError, TelegramPort } from '../telegram/client.js';
import { GramjsTelegram } from '../telegram/gramjs.js';
import { trustSimulator } from '../telegram/gramjs/simulator-trust.js';
import type { ChannelRequestStore } from '../telegram/joining.js';
import { writeSession } from '../telegram/session.js';
import { lockSession } from '../telegram/session-lock.js';
import { LastExitRecord } from './last-exit.js';
import { Pipeline } from './pipeline.js';
import { superviseWithSystemd } from './supervision.js';
import { waitForSession } from './wait-for-session.js';

/** What the composition root gives the gateway. */
export interface GatewayParts {
  readonly store: MessageStore;
  /** Channels that people ask for through the API. */
  readonly requests?: ChannelRequestStore;
  /** Told of stored events after COMMIT, never awaited: the queue relay, the cache. */
  readonly sinks: readonly AfterCommitSink[];
  /** The right to serve the account, across machines; taken before anything is read or published. */
  readonly lease?: { take(): Promise<void> };
  /** Called once this process holds session and lease: before, the outbox may be in another one's hands. */
  readonly start?: () => void;
  /** Further parts of `/health/ready`, such as the database. */
  readonly checks?: Readonly<Record<string, Check>>;
  /** Told the session, at first and whenever it changes: copies it for the backup. */
  readonly onSession?: (session: string) => void;
  /** What changes over to other credentials, on SIGHUP. */
  readonly changeOver?: readonly ChangeOver[];
}

/**
 * The gateway process. Resolves when it serves health and is on its way to Telegram; it then runs until `shutdown`.
 *
 * Promised: without a session it runs, is not ready, and says that it waits for `npm run login`; with one it connects
 * for as long as it takes. On failure: a session that Telegram refuses ends the process with exit code 65, one that
 * another gateway holds with 66, one that another gateway has taken over with 67; none is worth a restart.
 */
export async function runGateway(
  environment: Environment,
  credentials: CredentialStore,
  logger: Logger,
  shutdown: Shutdown,
  parts: GatewayParts,
): Promise<void> {
  const endpoint = trustSimulator(environment);
  const notifier = createNotifier(process.env, logger);
  const lastExit = new LastExitRecord(environment.TELEGRAM_SESSION_FILE, logger);
  lastExit.show();
  const gateway = new Gateway(environment, logger, shutdown, { ...parts, lastExit });
  metrics.connectionState.set(0);
  metrics.queueDepth.set(0);
  const reload = new CredentialReload({
    credentials,
    parts: parts.changeOver ?? [],
    logger,
    notify: (phase) => {
      // `Type=notify-reload` wants both and the time; the plain `notify` ignores it.
      const now = String(process.hrtime.bigint() / 1_000n);
      notifier.notify(phase === 'reading' ? { RELOADING: '1', MONOTONIC_USEC: now } : { READY: '1' });
    },
  }).listen();

  const health = await createHealthServer({
    host: environment.TELEGRAM_LISTEN_HOST,
    port: environment.TELEGRAM_LISTEN_PORT,
    logger,
    checks: { ...gateway.checks, ...parts.checks },
    credentials: reload,
  });
  shutdown.onClose('health', () => health.close());
  const unsupervise = superviseWithSystemd({
    notifier,
    logger,
    alive: () => gateway.alive,
    status: () => gateway.status,
  });
  notifier.notify({ READY: '1', STATUS: gateway.status });
  shutdown.signal.addEventListener('abort', () => {
    notifier.notify({ STOPPING: '1', STATUS: 'stopping' });
  });
  shutdown.onClose('systemd', async () => {
    unsupervise();
    await notifier.flushed();
  });

  const lock = await lockSession(environment.TELEGRAM_SESSION_FILE);
  shutdown.onClose('session lock', () => lock.release());
  // Asked for with each connect: another application is used from the next one on.
  const telegram = () => credentials.current.telegram ?? (endpoint ? SIMULATOR_APP : credentials.need('telegram'));
  telegram();
  void gateway
    .run((session) => new GramjsTelegram({ ...telegram(), session, endpoint, logger }))
    .catch((error: unknown) => {
      if (shutdown.signal.aborted) return;
      const known = error instanceof RuntimeError ? { code: error.code, fix: error.fix } : {};
      logger.fatal({ err: error, ...known }, 'the gateway cannot go on');
      void shutdown.stop(error instanceof RuntimeError ? error.exitCode : EXIT.failure);
    });
}

/** The simulator takes any application. */
const SIMULATOR_APP = { apiId: 1, apiHash: 'simulator' };

class Gateway {
  #pipeline: Pipeline | null = null;
  /** Why there is no pipeline yet. */
  #phase = 'waits for the lease of the account in the database';

  constructor(
    private readonly environment: Environment,
    private readonly logger: Logger,
    private readonly shutdown: Shutdown,
    private readonly parts: GatewayParts & { readonly lastExit: LastExitRecord },
  ) {}

  get alive(): boolean {
    return this.#pipeline?.alive ?? true;
  }

  get status(): string {
    const pipeline = this.#pipeline;
    if (!pipeline) return this.#phase;
    const behind = pipeline.databaseFailingSince === null ? '' : ', the database does not answer';
    return `${pipeline.connectionDetail}, ${String(pipeline.workers.length)} channels${behind}`;
  }

  get checks(): Record<string, Check> {
    return {
      session: () => ({ ok: this.#pipeline !== null, detail: this.#pipeline ? 'present' : this.#phase }),
      telegram: () => ({
        ok: this.#pipeline?.connected ?? false,
        detail: this.#pipeline?.connectionDetail ?? this.#phase,
      }),
      channels: () => ({
        ok: this.#pipeline?.channelsKnown ?? false,
        detail: `${String(this.#pipeline?.workers.length ?? 0)} channels`,
      }),
      ingest: () => {
        const since = this.#pipeline?.databaseFailingSince ?? null;
        return { ok: since === null, detail: since ? `commits fail since ${since.toISOString()}` : 'commits succeed' };
      },
    };
  }

  async run(createPort: (session: string) => TelegramPort): Promise<void> {
    const path = this.environment.TELEGRAM_SESSION_FILE;
    const [session] = await Promise.all([this.#findSession(path), this.#takeLease()]);
    if (session === null) return;
    let saved = session;
    this.parts.onSession?.(session);
    this.#pipeline = new Pipeline({
      accountId: this.environment.TELEGRAM_ACCOUNT,
      createPort: () => createPort(saved),
      store: this.parts.store,
      ...(this.parts.requests && { requests: this.parts.requests }),
      sinks: this.parts.sinks,
      logger: this.logger,
      backfillDepth: this.environment.TELEGRAM_BACKFILL_DEPTH,
      intervals: {
        pollMs: this.environment.TELEGRAM_POLL_INTERVAL_S * 1_000,
        auditMs: this.environment.TELEGRAM_RECONCILE_INTERVAL_S * 1_000,
      },
      onFatal: (error) => {
        this.#endFatally(error);
      },
      onLeaseLost: (error) => {
        endWithLeaseLost(error, this.environment, this.logger, this.shutdown);
      },
      onConnected: (port) => {
        // Telegram may have moved the account to another data centre, with a new key.
        const exported = port.exportSession();
        if (exported === '' || exported === saved) return;
        saved = exported;
        this.parts.onSession?.(exported);
        writeSession(path, exported).catch((error: unknown) => {
          this.logger.error({ err: error, file: path }, 'the session cannot be written');
        });
      },
    });
    const pipeline = this.#pipeline;
    this.shutdown.onClose('telegram', () => pipeline.close());
    pipeline.start();
  }

  /** Null when the process is asked to stop first. */
  async #findSession(path: string): Promise<string | null> {
    const before = this.#phase;
    const session = await waitForSession(path, this.shutdown.signal, () => {
      this.#phase = 'waits for a session: run `npm run login`';
      this.logger.warn({ code: 'SESSION_MISSING', file: path }, 'no session yet: run `npm run login`');
    });
    this.#phase = before;
    return session;
  }

  /** Also without a session: what was stored before is still to be published. */
  async #takeLease(): Promise<void> {
    await this.parts.lease?.take();
    this.parts.start?.();
  }

  #endFatally(error: TelegramError): void {
    metrics.failed.inc({ stage: 'telegram-auth' });
    this.parts.lastExit.write({ code: 'TELEGRAM_AUTH_FATAL', reason: error.reason });
    this.logger.fatal(
      { code: 'TELEGRAM_AUTH_FATAL', reason: error.reason, fix: RUNTIME_ERRORS.TELEGRAM_AUTH_FATAL.fix },
      'Telegram no longer accepts this session',
    );
    void this.shutdown.stop(EXIT.telegramAuth);
  }
}

/** Another gateway serves the account: this one must not even come back. Said once, whoever noticed it first. */
export function endWithLeaseLost(
  error: Error,
  environment: Pick<Environment, 'TELEGRAM_SESSION_FILE'>,
  logger: Logger,
  shutdown: Shutdown,
): void {
  if (shutdown.signal.aborted) return;
  metrics.failed.inc({ stage: 'lease' });
  new LastExitRecord(environment.TELEGRAM_SESSION_FILE, logger).write({ code: 'LEASE_LOST', reason: 'TAKEN_OVER' });
  logger.fatal(
    { code: 'LEASE_LOST', reason: error.message, fix: RUNTIME_ERRORS.LEASE_LOST.fix },
    'another gateway has taken over this account',
  );
  void shutdown.stop(EXIT.leaseLost);
}
