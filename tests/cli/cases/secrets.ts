import { expect, it } from '@jest/globals';
import { StackFolder } from '../../../ops/stack-folder.js';
import { pulumiSecrets, sessionOnHost } from '../../support/secrets/collect.js';
import { dockerInspect, logs, processes, services } from '../../support/secrets/places.js';
import { Search } from '../../support/secrets/search.js';
import { container, docker, run, TEST_STACK } from '../../support/test-stack.js';
import { env, MINUTES } from './stack.js';

/** The same search as on the embedded engine's stack, with the CLI's own state, and with what it says. */
export function secrecy(): void {
  it(
    'S4 no secret stands in any place of a stack that the CLI made, nor in what it tells',
    async () => {
      const helper = await docker('inspect', '--format', '{{.Image}}', container('gateway-host'));
      const search = new Search([...pulumiSecrets(env), await sessionOnHost()]);
      expect(search.secrets.length).toBeGreaterThan(60);
      for (const look of [() => processes(helper), dockerInspect, logs, services]) search.clean(await look());
      const folder = new StackFolder(TEST_STACK);
      folder.credentialEpoch += 1;
      const told = run('preview', ['--diff'], env);
      folder.credentialEpoch -= 1;
      const outputs = run('pulumi', ['stack', 'output'], env);
      search.clean([{ name: 'outputs', text: outputs.stdout + outputs.stderr, shows: 'credentialEpoch' }]);
      search.clean([{ name: 'preview of a rotation', text: told.stdout + told.stderr, shows: 'secrets-' }]);
      search.cleanFolder(folder.path);
      await search.filesOfContainers(helper);
      process.stderr.write(`    S4 ${search.summary}\n`);
    },
    5 * MINUTES,
  );
}
