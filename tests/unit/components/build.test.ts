import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { freePort } from '../../support/free-port.js';

const ROOT = join(__dirname, '..', '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'build-test-'));
/** A checkout elsewhere, whose node_modules is a link. */
const checkout = join(folder, 'some', 'where');
const dist = join(checkout, 'dist');
const packed = join(ROOT, 'dist', 'release');

interface Manifest {
  readonly hash: string;
  readonly release: string;
  readonly sha256: Record<string, string>;
  readonly inputs: { readonly files: string[] };
}
const manifestOf = (outdir: string) => JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8')) as Manifest;
const build = (root: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs'), ...args], { encoding: 'utf8', timeout: 120_000 });

/** Runs a bundle where no node_modules can be found. */
const run = (bundle: string, args: string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, [join(dist, bundle), ...args], { encoding: 'utf8', timeout: 30_000, input: '{}', env });

/** Polls until the answer is as expected, for at most 30 s; returns the last one. */
async function answer(child: ChildProcess, url: string, expected: string): Promise<string> {
  const until = Date.now() + 30_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the process ended with ${String(child.exitCode)}`);
    const text = await fetch(url).then(
      async (response) => `${String(response.status)} ${await response.text()}`,
      (error: unknown) => String(error),
    );
    if (text.includes(expected) || Date.now() > until) return text;
    await delay(50);
  }
}

describe('scripts/build.mjs', () => {
  beforeAll(() => {
    for (const part of ['runtime', 'sql', 'scripts', 'images/runtime', 'package.json'])
      cpSync(join(ROOT, part), join(checkout, part), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
    // Packing Node takes long and is verified by its hash: a finished one is taken over.
    for (const outdir of [dist, join(folder, 'out')])
      if (existsSync(packed)) cpSync(packed, join(outdir, 'release'), { recursive: true });
    const first = build(checkout);
    if (first.status !== 0) throw new Error(first.stderr);
    // Nothing outside the bundle may be needed to run it.
    rmSync(join(checkout, 'node_modules'));
  }, 180_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('S3 gives the same bytes in another place', () => {
    symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
    try {
      cpSync(checkout, join(folder, 'elsewhere'), { recursive: true, filter: (path) => !path.includes('dist') });
      expect(build(join(folder, 'elsewhere'), '--outdir', join(folder, 'out')).status).toBe(0);
    } finally {
      rmSync(join(checkout, 'node_modules'));
    }
    expect(manifestOf(join(folder, 'out'))).toEqual(manifestOf(dist));
    const release = manifestOf(dist).release;
    expect(readFileSync(join(folder, 'out', release)).equals(readFileSync(join(dist, release)))).toBe(true);
  }, 180_000);

  it('S3 names no path of this machine', () => {
    expect(readFileSync(join(dist, 'telegram.cjs'), 'utf8')).not.toContain(folder);
    expect(readFileSync(join(dist, 'telegram.cjs'), 'utf8')).not.toContain(ROOT);
  });

  it('R10 keeps the simulator out of the production bundle', () => {
    expect(readFileSync(join(dist, 'telegram.cjs'), 'utf8')).not.toContain('runtime/simulator/');
    expect(readFileSync(join(dist, 'simulator.cjs'), 'utf8')).toContain('runtime/simulator/');
  });

  it('S3 packs bundle, migrations and version, owned by root and without times', () => {
    const list = execFileSync('tar', ['-tvzf', join(dist, manifestOf(dist).release), '--numeric-owner'], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    });
    const lines = list.trim().split('\n');
    expect(lines.map((line) => line.split(/\s+/).at(-1))).toEqual([
      ...readdirSync(join(ROOT, 'sql'))
        .filter((name) => name.endsWith('.sql'))
        .sort()
        .map((name) => `sql/${name}`),
      'telegram.cjs',
      'version.json',
    ]);
    for (const line of lines) expect(line).toMatch(/^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00 /);
    expect(gunzipSync(readFileSync(join(dist, manifestOf(dist).release))).length % 512).toBe(0);
  });

  it('S3 runs without node_modules: usage, a one-shot tool, the simulator', () => {
    const usage = run('telegram.cjs', []);
    expect([usage.status, usage.stderr]).toEqual([64, expect.stringContaining('usage: ')]);
    const tool = run('telegram.cjs', ['admin', 'write-files']);
    expect([tool.status, tool.stdout]).toEqual([64, '']);
    const simulator = run('simulator.cjs', [], { TELEGRAM_ENVIRONMENT: 'production' });
    expect([simulator.status, simulator.stdout]).toEqual([64, expect.stringContaining('SIMULATOR_IN_PRODUCTION')]);
  }, 60_000);

  it('S5 the gateway lives without a session, is not ready, and stops gracefully', async () => {
    const port = await freePort();
    writeFileSync(
      join(folder, 'credentials.json'),
      JSON.stringify({ database: { user: 'u', password: 'p' }, telegram: { apiId: 1, apiHash: 'x' } }),
    );
    const child = spawn(process.execPath, [join(dist, 'telegram.cjs'), 'gateway'], {
      stdio: 'ignore',
      env: {
        TELEGRAM_CREDENTIALS_FILE: join(folder, 'credentials.json'),
        TELEGRAM_SESSION_FILE: join(folder, 'sessions', 'default.session'),
        TELEGRAM_LISTEN_HOST: '127.0.0.1',
        TELEGRAM_LISTEN_PORT: String(port),
        TELEGRAM_PGBOUNCER_PORT: '1',
      },
    });
    try {
      const health = `http://127.0.0.1:${String(port)}/health`;
      expect(await answer(child, `${health}/live`, '200')).toMatch(/^200 /);
      expect(await answer(child, `${health}/ready`, 'npm run login')).toMatch(/^503 .*npm run login/);
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  }, 90_000);
});
