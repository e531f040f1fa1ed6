import { describe, expect, it } from '@jest/globals';
import { afterOneStep, nextEpoch, stepsOf } from '../../../ops/rotate.js';
import { progressOf } from '../../../stack/epoch-progress.js';

const volume = (stage: string, epoch: number, instance = 'mine') => ({
  Name: `telegram-credential-epoch-${String(epoch)}-${stage}`,
  Labels: [
    `org.telegram-hybrid-stack.credential-epoch=${String(epoch)}`,
    `org.telegram-hybrid-stack.instance=${instance}`,
    `org.telegram-hybrid-stack.credential-stage=${stage}`,
  ].join(','),
});

describe('the record of rotations', () => {
  it('O5 is the last epoch of each stage, of this stack alone', () => {
    const volumes = [
      volume('begun', 9),
      volume('begun', 10),
      volume('completed', 9),
      volume('completed', 31, 'other'),
      { Name: 'data', Labels: '' },
    ];
    expect(progressOf(volumes, 'mine')).toEqual({ begun: 10, completed: 9 });
    expect(progressOf(volumes, 'nobody')).toEqual({ begun: null, completed: null });
  });
});

describe('the epoch that `rotate` applies', () => {
  it.each([
    ['the next one', { begun: 4, completed: 4 }, 4, 5],
    ['the one that was raised by hand', { begun: 4, completed: 4 }, 5, 5],
    ['the one that stands half done', { begun: 5, completed: 4 }, 5, 5],
    ['the one that stands half done, whatever is configured', { begun: 5, completed: 4 }, 4, 5],
    ['the configured one while nothing is on record', { begun: null, completed: null }, 4, 4],
  ] as const)('O5 is %s', (_, progress, configured, expected) => {
    expect(nextEpoch(progress, configured)).toBe(expected);
  });
});

describe('the steps that `rotate` takes', () => {
  it.each([
    ['one', { begun: 4, completed: 4 }, false, 1],
    ['one, which finishes what was begun', { begun: 5, completed: 4 }, false, 1],
    ['two with --both', { begun: 4, completed: 4 }, true, 2],
    ['three with --both after one that was begun earlier, with passwords of then', { begun: 5, completed: 4 }, true, 3],
  ] as const)('O5 are %s', (_, progress, both, expected) => {
    expect(stepsOf(progress, both)).toBe(expected);
  });
});

describe('what `rotate` says of the former passwords after one step', () => {
  const of = (...parts: string[]) =>
    afterOneStep({ namePrefix: 'x-', containers: parts.map((part) => `x-telegram-${part}`) });

  it('O5 M2 those without a second slot are named, where the stack has them', () => {
    const stay = 'the former passwords stay valid until the next step';
    expect(of('gateway-api')).toBe(stay);
    expect(of('timescaledb')).toBe(`${stay}, but for those of the superuser postgres`);
    expect(of('timescaledb', 'grafana')).toBe(`${stay}, but for those of the superuser postgres and Grafana's admin`);
  });
});
