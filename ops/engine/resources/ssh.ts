/**
 * Connections to other machines.
 * Promised: where a host key is given, only that key is accepted and asked for. A wrong key and a refused login fail at once;
 * other failures are tried again up to `dialErrorLimit` times, since a machine that was just made may not answer yet.
 * Not promised: protection from a false host where the program gives no key.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type ClientChannel, type ConnectConfig, type ServerHostKeyAlgorithm, type SFTPWrapper } from 'ssh2';
import { z } from 'zod';
import { StepError } from '../errors.js';
import type { CommandOutput, Ended } from './command-output.js';
import { type DialError, explainDial, explainJump, wrongHostKey, type Hop } from './ssh-errors.js';

const single = z.strictObject({
  host: z.string(),
  port: z.number().int().optional(),
  user: z.string().optional(),
  password: z.string().optional(),
  privateKey: z.string().optional(),
  privateKeyPassword: z.string().optional(),
  agentSocketPath: z.string().optional(),
  /** One line as in an authorized_keys file: type, then the key in base64. */
  hostKey: z.string().optional(),
  /** Failed tries after which to give up; -1 never does. */
  dialErrorLimit: z.number().int().optional(),
  /** Seconds; 0 waits for ever. */
  perDialTimeout: z.number().int().optional(),
});

export const connectionSchema = single.extend({ proxy: single.optional() });
export type Connection = z.output<typeof connectionSchema>;
type Target = z.output<typeof single>;

const DEFAULT_DIAL_ERRORS = 10;
const DEFAULT_DIAL_TIMEOUT_S = 15;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;

export interface Session {
  readonly client: Client;
  readonly close: () => void;
}

/** Runs a task over a connection that is closed afterwards, also when the run is interrupted. */
export async function withConnection<T>(
  connection: Connection,
  signal: AbortSignal,
  task: (client: Client) => Promise<T>,
): Promise<T> {
  const session = await dial(connection, signal);
  signal.addEventListener('abort', session.close, { once: true });
  try {
    // A connection that breaks in the middle would leave the task waiting for ever.
    const broken = new Promise<never>((_resolve, reject) => {
      session.client.on('error', (error) => {
        reject(new StepError(`connection to ${connection.host} broke: ${error.message}`));
      });
      session.client.on('close', () => {
        reject(new StepError(`connection to ${connection.host} was closed`));
      });
    });
    return await Promise.race([task(session.client), broken]);
  } finally {
    signal.removeEventListener('abort', session.close);
    session.close();
  }
}

async function dial(connection: Connection, signal: AbortSignal): Promise<Session> {
  // Every try goes the whole way again: behind a jump host it is that one's limit that counts.
  const limit = (connection.proxy ?? connection).dialErrorLimit ?? DEFAULT_DIAL_ERRORS;
  for (let failures = 1; ; failures += 1) {
    signal.throwIfAborted();
    try {
      return await reach(connection);
    } catch (error) {
      const { message, code, final, details } = explainDial(hopOf(connection), error);
      if (final) throw new StepError(message, details, code);
      if (limit >= 0 && failures > limit) throw new StepError(`${message} (${tries(failures)})`, details, code);
      await delay(Math.min(FIRST_PAUSE_MS * 1.5 ** (failures - 1), LONGEST_PAUSE_MS), undefined, { signal });
    }
  }
}

const tries = (count: number): string => (count === 1 ? 'tried once' : `tried ${String(count)} times`);

/** What a connection comes to with its defaults; the keys stay behind. */
function hopOf({ host, port, user, privateKey, agentSocketPath, perDialTimeout }: Target): Hop {
  const agent = agentSocketPath ?? process.env['SSH_AUTH_SOCK'];
  return {
    host,
    port: port ?? 22,
    user: user ?? 'root',
    login: privateKey !== undefined ? 'key' : agent ? 'agent' : 'nothing',
    timeoutS: perDialTimeout ?? DEFAULT_DIAL_TIMEOUT_S,
  };
}

