import type { SmokeResult } from '../smoke.js';
import { must, NotProven, type Figures, type Step, type Surroundings } from './step.js';
import { surroundings } from './surroundings.js';
import { unit } from './unit.js';

/** First group of a pattern in what a command said. */
const found = (text: string, pattern: RegExp) => pattern.exec(text)?.[1] ?? null;
const TOOK_UP = /^✔ up in (.*);/m;

async function smoke({ command }: Surroundings): Promise<Figures> {
  const { stdout } = await must(command, 'smoke', ['--json']);
  const result = JSON.parse(stdout) as SmokeResult;
  const { posted, stored, published, consumed, duplicates } = result;
  if (posted === 0 || duplicates !== 0 || [stored, published, consumed].some((count) => count !== posted))
    throw new NotProven(`messages are missing or came twice: ${stdout}`);
  return { ...result };
}

async function doctor({ command }: Surroundings): Promise<Figures> {
  const { code, stdout } = await command('doctor', ['--json']);
  const { checks } = JSON.parse(stdout) as {
    readonly checks: readonly { name: string; ok: boolean; detail: string }[];
  };
  const red = checks.filter(({ ok }) => !ok);
  if (code !== 0) throw new NotProven(red.map(({ name, detail }) => `${name}: ${detail}`).join('; '));
  return Object.fromEntries(checks.map(({ name, detail }) => [name, detail]));
}

/** Everything on the Docker hosts that is named like a part of a stack with this prefix. */
async function leftovers({ prefix, dockers }: Surroundings): Promise<Figures> {
  const lists = [
    ['ps', '-a', '--format', '{{.Names}}'],
    ['volume', 'ls', '--format', '{{.Name}}'],
    ['network', 'ls', '--format', '{{.Name}}'],
  ];
  const asked = dockers.flatMap((docker) => lists.map(async (list) => docker.docker(list)));
  const names = (await Promise.all(asked)).join('\n').split('\n');
  const left = names.filter((name) => name.startsWith(`${prefix}telegram-`));
  if (left.length > 0) throw new NotProven(`left behind: ${left.join(', ')}`);
  return {};
}

export type StepName =
  | 'up'
  | 'surroundings'
  | 'smoke'
  | 'doctor'
  | 'preview'
  | 'refresh'
  | 'unit'
  | 'rotate'
  | 'again'
  | 'destroy'
  | 'leftovers';

export const STEPS: Readonly<Record<StepName, Step>> = {
  up: {
    shows: 'from nothing to every container healthy',
    run: async ({ command }) => {
      const { stderr } = await must(command, 'up');
      return {
        engine: found(stderr, /^• engine: (.*)$/m),
        images: found(stderr, /images: (\w+), because/),
        took: found(stderr, TOOK_UP),
      };
    },
  },
  surroundings: {
    shows: 'official images, control groups and AppArmor profiles are what --expect names',
    run: surroundings,
  },
  smoke: { shows: 'every message is stored, published and consumed once', run: smoke },
  doctor: { shows: 'every check passes', run: doctor },
  preview: {
    shows: '`up` would change nothing, and the policy pack has no objection',
    needs: 'pulumi',
    run: async ({ command }) => {
      await must(command, 'preview', ['--expect-no-changes', '--policy-pack', 'policy']);
      return {};
    },
  },
  refresh: {
    shows: 'a look at everything that is there finds nothing changed',
    needs: 'pulumi',
    run: async ({ command }) => {
      await must(command, 'pulumi', [
        'refresh',
        '--yes',
        '--non-interactive',
        '--suppress-outputs',
        '--expect-no-changes',
      ]);
      return {};
    },
  },
  unit: { shows: 'the unit is hardened, and a process that hangs is brought back by the watchdog', run: unit },
  rotate: {
    shows: 'every machine credential gets a new password',
    run: async ({ command }) => ({ took: found((await must(command, 'rotate')).stderr, /^✔ rotated in (.*);/m) }),
  },
  again: {
    shows: 'a further `up` changes nothing, and how long it takes',
    run: async ({ command }) => {
      const { stderr } = await must(command, 'up');
      if (!/^✔ no changes$/m.test(stderr)) throw new NotProven('a second `up` changed something');
      return { took: found(stderr, TOOK_UP) };
    },
  },
  destroy: {
    shows: 'the stack is removed, also one that failed',
    always: true,
    run: async ({ command }) => {
      await must(command, 'destroy', ['--yes']);
      return {};
    },
  },
  leftovers: { shows: 'no container, volume or network is left', always: true, run: leftovers },
};

/** The whole life of a stack, in order; the preview has to be clean after each thing that was done to it. */
export const LIFE: readonly StepName[] = [
  ...(['up', 'surroundings', 'smoke', 'doctor', 'preview'] as const),
  ...(['refresh', 'preview', 'unit', 'preview'] as const),
  ...(['rotate', 'smoke', 'preview', 'again'] as const),
  ...(['destroy', 'leftovers'] as const),
];
