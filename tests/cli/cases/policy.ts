import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../ops/stack-folder.js';
import { run } from '../../support/test-stack.js';
import { MINUTES, changeConfig, env, restoreConfig } from './stack.js';

/** What the workflow gives to `npm run preview`, word by word. */
function workflowArguments(): string[] {
  const text = readFileSync(join(ROOT, '.github', 'workflows', 'preview.yml'), 'utf8');
  const [, words] = /npm run -s preview -- (.*?)(?: \||$)/m.exec(text) ?? [];
  if (!words) throw new Error('the workflow has no preview');
  return words.split(' ');
}

/** The pack as the CLI itself loads it, called as the workflow calls it; that it lets the stack pass is a step of `prove`. */
export function policy(): void {
  describe('the policy pack', () => {
    it(
      'D9 D12 O2 refuses ports that other machines reach, and names rule and container',
      () => {
        expect(workflowArguments()).toEqual(expect.arrayContaining(['--policy-pack', 'policy', '--suppress-outputs']));
        changeConfig({ 'telegram:bindAddress': '0.0.0.0' });
        try {
          const { code, stdout, stderr } = run('preview', workflowArguments(), env);
          const told = `${stdout}${stderr}`;
          expect(code).not.toBe(0);
          expect(told).toContain('❌ telegram-hybrid-stack@');
          expect(told).toMatch(
            /\[mandatory\] +publishes-on-loopback-only +\(docker:index:Container: telegram-pgbouncer\)/,
          );
          expect(told).toContain('telegram-pgbouncer: a port is published beyond 127.0.0.1');
        } finally {
          restoreConfig();
        }
      },
      5 * MINUTES,
    );
  });
}
