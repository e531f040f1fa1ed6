import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INSTANCE_LABEL } from '../../../components/stack-context.js';
import { withLastWords } from '../../../ops/engines/last-words.js';
import { ROOT } from '../../../ops/stack-folder.js';
import { DockerHost } from '../../../stack/docker-host.js';
import { SmallProgram } from '../../support/small-program.js';
import { docker, inspect, TEST_PREFIX } from '../../support/test-stack.js';
import { MINUTES } from './stack.js';

const NAME = `${TEST_PREFIX}sick`;
/** The stack's own database waits three minutes for its first health; this one, of the same image and start script, six seconds. */
const PROGRAM = `
const { IMAGE, START, VOLUME } = process.env;
new docker.Container('telegram-timescaledb', {
  name: '${NAME}', image: IMAGE, networkMode: 'none', user: '70:70', entrypoints: ['/bin/sh', '-c'], command: [START],
  labels: [{ label: '${INSTANCE_LABEL}', value: '${NAME}' }], restart: 'unless-stopped',
  volumes: [{ volumeName: VOLUME, containerPath: '/var/lib/postgresql/data' }],
  healthcheck: { tests: ['CMD', 'pg_isready'], interval: '1s', timeout: '1s', retries: 1 }, wait: true, waitTimeout: 6,
});
`;

/** The provider of the real engine says only that it waited in vain. */
export function firstStart(): void {
  describe('O1 a container that does not become healthy at its first start', () => {
    let image: string;
    let program: SmallProgram;
    beforeAll(async () => {
      image = (await inspect('timescaledb')).Image;
      program = new SmallProgram(PROGRAM);
      const older = 'mkdir -p /v/cluster; echo 16 >/v/cluster/PG_VERSION; chown -R 70:70 /v';
      await docker(...['run', '--rm', '--user', '0', '-v', `${NAME}:/v`, '--entrypoint', 'sh', image, '-c', older]);
    }, 2 * MINUTES);
    afterAll(async () => {
      program.remove();
      await docker('rm', '-f', NAME).catch(() => '');
      await docker('volume', 'rm', '-f', NAME);
    }, 2 * MINUTES);

    it(
      'O1 D1 is named by the CLI, with its own last lines: a volume that an older PostgreSQL major made',
      async () => {
        const START = readFileSync(join(ROOT, 'components', 'timescale', 'start-postgres.sh'), 'utf8');
        const said = program.failed({ IMAGE: image, START, VOLUME: NAME });
        const error = await withLastWords(said, [new DockerHost('')], NAME);
        expect(error).toMatchObject({
          code: 'RESOURCE_FAILED',
          message: 'telegram-timescaledb (docker:index:Container) failed',
        });
        const { details } = error as Error & { details: readonly string[] };
        expect(details.join('\n')).toContain(
          'log: start-postgres: the volume was made by PostgreSQL 16, the image has 17: dump it with the old image',
        );
        expect(details.join('\n')).toMatch(
          new RegExp(`^${NAME} is (restarting|running|starting|unhealthy|exited)`, 'm'),
        );
      },
      3 * MINUTES,
    );
  });
}
