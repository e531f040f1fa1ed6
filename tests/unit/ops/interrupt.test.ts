import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process that waits, with a handler of its own or none. */
async function interrupted(own: string): Promise<{ readonly code: number | null; readonly said: string }> {
  const program = `
    const { answerInterrupts } = await import('./ops/interrupt.ts');
    answerInterrupts();
    ${own}
    setTimeout(() => undefined, 60_000);
    console.log('waits');`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

describe('Ctrl-C', () => {
  it('O1 at a moment for which a command has no answer of its own is told as that, with what to do', async () => {
    const { code, said } = await interrupted('');
    expect(code).toBe(130);
    expect(said).toContain('INTERRUPTED the command was interrupted');
    expect(said).toContain('Run the command again');
  }, 30_000);

  it('O1 is left to the part of a command that has an answer', async () => {
    const { code, said } = await interrupted("process.once('SIGINT', () => process.exit(7));");
    expect({ code, said }).toEqual({ code: 7, said: '' });
  }, 30_000);
});
