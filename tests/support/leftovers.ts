import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { TEST_PREFIX, TEST_STATE } from './test-stack.js';

const BOUND_MS = 120_000;
const OURS = new RegExp(`^${TEST_PREFIX}(.+-)?telegram-`);

function docker(...args: readonly string[]): string {
  return spawnSync('docker', args, { encoding: 'utf8', timeout: BOUND_MS }).stdout;
}

const named = (...list: readonly string[]) =>
  docker(...list, '--format', list[0] === 'ps' ? '{{.Names}}' : '{{.Name}}')
    .split('\n')
    .filter((name) => OURS.test(name));

/**
 * Removes what a run of the tests left that was cut off: all that carries the names of the test stacks of this slot, and their
 * state. Returns the names. Two checkouts that test at the same time have to differ in `TEST_SLOT`.
 */
export function clearLeftovers(): readonly string[] {
  const containers = named('ps', '-a');
  if (containers.length > 0) docker('rm', '-f', ...containers);
  const volumes = named('volume', 'ls');
  if (volumes.length > 0) docker('volume', 'rm', ...volumes);
  const networks = named('network', 'ls');
  if (networks.length > 0) docker('network', 'rm', ...networks);
  const left = [...containers, ...volumes, ...networks];
  if (left.length > 0) rmSync(TEST_STATE, { recursive: true, force: true });
  return left;
}
