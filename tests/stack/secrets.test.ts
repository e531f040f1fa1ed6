import { beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { markAgain } from '../../ops/engine/run.js';
import { ROOT } from '../../ops/stack-folder.js';
import { container, docker, must, run, TEST_PREFIX, TEST_STACK, TEST_STATE } from '../support/test-stack.js';
import { embeddedSecrets, leaks, sessionOnHost, stateKeys, type Secret } from '../support/secrets/collect.js';
import { filesHolding, filesOfCheckout } from '../support/secrets/checkout.js';
import { dockerInspect, logs, processes, services } from '../support/secrets/places.js';
import { FAILURES } from '../support/secrets/failures.js';
import { ProcessWatch } from '../support/secrets/watch.js';
import { Search } from '../support/secrets/search.js';

const MINUTES = 60_000;

describe('S4 every secret that the stack made', () => {
  let secrets: Secret[];
  let helper: string;
  let search: Search;
  beforeAll(async () => {
    secrets = [...embeddedSecrets(), ...stateKeys(join(TEST_STATE, TEST_STACK)), await sessionOnHost()];
    search = new Search(secrets);
    helper = await docker('inspect', '--format', '{{.Image}}', container('gateway-host'));
  }, MINUTES);

  it('S4 is known to this test: passwords, keys, the session, verifiers', () => {
    const names = secrets.map(({ name }) => name).join('\n');
    for (const kind of ['database-gateway-a', 'redis-admin-b', 'rabbitmq-reader-a', 'api-key-b', 'ssh-client-seed'])
      expect(names).toContain(kind);
    for (const kind of ['erlang-cookie', 'simulator-rsa', 'simulator-auth-key', 'session', 'verifier', 'engine.key'])
      expect(names).toContain(kind);
    expect(secrets.length).toBeGreaterThan(60);
  });

  it('S4 is found by the search where it is meant to be', async () => {
    const credentials = await docker('exec', container('consumer'), 'cat', '/credentials/credentials.json');
    expect(leaks(secrets, credentials).length).toBeGreaterThanOrEqual(3);
    const keys = await docker('exec', container('gateway-host'), 'cat', '/etc/ssh/stack-keys/ssh_host_ed25519_key');
    expect(leaks(secrets, keys)).toEqual(['secrets-ssh-host-seed']);
  });

  it(
    'S4 stands in no argument, environment or name of a process',
    async () => {
      search.clean(await processes(helper));
    },
    MINUTES,
  );

  it(
    'S4 stands nowhere in what Docker tells of containers, images, volumes and the network',
    async () => {
      search.clean(await dockerInspect());
    },
    MINUTES,
  );

  it(
    'S4 stands in no log, in no journal and in nothing that systemd tells',
    async () => {
      search.clean(await logs());
    },
    2 * MINUTES,
  );

  it(
    'S4 stands in nothing that the services tell about themselves',
    async () => {
      search.clean(await services());
    },
    2 * MINUTES,
  );

  it(
    'S4 stands neither in the state, nor in the checkout, nor in what was built',
    () => {
      expect(filesHolding('telegram-hybrid-stack', filesOfCheckout())).toContain(join(ROOT, 'package.json'));
      search.cleanFolder(TEST_STATE);
      search.cleanFolder(join(ROOT, 'dist'));
      search.cleanFiles(filesOfCheckout());
    },
    MINUTES,
  );

  it(
    'S4 stands in the files that need it, each for its owner alone, and in no other',
    async () => {
      await search.filesOfContainers(helper);
      process.stderr.write(`    S4 ${search.summary}\n`);
    },
    6 * MINUTES,
  );

  describe('S4 while steps with a secret on their stdin run, and when they fail', () => {
    let watch: ProcessWatch;
    beforeAll(() => {
      watch = new ProcessWatch(helper, `${TEST_PREFIX}watch`);
    });

    it.each(FAILURES)(
      'S4 $what tells no secret',
      async ({ step, says, breakIt, mend }) => {
        await again(step);
        await breakIt();
        const { code, stdout, stderr } = run('up', [], { DEBUG: '1' });
        await mend();
        expect(code).toBe(1);
        expect(stderr).toContain(`failed   Command ${step}\n`);
        expect(stderr).toMatch(says);
        expect({ stdout: leaks(secrets, stdout), stderr: leaks(secrets, stderr) }).toEqual({ stdout: [], stderr: [] });
      },
      4 * MINUTES,
    );

    it(
      'S4 their processes had none, and neither logs nor services kept one',
      async () => {
        expect(must('up').stderr).toContain('replace  Command telegram-migrations-roles');
        const seen = await watch.stop();
        expect(seen).toContain('write-files');
        search.clean([{ name: 'processes of running steps', text: seen, shows: 'admin' }]);
        search.clean(await logs());
        search.clean(await services());
      },
      2 * MINUTES,
    );
  });
});

/** The next `up` runs this step, though nothing about it changed. */
async function again(step: string): Promise<void> {
  const marked = await markAgain(
    { project: 'telegram', stack: TEST_STACK, stateDir: join(TEST_STATE, TEST_STACK) },
    step,
  );
  expect(marked).toBe(1);
}
