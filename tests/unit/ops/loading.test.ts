import { expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../ops/stack-folder.js';

/** Loads modules as `ops/cli.ts` does, and prints which of our files load the SDK. */
const PROBE = `
  const { createRequire } = require('node:module');
  Promise.all(process.argv.slice(1).map((path) => import(path))).then(() => {
    const modules = Object.values(createRequire(process.argv[1]).cache).filter(({ id }) => !id.includes('node_modules'));
    const loads = ({ children }) => children.some(({ id }) => id.includes('node_modules/@pulumi/'));
    console.log(JSON.stringify(modules.filter(loads).map(({ id }) => id)));
  });`;

it('N7 no command loads the SDK, a second of its start, before it needs it', () => {
  const files = readdirSync(join(ROOT, 'ops')).filter((file) => file.endsWith('.ts') && file !== 'cli.ts');
  const paths = [...files, 'doctor/index.ts'].map((file) => join(ROOT, 'ops', file));
  const out = execFileSync(process.execPath, ['--import', 'tsx', '-e', PROBE, ...paths], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  expect(JSON.parse(out)).toEqual([]);
}, 120_000);
