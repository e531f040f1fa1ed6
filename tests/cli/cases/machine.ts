import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { StackFolder } from '../../../ops/stack-folder.js';
import { newKey } from '../../support/machines.js';
import { foreignHostKey, RemoteHost } from '../../support/remote-host.js';
import { known } from '../../support/secrets/collect.js';
import { dockerInspect, processes } from '../../support/secrets/places.js';
import { Search } from '../../support/secrets/search.js';
import { container, docker, flawless, inspectAll, must, run, TEST_STACK } from '../../support/test-stack.js';
import { changeConfig, env, expectClean, MINUTES, preview, restoreConfig, setSecret } from './stack.js';

const JUMP_KEY = 'telegram:gateway.jump.privateKey';
const RELEASES = '/opt/telegram-gateway/releases';

/** The same machine as in tests/stack/machine.test.ts, but that here Pulumi's own provider goes there. */
export function machine(): void {
  describe('the gateway on a machine, by the real CLI', () => {
    let remote: RemoteHost;
    const agentOfBefore = process.env['SSH_AUTH_SOCK'];
    const own = () => ({ ...env, ...remote.env });
    /** The key of the jump host is none of what is written down in plain. */
    const configure = async (changes: object = {}) => {
      restoreConfig();
      const gateway = await remote.config(changes);
      changeConfig({ 'telegram:gateway': { ...gateway, jump: { ...gateway.jump, privateKey: undefined } } });
      await setSecret(JUMP_KEY, remote.jump.clientKey.privateKeyOpenSsh);
    };
    const linked = async () => (await remote.machine.sh('readlink /opt/telegram-gateway/current')).trim();
    /** Release of the checkout. */
    let current: string;
    const onJump = async (script: string) => remote.jump.sh(`f=/home/hop/.ssh/authorized_keys; ${script}`);
    const hasOwnHost = async () => (await inspectAll()).some(({ Name }) => Name === `/${container('gateway-host')}`);

    beforeAll(async () => {
      remote = await RemoteHost.start();
      // `preview` and the rest of this file ask the agent too.
      Object.assign(process.env, remote.env);
    }, 5 * MINUTES);
    afterAll(async () => {
      restoreConfig();
      // Only a test that failed leaves the gateway there.
      if (!(await hasOwnHost())) run('up', ['--forget-gateway'], own());
      if (agentOfBefore === undefined) delete process.env['SSH_AUTH_SOCK'];
      else process.env['SSH_AUTH_SOCK'] = agentOfBefore;
      await RemoteHost.remove();
    }, 6 * MINUTES);

    it(
      'O11 S3 another host key than the pinned one is refused: by `up` before anything is touched, by the provider before it logs in',
      async () => {
        await configure({ hostKey: foreignHostKey() });
        const before = (await inspectAll()).map(({ Id }) => Id).sort();
        const told = run('up', [], own());
        expect([told.code, told.stderr]).toEqual([1, expect.stringContaining('✖ SSH_HOST_KEY ')]);
        expect((await inspectAll()).map(({ Id }) => Id).sort()).toEqual(before);

        const plain = run(
          'pulumi',
          ['up', '--yes', '--skip-preview', '--non-interactive', '--suppress-outputs'],
          own(),
        );
        expect(plain.code).not.toBe(0);
        expect(plain.stdout + plain.stderr).toContain('ssh: host key mismatch');
        expect(await remote.machine.sh('ls /opt')).toBe('');
      },
      6 * MINUTES,
    );

    it(
      'S1 S3 O2 with the right one it goes on: through the jump host, by a key from the agent, as a login with sudo',
      async () => {
        await configure();
        const { stderr } = must('up', [], own());
        expect(stderr).toContain(`• gateway machine: deploy@${RemoteHost.address} is reached and fit`);
        // This stack keeps its data, and the container's disk with it.
        expect(stderr).toContain('• telegram-gateway-opt: the volume is kept, with its data\n');
        expect(await docker('volume', 'ls', '-q', '--filter', `name=^${container('gateway-opt')}$`)).not.toBe('');
        expect(await hasOwnHost()).toBe(false);
        const { machine: host } = remote;
        expect(await host.sh('systemctl is-active telegram-gateway')).toBe('active');
        expect(await host.sh('stat -c "%a %U" /opt/telegram-gateway/staging')).toBe('700 deploy');
        expect(await host.sh('stat -c "%a %U" /opt/telegram-gateway/credentials/credentials.json')).toBe(
          '600 telegram-gateway',
        );
        expect(JSON.parse(must('smoke', ['--json', '--count', '20'], own()).stdout)).toMatchObject(flawless(20));
        expectClean('the move to a machine');
      },
      8 * MINUTES,
    );

    it(
      'S3 O7 back to an older release, the preview shows the one of the checkout',
      async () => {
        current = (await linked()).replace('releases/', '');
        const older = '0123456789ab';
        await remote.machine.sh(`cd ${RELEASES}; cp -r ${current} ${older}; touch -d '1 hour ago' ${older}`);
        const { stderr } = must('rollback', ['--release'], own());
        expect(stderr).toContain(`✔ the gateway runs release ${older} (was ${current}) and is healthy`);
        expect(await linked()).toBe(`releases/${older}`);
        const shown = preview().steps.map(({ op, urn }) => `${op} ${urn.split('::').at(-1) ?? ''}`);
        expect(shown).toContain('replace gateway-service');
      },
      6 * MINUTES,
    );

    it(
      'S4 O5 the key of the jump host, a secret of a person, is rotated by setting it again, and stands nowhere in the clear; the release of the checkout is back',
      async () => {
        const next = newKey();
        await onJump(`echo '${next.publicKeyLine}' >> $f`);
        await setSecret(JUMP_KEY, next.privateKeyOpenSsh);
        const told = [run('preview', ['--diff'], own()), must('up', [], own())];
        await onJump(`echo '${next.publicKeyLine}' > $f`);
        expect(must('session', ['status', '--json'], own()).stdout).toContain('in use');
        expect(await linked()).toBe(`releases/${current}`);

        const secrets = [remote.jump.clientKey, next].map((key, n) => known(`key ${String(n)}`, key.privateKeyOpenSsh));
        const search = new Search(secrets);
        search.clean(
          told.map(({ stdout, stderr }, n) => ({ name: String(n), text: stdout + stderr, shows: 'gateway' })),
        );
        search.clean(await dockerInspect());
        search.clean(await processes(await docker('inspect', '--format', '{{.Image}}', remote.machine.args.name)));
        search.cleanFolder(new StackFolder(TEST_STACK).path);
      },
      8 * MINUTES,
    );

    it(
      'O3 S3 a machine that is gone stops `destroy`, which says how to forget it; forgotten, it is left as it is',
      async () => {
        const { name } = remote.machine.args;
        await docker('stop', '--time', '1', name);
        const before = (await inspectAll()).map(({ Id }) => Id).sort();
        const { code, stderr } = run('destroy', ['--yes'], own());
        expect([code, stderr]).toEqual([1, expect.stringContaining('✖ SSH_')]);
        expect(stderr).toContain('npm run destroy -- --forget-gateway');
        expect((await inspectAll()).map(({ Id }) => Id).sort()).toEqual(before);
        restoreConfig();
        must('up', ['--forget-gateway'], own());
        expect(await hasOwnHost()).toBe(true);
        await docker('cp', `${name}:/etc/systemd/system/telegram-gateway.service`, '-');
        // The volume that was kept is taken over again, with the session in it.
        expect(JSON.parse(must('smoke', ['--json', '--count', '20'], env).stdout)).toMatchObject(flawless(20));
      },
      8 * MINUTES,
    );
  });
}
