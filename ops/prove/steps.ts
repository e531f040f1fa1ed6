import { DockerHost } from '../../stack/docker-host.js';
import type { SmokeResult } from '../smoke.js';
import type { Command, Told } from './command.js';

export interface Surroundings {
  readonly command: Command;
  /** `telegram:namePrefix` of the stack. */
  readonly prefix: string;
  /** Empty is the one of this machine. */
  readonly dockerHost: string;
  /** Null before the first `up`. */
  readonly engine: () => 'pulumi' | 'embedded' | null;
}

export interface Step {
  /** What has been shown when it passed. */
  readonly shows: string;
  /** The engine without which there is nothing to show. */
  readonly needs?: 'pulumi';
  /** Throws `NotProven`, or returns the figures worth keeping. */
  readonly run: (surroundings: Surroundings) => Promise<Readonly<Record<string, unknown>>>;
}

/** A step that did not show what it should. */
export class NotProven extends Error {
  override readonly name = 'NotProven';
}

async function must(command: Command, name: string, args: readonly string[] = []): Promise<Told> {
  const told = await command(name, args);
  if (told.code === 0) return told;
  throw new NotProven(`\`npm run ${name}\` ended with ${String(told.code)}`);
}

/** First group of a pattern in what a command said. */
const found = (text: string, pattern: RegExp) => pattern.exec(text)?.[1] ?? null;
const TOOK_UP = /^✔ up in (.*);/m;

async function smoke({ command }: Surroundings): Promise<Readonly<Record<string, unknown>>> {
  const { stdout } = await must(command, 'smoke', ['--json']);
  const result = JSON.parse(stdout) as SmokeResult;
  const { posted, stored, published, consumed, duplicates } = result;
  if (posted === 0 || duplicates !== 0 || [stored, published, consumed].some((count) => count !== posted))
    throw new NotProven(`messages are missing or came twice: ${stdout}`);
  return { ...result };
}

async function doctor({ command }: Surroundings): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout } = await command('doctor', ['--json']);
  const { checks } = JSON.parse(stdout) as {
    readonly checks: readonly { name: string; ok: boolean; detail: string }[];
  };
  const red = checks.filter(({ ok }) => !ok);
  if (code !== 0) throw new NotProven(red.map(({ name, detail }) => `${name}: ${detail}`).join('; '));
  return Object.fromEntries(checks.map(({ name, detail }) => [name, detail]));
}

/** Everything on the Docker host that is named like a part of a stack with this prefix. */
async function leftovers({ prefix, dockerHost }: Surroundings): Promise<Readonly<Record<string, unknown>>> {
  const host = new DockerHost(dockerHost);
  const lists = [
    ['ps', '-a', '--format', '{{.Names}}'],
    ['volume', 'ls', '--format', '{{.Name}}'],
    ['network', 'ls', '--format', '{{.Name}}'],
  ];
  const names = (await Promise.all(lists.map(async (list) => host.docker(list)))).join('\n').split('\n');
  const left = names.filter((name) => name.startsWith(`${prefix}telegram-`));
  if (left.length > 0) throw new NotProven(`left behind: ${left.join(', ')}`);
  return {};
}

export type StepName = 'up' | 'smoke' | 'doctor' | 'preview' | 'rotate' | 'again' | 'destroy' | 'leftovers';

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
  rotate: {
    shows: 'every machine credential gets a new password',
    run: async ({ command }) => ({ took: found((await must(command, 'rotate')).stderr, /^✔ rotated in (.*);/m) }),
  },
  again: {
    shows: 'a further `up` changes nothing',
    run: async ({ command }) => {
      const { stderr } = await must(command, 'up');
      if (!/^✔ no changes$/m.test(stderr)) throw new NotProven('a second `up` changed something');
      return { took: found(stderr, TOOK_UP) };
    },
  },
  destroy: {
    shows: 'the stack is removed',
    run: async ({ command }) => {
      await must(command, 'destroy', ['--yes']);
      return {};
    },
  },
  leftovers: { shows: 'no container, volume or network is left', run: leftovers },
};

/** The whole life of a stack, in order. */
export const LIFE: readonly StepName[] = [
  'up',
  'smoke',
  'doctor',
  'preview',
  'rotate',
  'smoke',
  'again',
  'preview',
  'destroy',
  'leftovers',
];
