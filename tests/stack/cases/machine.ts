import { expect, it } from '@jest/globals';
import { StackFolder } from '../../../ops/stack-folder.js';
import type { Machine } from '../../support/machines.js';
import { RemoteHost } from '../../support/remote-host.js';
import { embeddedSecrets, known } from '../../support/secrets/collect.js';
import { processes, type Place } from '../../support/secrets/places.js';
import { Search } from '../../support/secrets/search.js';
import { waitFor } from '../../support/services.js';
import { docker, flawless, forgetConnections, must, smoke, TEST_STACK } from '../../support/test-stack.js';
import { typing } from '../../support/typing.js';

const MINUTES = 60_000;
const ADDRESS = RemoteHost.address;
const SESSION = '/opt/telegram-gateway/.session/default.session';
const CREDENTIALS = '/opt/telegram-gateway/credentials/credentials.json';

interface There {
  readonly remote: RemoteHost;
  readonly env: Record<string, string>;
}

/** What works with the gateway in its container works with the gateway on a machine: login, rotation, and no secret lies about. */
export function asOnAnyHost(there: () => There): void {
  it(
    'O9 S2 tells of the session there, and logs in there',
    async () => {
      const { remote, env } = there();
      const status = () => JSON.parse(must('session', ['status', '--json'], env).stdout) as object;
      expect(status()).toMatchObject({ state: expect.stringContaining('in use') as unknown });
      const login = typing(['login', '--replace'], false, env);
      login.type('99966000777\n77777\n');
      login.end();
      await login.ended();
      expect(login.seen).toMatchObject({ code: 0, out: '777\n' });
      expect(await remote.machine.sh(`stat -c '%a %U' ${SESSION}`)).toBe('600 telegram-gateway');
      const ready = async () => (await fetch(`http://${ADDRESS}:4006/health/ready`)).ok;
      await waitFor('the gateway with the new session', async () => ready().catch(() => false), 2 * MINUTES);
      expect(status()).toMatchObject({ state: expect.stringContaining('in use') as unknown });
    },
    5 * MINUTES,
  );

  it(
    'O5 a rotation reaches it: told without a restart, and nothing is lost',
    async () => {
      const { remote, env } = there();
      const pid = async () => remote.machine.sh('systemctl show telegram-gateway -P MainPID');
      const before = await pid();
      must('rotate', [], env);
      const told = JSON.parse(await remote.machine.sh(`cat ${CREDENTIALS}`)) as { epoch: number };
      expect(told.epoch).toBe(new StackFolder(TEST_STACK).credentialEpoch);
      expect(await pid()).toBe(before);
      forgetConnections();
      expect(smoke(20)).toMatchObject(flawless(20));
    },
    5 * MINUTES,
  );

  it(
    'S4 no secret stands in its journal, in what its processes show, or in any file but the two that need one',
    async () => {
      const { remote } = there();
      const jump = known('key of the jump host', remote.jump.clientKey.privateKeyOpenSsh);
      const session = known('session', await remote.machine.sh(`cat ${SESSION}`));
      const search = new Search([...embeddedSecrets(), jump, session]);
      const helper = await docker('inspect', '--format', '{{.Image}}', remote.machine.args.name);
      search.clean(await processes(helper));
      search.clean(await toldBy(remote.machine));
      const texts = search.secrets.flatMap((secret) => secret.texts).join('\n');
      expect(await remote.machine.filesHolding(texts)).toEqual([CREDENTIALS, SESSION].sort());
      process.stderr.write(`    S4 on a machine: ${search.summary}\n`);
    },
    3 * MINUTES,
  );
}

/** What systemd tells of the unit, and all that was logged. */
async function toldBy({ args: { name } }: Machine): Promise<Place[]> {
  const unit = 'systemctl show telegram-gateway; systemctl status --no-pager --full telegram-gateway; true';
  return [
    {
      name: 'journal',
      text: await docker('exec', name, 'journalctl', '--no-pager', '-o', 'export'),
      shows: 'SYSLOG_IDENTIFIER=telegram-gateway',
    },
    { name: 'unit', text: await docker('exec', name, 'sh', '-c', unit), shows: 'ExecStart=' },
  ];
}
