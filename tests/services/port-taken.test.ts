import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { takenPort, withPortHolder } from '../../ops/engines/port-taken.js';
import { INSTANCE_LABEL } from '../../components/stack-context.js';
import { parseConfig } from '../../stack/config.js';
import { DockerHost } from '../../stack/docker-host.js';
import { UserError } from '../../stack/errors.js';
import { ports } from '../../stack/preflight.js';
import { homeOf } from '../../stack/sites.js';
import { uniqueName } from '../support/services.js';
import { docker } from '../support/test-stack.js';

const MINUTES = 60_000;
const host = new DockerHost('');
const made: string[] = [];

/** What the engine says when a container of its own is to have this port. */
async function refusal(port: number): Promise<Error> {
  const name = uniqueName('port-taken');
  made.push(name);
  const Image = process.env['TEST_BASE_IMAGE'] ?? '';
  const words = ['--name', name, '-p', `127.0.0.1:${String(port)}:6432`, '--entrypoint', 'sleep', Image, '600'];
  return docker('run', '-d', ...words).then(
    () => new Error('it got the port'),
    // Node's own errors are of another realm than the test's.
    (error: unknown) => new Error((error as Error).message),
  );
}

describe('a port that is taken between the preflight and the start of a container', () => {
  const server = createServer();
  let port: number;
  beforeEach(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(() => {
    server.close();
  });
  afterAll(async () => {
    await docker('rm', '-f', ...made);
  }, MINUTES);

  it(
    'D9 is named, with the process that holds it and the command that frees it',
    async () => {
      const told = await withPortHolder(await refusal(port), [host]);
      expect(told).toBeInstanceOf(UserError);
      expect(told).toMatchObject({
        code: 'PORT_TAKEN',
        message: expect.stringMatching(
          new RegExp(`^port ${String(port)} is in use by .*\\(process ${String(process.pid)}\\)$`),
        ) as unknown,
        fix: expect.stringContaining(`\`kill ${String(process.pid)}\``) as unknown,
      });
    },
    2 * MINUTES,
  );

  it(
    'D9 is named with the container that holds it',
    async () => {
      server.close();
      await once(server, 'close');
      expect((await refusal(port)).message).toBe('it got the port');
      const told = await withPortHolder(await refusal(port), [host]);
      expect(told).toMatchObject({
        code: 'PORT_TAKEN',
        message: `port ${String(port)} is in use by container ${String(made.at(-2))}`,
        fix: expect.stringContaining(`\`docker stop ${String(made.at(-2))}\``) as unknown,
      });
    },
    2 * MINUTES,
  );

  it(
    'O7 the stack’s own container that ends and starts again holds its port rightly at every moment of it',
    async () => {
      const name = uniqueName('port-own');
      made.push(name);
      server.close();
      await once(server, 'close');
      const config = parseConfig({ subnet: '172.28.40.0/24', rabbitmq: { kind: 'container', port } });
      const look = async (instance: string) =>
        ports({ config, site: homeOf(config), instance, host, containers: await host.containers() });
      const words = ['--restart', 'always', '-p', `127.0.0.1:${String(port)}:6432`, '--entrypoint', 'sleep'];
      const label = `${INSTANCE_LABEL}=${name}`;
      await docker('run', '-d', '--name', name, '--label', label, ...words, process.env['TEST_BASE_IMAGE'] ?? '', '0');
      const seen: string[] = [];
      for (let looks = 0; looks < 20; looks += 1)
        seen.push(...(await look(name)).filter((line) => line.includes(String(port))));
      expect(seen).toEqual([]);

      await docker('rm', '-f', name);
      await once(server.listen(port, '127.0.0.1'), 'listening');
      expect(await look(name)).toContainEqual(
        expect.stringMatching(`port ${String(port)} is in use by .*process ${String(process.pid)}`),
      );
    },
    2 * MINUTES,
  );

  it.each([
    [
      'driver failed programming external connectivity: Bind for 127.0.0.1:5434 failed: port is already allocated',
      5434,
    ],
    ['Error starting userland proxy: listen tcp4 127.0.0.1:5434: bind: address already in use', 5434],
    ['failed to bind host port for 127.0.0.1:5434:172.28.40.2:5432/tcp: address already in use', 5434],
    ['failed to bind host port 127.0.0.1:5434/tcp: address already in use', 5434],
    ['container failed to be in healthy state', undefined],
  ])('D9 is read out of what engines say: %s', (words, port) => {
    expect(takenPort(words)).toBe(port);
  });
});
