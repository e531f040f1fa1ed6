import { beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '../../support/services.js';
import { docker, inspectAll, must, TEST_PREFIX } from '../../support/test-stack.js';
import { allHealthy, env, expectClean, MINUTES, preview, refresh, shell } from './stack.js';

/**
 * The command that restarts the engine, for example `sudo systemctl restart docker`. All containers of the machine go with
 * it, so without a command only what it does to our own containers is done to them.
 */
const command = process.env['TEST_DOCKER_RESTART'];
if (!command)
  process.stderr.write(
    '\nimitated: the restart of the Docker engine, because TEST_DOCKER_RESTART names no command for it\n',
  );

/** All stop at once, whatever needs whatever, and are killed after the engine's own grace; then all start at once. */
async function restartContainers(): Promise<void> {
  const ids = (await inspectAll()).map(({ Id }) => Id);
  await Promise.all(ids.map((id) => docker('stop', '--time', ENGINE_GRACE_S, id)));
  await Promise.all(ids.map((id) => docker('start', id)));
}

/** What Docker's engine gives a container when it is itself told to stop, in seconds. */
const ENGINE_GRACE_S = '15';

export function previews(): void {
  describe('O2 the preview is clean', () => {
    it(
      'O2 after up',
      () => {
        expectClean('up');
      },
      3 * MINUTES,
    );

    it(
      'O2 after a refresh, which finds nothing',
      () => {
        refresh('--expect-no-changes');
        expectClean('refresh');
      },
      5 * MINUTES,
    );

    it(
      'O2 after stop, but for a refresh: to the provider, a container that does not run is not as it should be',
      async () => {
        must('stop', [], env);
        expectClean('stop');
        const { steps } = preview('--refresh');
        const replaced = steps.filter(({ op, urn }) => op === 'replace' && urn.includes('docker:index/container:'));
        const names = (await inspectAll()).map(({ Name }) => Name.slice(1 + TEST_PREFIX.length));
        expect(replaced.map(({ urn }) => urn.split('::').at(-1)).sort()).toEqual(names.sort());
      },
      5 * MINUTES,
    );

    it(
      'O2 after stop and start, with a refresh',
      async () => {
        must('start', [], env);
        await waitFor('health of every container', allHealthy, 3 * MINUTES);
        expectClean('stop and start', '--refresh');
      },
      8 * MINUTES,
    );
  });

  describe(`O2 the engine restarts${command ? '' : ' (imitated)'}`, () => {
    beforeAll(async () => {
      if (command) shell(command);
      else await restartContainers();
    }, 5 * MINUTES);

    it(
      'O2 every container comes back by itself, and the preview is clean, with a refresh',
      async () => {
        await waitFor('health of every container', allHealthy, 5 * MINUTES);
        expectClean('a restart of the engine', '--refresh');
      },
      10 * MINUTES,
    );
  });
}
