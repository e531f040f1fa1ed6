import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';

const BOUND_MS = 60_000;

/** Whether the machine has Prometheus's own tool; Debian's package `prometheus` brings it. */
export const HAS_PROMTOOL = spawnSync('promtool', ['--version'], { timeout: BOUND_MS }).status === 0;

/** What `promtool` says when it fails, else nothing. */
export function promtool(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('promtool', [...args], { encoding: 'utf8', timeout: BOUND_MS });
  return status === 0 ? '' : `${stdout}${stderr}` || 'promtool was stopped';
}

/** Runs a rule test given as a document. */
export function testRules(document: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'rules-'));
  const file = join(folder, 'rules.test.yml');
  try {
    writeFileSync(file, stringify(document, { lineWidth: 0 }));
    return promtool('test', 'rules', file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
