import { describe, expect, it } from '@jest/globals';
import { UPSTREAM, upstreamImage } from '../../../components/image-names.js';
import type { Told } from '../../../ops/prove/command.js';
import { performAll } from '../../../ops/prove/perform.js';
import type { Surroundings } from '../../../ops/prove/step.js';
import { LIFE, STEPS, type StepName } from '../../../ops/prove/steps.js';
import { unmet, type Seen } from '../../../ops/prove/surroundings.js';
import { DockerHost } from '../../../stack/docker-host.js';

const fine: Told = { code: 0, signal: null, stdout: '{}', stderr: '' };

/** Steps with commands that end as told, `up` without a change otherwise; gives the outcomes and the commands that ran. */
async function performed(
  names: readonly StepName[],
  ends: Readonly<Record<string, Partial<Told>>>,
  { keep = false, engine = 'embedded' }: { keep?: boolean; engine?: 'embedded' | null } = {},
) {
  const called: string[] = [];
  const surroundings: Surroundings = {
    command: async (name) => {
      called.push(name);
      return Promise.resolve({
        ...fine,
        ...(name === 'up' && { stderr: '✔ no changes\n✔ up in 9.1 s; next\n' }),
        ...ends[name],
      });
    },
    prefix: 'none-',
    dockers: [new DockerHost('')],
    engine: () => engine,
    stack: async () => Promise.reject(new Error('not up')),
    expected: [],
  };
  const steps = await performAll(names, keep, surroundings);
  return { called, outcomes: steps.map(({ step, outcome }) => `${step} ${outcome}`), steps };
}

describe('the steps of the proof', () => {
  it('N7 a further `up` leaves how long it took', async () => {
    const { steps } = await performed(['again'], {});
    expect(steps).toMatchObject([{ outcome: 'proven', figures: { took: '9.1 s' } }]);
  });

  it('O1 O3 after one that failed the rest is left out, but the stack is destroyed', async () => {
    const said = Array.from({ length: 30 }, (_, n) => `line ${String(n)}`);
    const { called, outcomes, steps } = await performed(['rotate', 'again', 'destroy'], {
      rotate: { code: 1, stderr: `${said.join('\n')}\n` },
    });
    expect(outcomes).toEqual(['rotate failed', 'again left out', 'destroy proven']);
    expect(called).toEqual(['rotate', 'destroy']);
    expect(steps[0]?.figures).toEqual({ why: '`npm run rotate` ended with 1', said: said.slice(-20) });
  });

  it.each([
    ['an answer that is none', ['doctor', 'destroy'], { doctor: { stdout: 'what?' } }],
    ['a stack that does not open', ['unit', 'destroy'], {}],
    ['a command that hangs', ['refresh', 'rotate', 'destroy'], { rotate: { code: 1, signal: 'SIGTERM' } }],
  ] as [string, StepName[], Record<string, Partial<Told>>][])(
    'O1 %s fails its step and no more',
    async (_, names, ends) => {
      const { outcomes } = await performed(names, ends);
      expect(outcomes.at(-2)).toMatch(/ failed$/);
      expect(outcomes.at(-1)).toBe('destroy proven');
    },
  );

  it('O1 what is to be looked at is kept, and what was never made is not destroyed', async () => {
    const broken = { rotate: { code: 1 } };
    expect((await performed(['rotate', 'destroy'], broken, { keep: true })).called).toEqual(['rotate']);
    expect((await performed(['destroy'], {}, { engine: null })).steps[0]?.figures['why']).toBe('nothing was made');
  });

  it('O2 the preview is clean after each thing that changes or looks at the stack', () => {
    for (const step of ['up', 'refresh', 'unit', 'rotate'] as const)
      expect(LIFE.slice(LIFE.indexOf(step) + 1, LIFE.indexOf('destroy'))).toContain('preview');
    expect(LIFE.filter((step) => STEPS[step].always)).toEqual(['destroy', 'leftovers']);
    expect(LIFE.slice(-2)).toEqual(['destroy', 'leftovers']);
  });
});

describe('what is expected of a machine', () => {
  const official = Object.keys(UPSTREAM).flatMap((service) => upstreamImage(service) ?? []);
  const good: Seen = {
    cgroup: 2,
    hostCgroup: 'cgroup2fs',
    apparmor: true,
    containers: [
      ...official.map((image, n) => ({ name: `c${String(n)}`, image: [image], profile: 'docker-default' })),
      { name: 'x-telegram-gateway-host', image: ['telegram-hybrid-stack/gateway-host:1'], profile: 'unconfined' },
    ],
  };
  const all = ['upstream-images', 'cgroup2', 'apparmor'] as const;
  const built = (containers: Seen['containers']) => containers.map((one) => ({ ...one, image: ['redis:7'] }));
  const open = (containers: Seen['containers']) => containers.map((one) => ({ ...one, profile: 'unconfined' }));

  it('D10 S6 a hosted runner as it should be', () => {
    expect(official.length).toBeGreaterThanOrEqual(4);
    expect(unmet(all, good)).toEqual([]);
  });

  it.each([
    ['images that were built', { containers: built(good.containers) }, official.length],
    ['control groups of version 1', { cgroup: 1, hostCgroup: 'tmpfs' }, 2],
    ['no AppArmor', { apparmor: false }, 1],
    ['containers that it leaves alone', { containers: open(good.containers) }, official.length],
  ] as [string, Partial<Seen>, number][])(
    'D10 S6 %s are told, one by one, when they are asked for',
    (_, change, count) => {
      expect(unmet(all, { ...good, ...change })).toHaveLength(count);
      expect(unmet([], { ...good, ...change })).toEqual([]);
    },
  );

  it('D10 a digest counts where that very digest is pinned', () => {
    const [tag = ''] = official;
    const [repository = ''] = tag.split(':');
    const [first, ...rest] = good.containers;
    const pinned = { ...good, containers: [{ ...first, image: [`${repository}@sha256:abc`] }, ...rest] } as Seen;
    expect(unmet(['upstream-images'], pinned)).toEqual([`no container runs ${tag}`]);
  });
});
