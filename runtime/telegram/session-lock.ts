import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { RuntimeError } from '../errors.js';
import { hasCode } from './errno.js';

/**
 * One gateway a session: two connections with one key make Telegram revoke it (AUTH_KEY_DUPLICATED).
 *
 * Promised: among processes that share pid and network namespace, at most one holds the lock; the lock of a process
 * that died, or of an earlier boot, is taken over. Not promised: anything between machines, or between containers that
 * share the folder: there the lease in the database decides (runtime/gateway/lease-keeper.ts). The holder keeps an
 * abstract unix socket, which the kernel takes back when it dies: /proc alone does not do, because a unit with
 * `ProtectProc=` and `PrivateUsers=` does not see the others.
 * On failure: SESSION_IN_USE, with the holder's pid.
 */

/** A turn takes a few milliseconds; together the attempts last five seconds. */
const TURN_ATTEMPTS = 250;
const TURN_PAUSE_MS = 20;

const holderSchema = z.object({
  pid: z.number().int(),
  /** Of the process, in ticks since boot: tells it from a later process of the same pid. */
  startTime: z.string(),
  bootId: z.string(),
  pidNamespace: z.string(),
  token: z.string(),
});
type Holder = z.output<typeof holderSchema>;

export interface SessionLock {
  /** Idempotent; leaves a lock alone that another process took meanwhile. */
  release(): Promise<void>;
}

export async function lockSession(sessionPath: string): Promise<SessionLock> {
  const path = `${sessionPath}.lock`;
  const mine: Holder = { ...whoAmI(), token: randomBytes(12).toString('hex') };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const leave = await enter(path);
  try {
    const text = await readOrNull(path);
    const holder = text === null ? null : parse(text);
    const inUse = () =>
      new RuntimeError('SESSION_IN_USE', `${sessionPath} is in use by process ${String(holder?.pid ?? 'unknown')}`);
    if (holder && isAlive(holder)) throw inUse();
    const held = await listen(nameOf(path, 'held'));
    if (!held) throw inUse();
    // The process may end while it holds the lock.
    held.unref();
    const draft = `${path}.${mine.token}`;
    await writeFile(draft, JSON.stringify(mine), { flag: 'wx', mode: 0o600 });
    await rename(draft, path);
    return {
      release: async () => {
        await release(path, mine.token);
        if (held.listening) await close(held);
      },
    };
  } finally {
    await leave();
  }
}

/**
 * Looking at the file and replacing it is two steps: one process at a time may take them, or two could both find the
 * same dead holder and both take its place. The turn is an abstract unix socket, which the kernel gives to one process
 * and takes back when it dies, so that it can never be stale itself.
 */
async function enter(path: string): Promise<() => Promise<void>> {
  const name = nameOf(path, 'turn');
  for (let attempt = 0; attempt < TURN_ATTEMPTS; attempt += 1) {
    const turn = await listen(name);
    if (turn) return () => close(turn);
    await delay(TURN_PAUSE_MS);
  }
  throw new RuntimeError('SESSION_IN_USE', `${path} is being taken by another gateway that is starting`);
}

function nameOf(path: string, purpose: 'turn' | 'held'): string {
  return `\0telegram-gateway-${purpose}-${createHash('sha256').update(resolve(path)).digest('hex').slice(0, 32)}`;
}

/** An abstract unix socket of this name; null while another process has it. */
async function listen(name: string): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen(name);
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE')) throw error;
    return null;
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

async function release(path: string, token: string): Promise<void> {
  const text = await readOrNull(path);
  if (text !== null && parse(text)?.token === token) await rm(path, { force: true });
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function parse(text: string): Holder | null {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function whoAmI(): Omit<Holder, 'token'> {
  return {
    pid: process.pid,
    startTime: startTimeOf(process.pid) ?? '',
    bootId: bootId(),
    pidNamespace: readlinkSync('/proc/self/ns/pid'),
  };
}

/** The unit hides /proc/sys (`ProcSubset=pid`) and hands the same number over, without dashes, as `%b`. */
export function bootId(): string {
  const given = process.env['TELEGRAM_BOOT_ID'] ?? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
  return given.trim().replaceAll('-', '');
}

/** A holder in another pid namespace (a container that was replaced) cannot be seen, and counts as gone. */
function isAlive(holder: Holder): boolean {
  const { bootId, pidNamespace } = whoAmI();
  if (holder.bootId !== bootId || holder.pidNamespace !== pidNamespace) return false;
  return startTimeOf(holder.pid) === holder.startTime;
}

/** Field 22 of /proc/<pid>/stat, counted behind the command's name, which may hold spaces; null for no such process. */
function startTimeOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