async function reach(connection: Connection): Promise<Session> {
  if (connection.proxy === undefined) {
    const client = await handshake(connection, {});
    return { client, close: () => client.destroy() };
  }
  const { proxy } = connection;
  const jump = await handshake(proxy, {});
  try {
    const sock = await forward(jump, hopOf(connection), hopOf(proxy));
    const client = await handshake(connection, { sock });
    const close = (): void => {
      client.destroy();
      jump.destroy();
    };
    return { client, close };
  } catch (error) {
    jump.destroy();
    throw error;
  }
}

/** A way through the jump host, which waits for a machine that is gone for as long as its own system does. */
function forward(jump: Client, hop: Hop, through: Hop): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      reject(explainDial(hop, Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
    }, hop.timeoutS * 1_000);
    jump.forwardOut('127.0.0.1', 0, hop.host, hop.port, (error, channel) => {
      clearTimeout(late);
      if (error === undefined) resolve(channel);
      else reject(explainJump(hop, through, error));
    });
  });
}

/** Rejects with a `DialError`. */
async function handshake(target: Target, extra: Pick<ConnectConfig, 'sock'>): Promise<Client> {
  const client = new Client();
  const hop = hopOf(target);
  const pinned = target.hostKey === undefined ? undefined : parseHostKey(target.hostKey);
  let refused: DialError | undefined;
  const config: ConnectConfig = {
    ...extra,
    host: hop.host,
    port: hop.port,
    username: hop.user,
    readyTimeout: hop.timeoutS * 1000,
    keepaliveInterval: 15_000,
    ...definedOnly({
      password: target.password,
      privateKey: target.privateKey,
      passphrase: target.privateKeyPassword,
      agent: target.agentSocketPath ?? process.env['SSH_AUTH_SOCK'],
    }),
    ...(pinned && { algorithms: { serverHostKey: pinned.algorithms } }),
    hostVerifier: (key: Buffer) => {
      if (pinned !== undefined && !pinned.key.equals(key)) refused = wrongHostKey(hop, pinned.key, key);
      return refused === undefined;
    },
  };
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      client.once('error', reject);
      client.once('close', () => {
        reject(new Error('the connection was closed during the handshake'));
      });
      client.connect(config);
    });
  } catch (error) {
    client.on('error', () => undefined);
    client.destroy();
    throw refused ?? explainDial(hop, error);
  }
  return client;
}

/** The pinned key, and the only signatures that it can give: without that a server may show another of its keys. */
export function parseHostKey(line: string): { key: Buffer; algorithms: ServerHostKeyAlgorithm[] } {
  const [type = '', key = ''] = line.trim().split(/\s+/);
  if (!/^[a-z0-9@.-]+$/.test(type) || key === '') {
    throw new StepError('connection.hostKey: expected a line such as "ssh-ed25519 AAAA…"');
  }
  const algorithms = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type];
  return { key: Buffer.from(key, 'base64'), algorithms: algorithms as ServerHostKeyAlgorithm[] };
}

/** Runs a command line through the login shell of the other side. */
export async function execute(
  client: Client,
  command: string,
  options: { stdin: string | undefined; output: CommandOutput },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // Listens before it returns to the event loop: the end of a short command comes in the same packet as its start.
    client.exec(command, (error, channel) => {
      if (error === undefined) follow(channel, options, resolve);
      else reject(error);
    });
  });
}

function follow(
  channel: ClientChannel,
  { stdin, output }: { stdin: string | undefined; output: CommandOutput },
  resolve: (ended: Ended) => void,
): void {
  let ended: Ended = { code: null, signal: null };
  channel.on('data', (chunk: Buffer) => {
    output.add('stdout', chunk);
  });
  channel.stderr.on('data', (chunk: Buffer) => {
    output.add('stderr', chunk);
  });
  channel.on('exit', (code: number | null, signal?: string) => {
    ended = { code, signal: signal ?? null };
  });
  channel.on('close', () => {
    resolve(ended);
  });
  // A command that does not read its input closes the channel: no error of ours.
  channel.on('error', () => undefined);
  channel.end(stdin ?? '');
}

export async function openSftp(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    client.sftp((error, sftp) => {
      if (error === undefined) resolve(sftp);
      else reject(error);
    });
  });
}

function definedOnly<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
