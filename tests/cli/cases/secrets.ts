import { expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { StackFolder } from '../../../ops/stack-folder.js';
import { known, pulumiSecrets, sessionOnHost, stateKeys } from '../../support/secrets/collect.js';
import { dockerInspect, logs, processes, services } from '../../support/secrets/places.js';
import { Search } from '../../support/secrets/search.js';
import {
  container,
  docker,
  inside,
  must,
  run,
  TEST_STACK,
  testSubnet,
  WEBHOOK_PORT,
} from '../../support/test-stack.js';
import { env, MINUTES, others, setSecret } from './stack.js';

/** As services that take alerts give it: whoever knows it may post. */
const WEBHOOK = `http://${testSubnet(0, '1')}:${String(WEBHOOK_PORT)}/${randomBytes(24).toString('hex')}`;

/** The same search as on the embedded engine's stack, with the CLI's own state, and with what it says. */
export function secrecy(): void {
  it(
    'S4 O5 a secret of a person is set by `pulumi config set --secret` and told to whom it is for, without a restart',
    async () => {
      const before = await others();
      await setSecret('telegram:monitoring.alertWebhook', WEBHOOK);
      const { stdout, stderr } = must('up', [], env);
      expect(stdout + stderr).not.toContain(WEBHOOK);
      const told = await inside('alertmanager', 'cat', '/credentials/webhook');
      expect(told.trim()).toBe(WEBHOOK);
      expect(await others()).toEqual(before);
    },
    4 * MINUTES,
  );

  it(
    'S4 no secret stands in any place of a stack that the CLI made, nor in what it tells',
    async () => {
      const helper = await docker('inspect', '--format', '{{.Image}}', container('gateway-host'));
      const folder = new StackFolder(TEST_STACK);
      const keys = stateKeys(folder.path);
      expect(keys.map(({ name }) => name)).toContain('passphrase');
      const made = [...pulumiSecrets(env), ...keys, await sessionOnHost()];
      const search = new Search([...made, known('alert webhook', WEBHOOK)]);
      expect(search.secrets.length).toBeGreaterThan(60);
      for (const look of [() => processes(helper), dockerInspect, logs, services]) search.clean(await look());
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
