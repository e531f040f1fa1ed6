import { createHash, createPublicKey } from 'node:crypto';
import bigInt from 'big-integer';
import { TelegramClient } from 'telegram';
import { Logger, PromisedNetSockets } from 'telegram/extensions';
import { ConnectionTCPAbridged, ConnectionTCPFull, ConnectionTCPObfuscated } from 'telegram/network/connection';
import { _serverKeys } from 'telegram/crypto/RSA';
import { StringSession } from 'telegram/sessions';
import { Api } from 'telegram/tl';
import { LogLevel } from 'telegram/extensions/Logger';
import type { Simulator } from '../../../../runtime/simulator/simulator.js';

export const TRANSPORTS = {
  full: ConnectionTCPFull,
  abridged: ConnectionTCPAbridged,
  obfuscated: ConnectionTCPObfuscated,
} as const;

/** Makes the client library accept the simulator's public key, from its SPKI, as a gateway does. */
export function trust(publicKeyBase64: string): void {
  const key = createPublicKey({ key: Buffer.from(publicKeyBase64, 'base64'), format: 'der', type: 'spki' });
  const { n = '', e = '' } = key.export({ format: 'jwk' });
  const modulus = Buffer.from(n, 'base64url');
  const exponent = Buffer.from(e, 'base64url');
  // TL bytes by hand: 256 bytes take the long form, the exponent the short one.
  const encoded = Buffer.concat([Buffer.from([254, 0, 1, 0]), modulus, Buffer.from([3]), exponent]);
  const fingerprint = createHash('sha1').update(encoded).digest().readBigInt64LE(12);
  _serverKeys.set(fingerprint.toString(), { n: bigInt(modulus.toString('hex'), 16), e: 65_537 });
}

interface ClientOptions {
  /** @default the session of the simulator's account */
  readonly session?: string;
  readonly transport?: keyof typeof TRANSPORTS;
  /** The library's own check for repeated message ids. @default true */
  readonly securityChecks?: boolean;
}

/** A real client, not yet connected. Destroy it, or its ping loop lives on. */
export function createClient(simulator: Simulator, options: ClientOptions = {}): TelegramClient {
  // The library dials port 80 whatever the session says; the socket class knows better, also when it reconnects.
  class SimulatorSocket extends PromisedNetSockets {
    override connect(_port: number, ip: string): Promise<unknown> {
      return super.connect(simulator.mtprotoPort, ip);
    }
  }
  const session = new StringSession(options.session ?? simulator.session);
  if (options.session === '') session.setDC(2, '127.0.0.1', 443);
  const client = new TelegramClient(session, 1, 'hash', {
    connection: TRANSPORTS[options.transport ?? 'full'],
    networkSocket: SimulatorSocket,
    securityChecks: options.securityChecks ?? true,
    baseLogger: new Logger(LogLevel.NONE),
    floodSleepThreshold: 0,
    requestRetries: 1,
  });
  client.onError = () => Promise.resolve();
  return client;
}

export type ChannelPost = Api.UpdateNewChannelMessage & { message: Api.Message };

/** The posts, edits and deletions that the client is given, in order. */
export function collectUpdates(client: TelegramClient): Api.TypeUpdate[] {
  const updates: Api.TypeUpdate[] = [];
  client.addEventHandler((update: Api.TypeUpdate) => {
    if (update.className.includes('Channel')) updates.push(update);
  });
  return updates;
}

/** Texts of the posts among updates. */
export function postedTexts(updates: readonly Api.TypeUpdate[]): string[] {
  return updates.flatMap((update) => (update instanceof Api.UpdateNewChannelMessage ? [textOf(update.message)] : []));
}

export function textOf(message: Api.TypeMessage): string {
  return message instanceof Api.Message ? message.message : '';
}

/** Waits until something holds; fails after the deadline instead of hanging. */
export async function until(holds: () => boolean, deadlineMs = 30_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not within ${String(deadlineMs)} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function inputChannel(simulator: Simulator, id = 1_000_000_001): Api.InputChannel {
  const { accessHash } = simulator.world.channel(id).identity;
  return new Api.InputChannel({ channelId: bigInt(id), accessHash: bigInt(accessHash) });
}

export function inputPeer(simulator: Simulator, id = 1_000_000_001): Api.InputPeerChannel {
  const { accessHash } = simulator.world.channel(id).identity;
  return new Api.InputPeerChannel({ channelId: bigInt(id), accessHash: bigInt(accessHash) });
}
