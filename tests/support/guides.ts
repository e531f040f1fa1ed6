import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../ops/stack-folder.js';
import { TEST_PREFIX, testEnvironment } from './test-stack.js';

const GUIDES = join(ROOT, 'docs', 'guides');
/** Longest that one guide may take, in milliseconds. */
const BOUND_MS = 240_000;
const BLOCK = /^```sh test(?: (\S+))?\n([\s\S]*?)^```$/gm;

/**
 * The blocks of each guide that are marked `sh test`, in the order of the page; with `state`, those that want a stack in that
 * state (`sh test backed-up`). Guides without any are left out.
 */
export function guideBlocks(state?: string): readonly (readonly [guide: string, blocks: readonly string[]])[] {
  return readdirSync(GUIDES)
    .filter((name) => name.endsWith('.md'))
    .map((name) => [name, blocksOf(readFileSync(join(GUIDES, name), 'utf8'), state)] as const)
    .filter(([, blocks]) => blocks.length > 0);
}

const blocksOf = (text: string, state: string | undefined) =>
  [...text.matchAll(BLOCK)].filter(([, wanted]) => wanted === state).map(([, , block = '']) => block);

export interface GuideRun {
  readonly code: number | null;
  /** What each block printed, as far as it came. */
  readonly outputs: readonly string[];
}

/**
 * The blocks as an operator would type them, in one shell, up to the first that fails. The names of containers are those of
 * the test stack.
 */
export function runBlocks(blocks: readonly string[]): GuideRun {
  const mark = '── next block';
  const script = ['set -e', ...blocks.map((block) => `echo '${mark}'\n${block}`)]
    .join('\n')
    .replaceAll(/\btelegram-(?=[a-z$])/g, `${TEST_PREFIX}telegram-`);
  const { status, stdout } = spawnSync('bash', ['-c', `exec 2>&1\n${script}`], {
    cwd: ROOT,
    env: { ...process.env, ...testEnvironment() },
    encoding: 'utf8',
    timeout: BOUND_MS,
  });
  return { code: status, outputs: stdout.split(`${mark}\n`).slice(1) };
}
