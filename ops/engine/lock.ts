/**
 * One run at a time on one state folder.
 * Promised: while the process that holds the lock lives, another one on this machine is refused and told who holds it.
 * Not promised: exclusion between machines that share the folder; the holder's host is only named.
 * On failure: the lock of a process that died is taken over by the next run, also when its process id was given away again.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { isProcessAlive, statOf } from '../process-alive.js';
import { EngineError } from './errors.js';

interface Holder {
  readonly pid: number;
  /** Start time of the process in kernel ticks: tells a process id that was used again from the original. */
  readonly started: string;
  readonly host: string;
  readonly who: string;
  readonly when: string;
  readonly why: string;
}

/** Takes the lock, or throws with who holds it; the returned function gives it back. */
export function lockState(stateDir: string, why: string): () => void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const file = join(stateDir, 'engine.lock');
  const own = `${file}.${String(process.pid)}`;
  const text = JSON.stringify({
    pid: process.pid,
    started: startOf(process.pid) ?? '',
    host: hostname(),
    who: userName(),
    when: new Date().toISOString(),
    why,
  } satisfies Holder);
  writeFileSync(own, text, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (take(own, file))
        return () => {
          release(file, text);
        };
      clearStale(file);
    }
  } finally {
    rmSync(own, { force: true });
  }
  throw new EngineError('ENGINE_LOCKED', `${file} is contended`);
}

function take(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves the lock of a dead process aside; a living one is an error. */
function clearStale(file: string): void {
  const text = readIfThere(file);
  if (text === undefined) return;
  const holder = parseHolder(text);
  if (holder !== undefined && isAlive(holder)) {
    throw new EngineError(
      'ENGINE_LOCKED',
      `another run holds the state: ${holder.why} by ${holder.who} on ${holder.host}, process ${String(holder.pid)}, since ${holder.when}`,
    );
  }
  const aside = `${file}.stale.${String(process.pid)}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  // Somebody may have taken the stale lock over in between: what was moved is then theirs, and goes back.
  if (readIfThere(aside) !== text) take(aside, file);
  rmSync(aside, { force: true });
}

function release(file: string, text: string): void {
  if (readIfThere(file) === text) rmSync(file, { force: true });
}

function isAlive(holder: Holder): boolean {
  if (holder.host !== hostname()) return true;
  if (!isProcessAlive(holder.pid)) return false;
  const started = startOf(holder.pid);
  return started === undefined || holder.started === '' || started === holder.started;
}

/** When it began, in ticks since the machine did. */
const startOf = (pid: number) => statOf(pid)?.[19];

function parseHolder(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return undefined;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
