import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keyOf, type Entry } from '../../../ops/engine/entry.js';
import { changedKeys, decide, keepIgnored, planRemoval, type Situation } from '../../../ops/engine/plan.js';

function entry(fields: Partial<Entry> = {}): Entry {
  return { type: 't', name: 'n', id: 'id', hash: 'h', status: 'ready', order: 1, options: {}, sealed: '', ...fields };
}

function situation(fields: Partial<Situation>): Situation {
  return {
    entry: entry(),
    hash: 'h',
    changed: [],
    rules: { onChange: 'replace' },
    options: { replaceOnChanges: [] },
    live: { there: 'running' },
    ...fields,
  };
}

const changed = { hash: 'other', changed: ['envs'] };
const command = { onChange: 'update', replaceKeys: ['triggers'], storeOnlyKeys: ['delete'] } as const;
const server = { onChange: 'replace', updateKeys: ['memory'], storeOnlyKeys: ['wait'] } as const;

describe('O10 what happens to a resource', () => {
  it.each<[string, Partial<Situation>, string]>([
    ['is new', { entry: undefined }, 'create'],
    ['did not change', {}, 'same'],
    ['did not change but was removed by hand', { live: { there: 'missing' } }, 'create'],
    ['did not change but stopped', { live: { there: 'stopped' } }, 'start'],
    ['was removed for a replacement that never came', { entry: entry({ id: '', status: 'pending' }) }, 'create'],
    ['never became ready', { entry: entry({ status: 'pending' }) }, 'replace'],
    ['is a changed container', changed, 'replace'],
    [
      'is a changed and protected container',
      { ...changed, options: { protect: true, replaceOnChanges: [] } },
      'refuse',
    ],
    [
      'is a container changed in what Docker changes in place',
      { hash: 'x', changed: ['memory'], rules: server },
      'update',
    ],
    [
      'is a container changed in that and in something else',
      { hash: 'x', changed: ['envs', 'memory'], rules: server },
      'replace',
    ],
    [
      'is a container changed in that and in what only the engine reads',
      { hash: 'x', changed: ['memory', 'wait'], rules: server },
      'update',
    ],
    [
      'is a container changed in place against the wish of the program',
      { hash: 'x', changed: ['memory'], rules: server, options: { replaceOnChanges: ['*'] } },
      'replace',
    ],
    [
      'changed in what only the engine reads',
      { ...changed, rules: { onChange: 'replace', storeOnlyKeys: ['envs'] } },
      'store',
    ],
    [
      'changed in what only the engine reads, and stopped',
      { ...changed, rules: { onChange: 'replace', storeOnlyKeys: ['envs'] }, live: { there: 'stopped' } },
      'start',
    ],
    ['is a changed volume', { ...changed, rules: { onChange: 'refuse' } }, 'refuse'],
    [
      'is a changed volume that is gone',
      { ...changed, rules: { onChange: 'refuse' }, live: { there: 'missing' } },
      'create',
    ],
    ['is a changed, unused network', { ...changed, rules: { onChange: 'replaceIfUnused' } }, 'replace'],
    [
      'is a changed network in use',
      { ...changed, rules: { onChange: 'replaceIfUnused' }, live: { there: 'running', users: ['redis'] } },
      'refuse',
    ],
    ['is a changed command', { ...changed, rules: command }, 'update'],
    ['is a command with changed triggers', { hash: 'x', changed: ['stdin', 'triggers'], rules: command }, 'replace'],
    [
      'is a command with a change that the program wants as replacement',
      { ...changed, rules: command, options: { replaceOnChanges: ['envs[*]'] } },
      'replace',
    ],
    ['is a command whose delete changed', { hash: 'x', changed: ['delete'], rules: command }, 'store'],
    [
      'is a password with other keepers',
      { hash: 'x', changed: ['keepers'], rules: { onChange: 'regenerate' } },
      'replace',
    ],
  ])('a resource that %s', (_what, fields, action) => {
    expect(decide(situation(fields)).action).toBe(action);
  });

  it('says what changed, and who uses a network', () => {
    const { reason } = decide(
      situation({
        ...changed,
        rules: { onChange: 'replaceIfUnused', refusal: 'destroy first' },
        live: { there: 'running', users: ['redis', 'rabbit'] },
      }),
    );
    expect(reason).toBe('changed: envs; destroy first (redis, rabbit)');
  });
});

describe('O10 ignoreChanges', () => {
  it.each([
    [['labels'], { a: 1 }, { a: 2, labels: [1] }, { a: 2 }],
    [['a.b'], { a: { b: 1, c: 1 } }, { a: { b: 2, c: 2 } }, { a: { b: 1, c: 2 } }],
    [['list[1]'], { list: [1, 2] }, { list: [3, 4, 5] }, { list: [3, 2, 5] }],
    [['list[*].x'], { list: [{ x: 1 }] }, { list: [{ x: 2, y: 2 }] }, { list: [{ x: 1, y: 2 }] }],
    [['map["a.b"]'], { map: { 'a.b': 1 } }, { map: { 'a.b': 2 } }, { map: { 'a.b': 1 } }],
    [['*'], { a: 1 }, { a: 2, b: 3 }, { a: 1 }],
  ])('%j keeps the old value there and nowhere else', (paths, before, after, expected) => {
    expect(keepIgnored(paths, before, after)).toEqual(expected);
  });

  it('an ignored key is never among the changed ones', () => {
    const values = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.jsonValue());
    fc.assert(
      fc.property(values, values, fc.constantFrom('a', 'b', 'c'), (before, after, key) => {
        expect(changedKeys(before, keepIgnored([key], before, after))).not.toContain(key);
      }),
    );
  });
});

describe('O10 changed keys', () => {
  it('are none for equal values, whatever the order of their keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (values) => {
        const reversed = Object.fromEntries(Object.entries(values).reverse());
        expect(changedKeys(values, reversed)).toEqual([]);
      }),
    );
  });
});

describe('O10 removal', () => {
  const named = (name: string, order: number, options: Entry['options'] = {}): Entry => entry({ name, order, options });
  const plan = (entries: Entry[]): string[] => planRemoval(entries).map(({ entry: { name }, how }) => `${how} ${name}`);

  it('goes backwards and keeps what is retained or protected', () => {
    const all = [
      named('network', 1),
      named('volume', 2, { retainOnDelete: true }),
      named('disk', 3, { protect: true }),
      named('server', 4),
    ];
    expect(plan(all)).toEqual(['delete server', 'keep disk', 'keep volume', 'delete network']);
  });

  it('skips what goes with another one that is deleted in the same run', () => {
    const command = named('command', 2, { deletedWith: keyOf('t', 'host') });
    expect(plan([named('host', 1), command])).toEqual(['skip command', 'delete host']);
    expect(plan([command])).toEqual(['delete command']);
    expect(plan([named('host', 1, { retainOnDelete: true }), command])).toEqual(['delete command', 'keep host']);
  });
});
