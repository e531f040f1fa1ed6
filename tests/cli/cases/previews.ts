import { beforeAll, describe, it } from '@jest/globals';
import { waitFor } from '../../support/services.js';
import { must } from '../../support/test-stack.js';
import { allHealthy, env, expectClean, MINUTES, refresh, shell } from './stack.js';

/** The command that restarts the engine, for example `sudo systemctl restart docker`; all containers of the machine go with it. */
const restart = process.env['TEST_DOCKER_RESTART'];
if (!restart)
  process.stderr.write(
    '\nskipped: preview after a restart of the engine, because TEST_DOCKER_RESTART names no command\n',
  );

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
      'O2 after stop and start, and a refresh',
      async () => {
        must('stop', [], env);
        must('start', [], env);
        await waitFor('health of every container', allHealthy, 3 * MINUTES);
        expectClean('stop and start');
        refresh('--expect-no-changes');
        expectClean('stop, start and refresh');
      },
      8 * MINUTES,
    );
  });

  (restart ? describe : describe.skip)('O2 the engine restarts', () => {
    beforeAll(() => {
      shell(restart ?? '');
    }, 5 * MINUTES);

    it(
      'O2 every container comes back by itself, and the preview is clean, also after a refresh',
      async () => {
        await waitFor('health of every container', allHealthy, 5 * MINUTES);
        expectClean('a restart of the engine');
        refresh('--expect-no-changes');
        expectClean('a restart of the engine and a refresh');
      },
      10 * MINUTES,
    );
  });
}
