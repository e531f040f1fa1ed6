import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { INSTANCE_LABEL } from '../../components/stack-context.js';
import { lastWords } from '../../ops/engines/last-words.js';
import { DockerHost } from '../../stack/docker-host.js';
import { uniqueName, waitFor } from '../support/services.js';

const image = process.env['TEST_BASE_IMAGE'];
const MINUTES = 60_000;

/** The Pulumi CLI says only that it waited in vain; the containers themselves say what ails them. */
(image === undefined ? describe.skip : describe)('last words of containers that are not well (TEST_BASE_IMAGE)', () => {
  const instance = uniqueName('sick');
  const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8', timeout: MINUTES }).trim();
  const names = { unhealthy: `${instance}-unhealthy`, ended: `${instance}-ended`, well: `${instance}-well` };
  const make = (name: string, check: string, script: string) =>
    docker(
      ...['run', '-d', '--name', name, '--network', 'none', '--label', `${INSTANCE_LABEL}=${instance}`],
      ...['--health-cmd', check, '--health-interval', '1s', '--health-retries', '1', image ?? ''],
      ...['sh', '-c', script],
    );

  beforeAll(async () => {
    make(names.unhealthy, 'echo "no pulse"; exit 1', 'echo "cannot open the book"; exec sleep 600');
    make(names.ended, 'true', 'echo "no such book" >&2; exit 3');
    make(names.well, 'true', 'echo "all is well"; exec sleep 600');
    const stateOf = (name: string) => docker('inspect', '--format', '{{.State.Status}} {{.State.Health.Status}}', name);
    await waitFor(
      'all three',
      () =>
        Promise.resolve(
          stateOf(names.unhealthy) === 'running unhealthy' &&
            stateOf(names.ended).startsWith('exited') &&
            stateOf(names.well) === 'running healthy',
        ),
      MINUTES,
    );
  }, 2 * MINUTES);
  afterAll(() => {
    docker('rm', '-f', ...Object.values(names));
  });

  it('O1 are the end of the log and what the health check said, of those alone', async () => {
    const words = (await lastWords(new DockerHost(''), instance)).join('\n');
    expect(words).toContain(`${names.unhealthy} is unhealthy\n  log: cannot open the book\n  health check: no pulse`);
    expect(words).toContain(`${names.ended} is exited (exit code 3)\n  log: no such book`);
    expect(words).not.toContain(names.well);
  });
});
