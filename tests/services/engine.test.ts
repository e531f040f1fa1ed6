import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Docker from 'dockerode';
import type { EngineError } from '../../ops/engine/errors.js';
import type { EngineEvent } from '../../ops/engine/events.js';
import { destroyEmbedded, runEmbedded, type RunResult } from '../../ops/engine/run.js';
import { STATE_FILE } from '../../ops/engine/state.js';

/** A local image with bash: nothing is pulled. */
const image = process.env['TEST_BASE_IMAGE'];
const PROGRAM = join(__dirname, 'fixtures', 'engine-program.ts');
const RUNNER = join(__dirname, 'fixtures', 'engine-run.ts');
const PREFIX = 'try-engine-';
const MINUTES = 60_000;
const NONE = { create: 0, update: 0, replace: 0, delete: 0, same: 0 };

const docker = new Docker();

(image === undefined ? describe.skip : describe)('O10 embedded engine on Docker (needs TEST_BASE_IMAGE)', () => {
  let folder: string;
  let events: EngineEvent[];

  const where = () => ({ project: 'try', stack: 'engine', stateDir: join(folder, 'state') });
  const configOf = (more: Record<string, string>): Record<string, string> => ({
    'try:image': image ?? '',
    'try:notes': join(folder, 'notes'),
    ...Object.fromEntries(Object.entries(more).map(([key, value]) => [`try:${key}`, value])),
  });
  const up = async (more: Record<string, string> = {}): Promise<RunResult> => {
    events = [];
    return runEmbedded({
      ...where(),
      programPath: PROGRAM,
      config: configOf(more),
      onEvent: (event) => events.push(event),
    });
  };
  const failureOf = async (more: Record<string, string>): Promise<EngineError> =>
    up(more).then(
      () => {
        throw new Error('the run did not fail');
      },
      (error: unknown) => error as EngineError,
    );
  const server = () => docker.getContainer(`${PREFIX}server`);
  const inServer = async (...command: string[]): Promise<string> => {
    const run = await server().exec({ Cmd: command, AttachStdout: true, Tty: true });
    const stream = await run.start({ Tty: true });
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    return text.trim();
  };
  const leftovers = async (): Promise<string[]> => {
    const containers = await docker.listContainers({ all: true });
    const networks = await docker.listNetworks();
    const { Volumes } = await docker.listVolumes();
    const names = [
      ...containers.flatMap(({ Names }) => Names),
      ...networks.map(({ Name }) => Name),
      ...Volumes.map(({ Name }) => Name),
    ];
    return names.filter((name) => name.includes(PREFIX)).sort();
  };

  beforeAll(async () => {
    expect(await leftovers()).toEqual([]);
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'engine-docker-'));
  });
  afterEach(async () => {
    await destroyEmbedded(where());
    await docker
      .getVolume(`${PREFIX}data`)
      .remove()
      .catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
    expect(await leftovers()).toEqual([]);
  }, MINUTES);
  afterAll(async () => {
    await docker
      .getImage(`${PREFIX}image:1`)
      .remove()
      .catch(() => undefined);
  });

  it(
    'makes what the program says, changes nothing the second time, and destroy leaves nothing',
    async () => {
      const first = await up();
      expect(first.changes).toEqual({ ...NONE, create: 6 });
      const { State, HostConfig, NetworkSettings } = await server().inspect();
      expect(State.Health?.Status).toBe('healthy');
      expect(HostConfig).toMatchObject({ Memory: 67_108_864, MemorySwap: 67_108_864, NanoCpus: 500_000_000 });
      expect(Object.keys(NetworkSettings.Networks)).toEqual([`${PREFIX}network`]);
      expect(NetworkSettings.Networks[`${PREFIX}network`]?.IPAddress).toBe('172.30.11.10');
      expect(await inServer('stat', '-c', '%a %u %g', '/etc/try/config', '/etc/try/run')).toBe('640 7 7\r\n744 0 0');
      expect(await inServer('cat', '/etc/try/config')).toBe('answer = 42');

      const second = await up();
      expect(second.changes).toEqual({ ...NONE, same: 6 });
      expect(second.outputs).toEqual(first.outputs);
      expect(readFileSync(join(folder, 'state', STATE_FILE), 'utf8')).not.toContain(String(first.outputs['password']));

      await destroyEmbedded(where());
      expect(await leftovers()).toEqual([]);
      expect(readFileSync(join(folder, 'notes'), 'utf8')).toBe('one created\ndeleted one\n');
    },
    3 * MINUTES,
  );

  it(
    'a changed environment replaces the container gracefully, keeps its data and runs the command again',
    async () => {
      const before = await up();
      const after = await up({ mode: 'two' });
      expect(after.changes).toEqual({ ...NONE, replace: 1, update: 1, same: 4 });
      expect(after.outputs['containerId']).not.toBe(before.outputs['containerId']);
      expect(await inServer('printenv', 'MODE')).toBe('two');
      // Written by the TERM handler of the replaced container.
      expect(await inServer('ls', '/data/stopped')).toBe('/data/stopped');

      // The grace on removal is read by the engine alone: the container stays.
      const stored = await up({ mode: 'two', grace: '3' });
      expect(stored.changes).toEqual({ ...NONE, update: 1, same: 5 });
      expect(stored.outputs['containerId']).toBe(after.outputs['containerId']);

      const rotated = await up({ mode: 'two', grace: '3', epoch: '2' });
      expect(rotated.changes).toEqual({ ...NONE, replace: 2, same: 4 });
    },
    3 * MINUTES,
  );

  it(
    'what vanished from the program is removed, after what is new was made',
    async () => {
      await up();
      const { changes } = await up({ service: 'false', extra: 'true' });
      expect(changes).toEqual({ ...NONE, create: 1, delete: 5, same: 1 });
      expect(await leftovers()).toEqual([`${PREFIX}extra`]);
      expect(events.map((event) => event.kind === 'done' && event.name).indexOf(`${PREFIX}extra`)).toBeLessThan(3);
    },
    3 * MINUTES,
  );

  it(
    'a container that was stopped is started, one that was removed is made again',
    async () => {
      const { outputs } = await up();
      await server().kill();
      const started = await up();
      expect(started.changes).toEqual({ ...NONE, update: 1, same: 5 });
      expect(started.outputs).toEqual(outputs);
      expect((await server().inspect()).State.Health?.Status).toBe('healthy');

      await server().remove({ force: true });
      expect((await up()).changes).toEqual({ ...NONE, create: 1, same: 5 });

      // Removed under a stopped container, the network comes back as another one, which the old container cannot join.
      await server().kill();
      await docker.getNetwork(`${PREFIX}network`).remove();
      expect((await up()).changes).toEqual({ ...NONE, create: 1, update: 1, same: 4 });
      expect((await server().inspect()).State.Running).toBe(true);
    },
    3 * MINUTES,
  );

  it(
    'O2 limits that were changed by hand are put back, in the same running container',
    async () => {
      const { outputs } = await up();
      const { StartedAt } = (await server().inspect()).State;
      const limits = { Memory: 67_108_864, MemorySwap: 67_108_864, NanoCpus: 500_000_000 };
      await server().update({ Memory: 33_554_432, MemorySwap: 134_217_728, NanoCpus: 250_000_000 });
      expect((await server().inspect()).HostConfig).not.toMatchObject(limits);
      const mended = await up();
      expect(mended.changes).toEqual({ ...NONE, update: 1, same: 5 });
      expect(JSON.stringify(events)).toContain('changed by hand: Memory, MemorySwap, NanoCpus');
      expect(mended.outputs).toEqual(outputs);
      expect(await server().inspect()).toMatchObject({ HostConfig: limits, State: { StartedAt } });
      expect((await up()).changes).toEqual({ ...NONE, same: 6 });
    },
    3 * MINUTES,
  );

  it(
    'a container that stays unhealthy is an error with its last lines, and the next run mends it',
    async () => {
      const error = await failureOf({
        script: 'echo "password is $PASSWORD in mode $MODE"; echo "cannot open the book"; sleep 60',
        check: 'echo "no pulse"; exit 1',
        grace: '0',
        mode: 'ordinary',
        waitTimeout: '10',
      });
      expect(error.code).toBe('ENGINE_RESOURCE_FAILED');
      expect(error.message).toMatch(
        /^try-engine-server \(docker:index\/container:Container\): (un)?(healthy|starting) after 10 s/,
      );
      expect(error.details).toEqual([
        'log: password is [secret] in mode ordinary',
        'log: cannot open the book',
        'health check: no pulse',
      ]);
      expect((await up()).changes).toEqual({ ...NONE, create: 1, replace: 1, same: 4 });
    },
    3 * MINUTES,
  );

  it(
    'a container that exits is an error at once',
    async () => {
      const error = await failureOf({ script: 'echo "no such book" >&2; exit 3', waitTimeout: '60' });
      expect(error.message).toContain('exited with code 3');
      expect(error.details).toEqual(['log: no such book']);
    },
    3 * MINUTES,
  );

  it(
    'a container that ends again at every start is an error long before its time is up',
    async () => {
      const script = 'echo "the book is torn" >&2; exit 3';
      const error = await failureOf({ script, restart: 'unless-stopped', waitTimeout: '150' });
      expect(error.message).toContain('keeps restarting, exit code 3');
      expect(new Set(error.details)).toEqual(new Set(['log: the book is torn']));
      expect((await up()).changes).toEqual({ ...NONE, create: 1, replace: 1, same: 4 });
    },
    3 * MINUTES,
  );

  it(
    'data is never replaced: a changed volume, and a changed network in use, are refused',
    async () => {
      await up();
      await inServer('touch', '/data/book');
      const volume = await failureOf({ label: 'new' });
      expect(volume.code).toBe('ENGINE_REFUSED');
      expect(volume.message).toContain('changed: labels');
      const network = await failureOf({ range: '172.30.11.0/25' });
      expect(network.code).toBe('ENGINE_REFUSED');
      expect(network.message).toContain('destroy');
      expect(await inServer('ls', '/data/book')).toBe('/data/book');
      expect((await up()).changes.same).toBe(6);
    },
    3 * MINUTES,
  );

  it(
    'a retained volume outlives destroy, and the next up finds its data',
    async () => {
      await up({ retain: 'true' });
      await inServer('touch', '/data/book');
      await destroyEmbedded(where());
      expect(await leftovers()).toEqual([`${PREFIX}data`]);
      await up();
      expect(await inServer('ls', '/data/book')).toBe('/data/book');
    },
    3 * MINUTES,
  );

  it(
    'a volume that carries another label than the one made is left alone by destroy',
    async () => {
      await up({ label: 'mine' });
      await server().remove({ force: true });
      await docker.getVolume(`${PREFIX}data`).remove();
      await docker.createVolume({ Name: `${PREFIX}data`, Labels: { a: 'somebody else' } });
      await destroyEmbedded(where());
      expect(await leftovers()).toEqual([`${PREFIX}data`]);
    },
    3 * MINUTES,
  );

  it(
    'a container of somebody else under the same name is named and left alone',
    async () => {
      const other = await docker.createContainer({ name: `${PREFIX}server`, Image: image ?? '', Cmd: ['true'] });
      try {
        const error = await failureOf({});
        expect(error.code).toBe('ENGINE_NAME_TAKEN');
        expect(error.message).toContain(`a container named ${PREFIX}server exists already`);
        expect((await other.inspect()).State.Status).toBe('created');
      } finally {
        await other.remove();
      }
      expect((await up()).changes.create).toBe(2);
    },
    3 * MINUTES,
  );

  it(
    'an unknown type is named and stops the run',
    async () => {
      expect((await failureOf({ unknown: 'true', service: 'false' })).code).toBe('ENGINE_UNKNOWN_TYPE');
    },
    MINUTES,
  );

  it(
    'a run killed while it waits for a container is finished by the next one',
    async () => {
      const request = {
        task: 'up',
        programPath: PROGRAM,
        stateDir: where().stateDir,
        config: configOf({ check: 'false', waitTimeout: '120' }),
      };
      const child = spawn(process.execPath, ['--import', 'tsx', RUNNER, JSON.stringify(request)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const gone = once(child, 'exit');
      for await (const line of createInterface({ input: child.stdout })) {
        const event = JSON.parse(line) as EngineEvent;
        if (event.kind === 'start' && event.name === `${PREFIX}server`) break;
      }
      await until(async () => (await server().inspect()).State.Running);
      child.kill('SIGKILL');
      await gone;
      expect((await up()).changes).toEqual({ ...NONE, create: 1, replace: 1, same: 4 });
      expect((await server().inspect()).State.Health?.Status).toBe('healthy');
    },
    3 * MINUTES,
  );

  it(
    'a run interrupted at whichever resource goes on with the next one',
    async () => {
      const begun: string[] = [];
      let interrupted = 0;
      const untilNew = async (): Promise<RunResult | null> => {
        const controller = new AbortController();
        const onEvent = (event: EngineEvent) => {
          if (event.kind !== 'start' || begun.includes(event.name)) return;
          begun.push(event.name);
          controller.abort();
        };
        const { signal } = controller;
        return runEmbedded({ ...where(), programPath: PROGRAM, config: configOf({}), onEvent, signal }).catch(
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'ENGINE_INTERRUPTED' });
            interrupted += 1;
            return null;
          },
        );
      };
      let result = await untilNew();
      while (result === null && interrupted < 10) result = await untilNew();
      expect(interrupted).toBeGreaterThanOrEqual(3);
      expect(begun).toContain(`${PREFIX}server`);
      expect((await up()).changes).toEqual({ ...NONE, same: 6 });
      expect((await server().inspect()).State.Health?.Status).toBe('healthy');
    },
    3 * MINUTES,
  );

  it(
    'builds an image with its arguments, and a failed build shows its last lines',
    async () => {
      writeFileSync(
        join(folder, 'Dockerfile'),
        'ARG BASE\nFROM ${BASE}\nARG WORD\nRUN echo "the word is $WORD" && test "$WORD" != bad\n',
      );
      const build = { service: 'false', context: folder };
      const { outputs } = await up(build);
      expect(outputs['image']).toMatch(/^sha256:/);
      expect(events).toContainEqual(expect.objectContaining({ kind: 'output', line: 'the word is hello' }));
      expect((await up(build)).changes).toEqual({ ...NONE, same: 2 });
      const error = await failureOf({ ...build, word: 'bad' });
      expect(error.message).toContain('build of try-engine-image:1 failed');
      expect(error.details).toContain('the word is bad');
    },
    3 * MINUTES,
  );

  it(
    'an image that is nowhere is a clear error',
    async () => {
      const error = await failureOf({ image: 'try-engine.invalid/none:1' });
      expect(error.message).toContain('image try-engine.invalid/none:1 is neither here nor could it be pulled');
    },
    MINUTES,
  );
});

/** Asks again until it is so; a question that fails counts as not yet. */
async function until(question: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + MINUTES;
  while (!(await question().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('waited a minute in vain');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
