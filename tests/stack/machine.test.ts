/**
 * The gateway on a machine of its own, reached as production does it: a non-root login with sudo, behind a jump host, with
 * pinned host keys, one key from the configuration and one from the SSH agent. The running test stack is moved there and back.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { EngineError } from '../../ops/engine/errors.js';
import { checkMachine, machineOf } from '../../ops/gateway-check.js';
import type { Release } from '../../ops/rollback.js';
import { StackFolder } from '../../ops/stack-folder.js';
import { examine } from '../support/doctor.js';
import { newKey, type Machine } from '../support/machines.js';
import { RemoteHost } from '../support/remote-host.js';
import { waitFor } from '../support/services.js';
import { endAll } from '../support/typing.js';
import {
  container,
  docker,
  flawless,
  inspectAll,
  must,
  run,
  smoke,
  TEST_STACK,
  TEST_STATE,
  testSubnet,
} from '../support/test-stack.js';
import { asOnAnyHost } from './cases/machine.js';

const MINUTES = 60_000;
const CONFIG = join(TEST_STATE, TEST_STACK, 'Pulumi.test.yaml');
const ADDRESS = RemoteHost.address;
const EXPOSURE_LIMIT = 1.3;
const SESSION = '/opt/telegram-gateway/.session/default.session';

const folder = new StackFolder(TEST_STACK);
let remote: RemoteHost;
let machine: Machine;
let original: string;
let env: Record<string, string>;
/** Containers of the stack, with the gateway's own host. */
let everything: number;

async function configure(changes: object = {}): Promise<void> {
  restore();
  const document = parseDocument(readFileSync(CONFIG, 'utf8'));
  document.setIn(['config', 'telegram:gateway'], await remote.config(changes));
  writeFileSync(CONFIG, document.toString(), { mode: 0o600 });
}

/** The configuration of before, at the epoch that the stack has come to since. Whether it was so already. */
function restore(): boolean {
  const { 'telegram:gateway': gateway } = folder.readConfig();
  const epoch = folder.credentialEpoch;
  writeFileSync(CONFIG, original, { mode: 0o600 });
  folder.credentialEpoch = epoch;
  return !gateway?.includes('"machine"');
}

/** What is said of a machine that is not fit, before anything is touched. */
async function refusal(changes: object, socket = remote.agent.socket): Promise<EngineError> {
  process.env['SSH_AUTH_SOCK'] = socket;
  const config = { 'telegram:gateway': JSON.stringify(await remote.config(changes)) };
  const login = machineOf(config);
  if (!login) throw new Error('the configuration is refused');
  const error: unknown = await checkMachine(login).catch((caught: unknown) => caught);
  if (error instanceof EngineError) return error;
  throw new Error('the machine was not refused', { cause: error });
}

beforeAll(async () => {
  original = readFileSync(CONFIG, 'utf8');
  everything = (await inspectAll()).length;
  remote = await RemoteHost.start();
  ({ machine, env } = remote);
}, 5 * MINUTES);

afterAll(async () => {
  endAll();
  // Only a test that failed leaves the gateway there.
  const isHome = restore();
  if (!isHome || (await inspectAll()).length < everything) run('up', ['--forget-gateway'], env);
  await RemoteHost.remove();
}, 5 * MINUTES);

describe('O11 a machine that cannot be used', () => {
  it(
    'O11 nothing listens there',
    async () => {
      const { jump: through } = (await remote.config()) as { jump: object };
      const { code, message } = await refusal({ jump: { ...through, port: 1 } });
      expect(code).toBe('SSH_UNREACHABLE');
      expect(message).toContain('hop@127.0.0.1:1 cannot be reached: the connection is refused: nothing listens there');
    },
    MINUTES,
  );

  it(
    'O11 the jump host does not reach the machine',
    async () => {
      const { code, message } = await refusal({ port: 23 });
      expect(code).toBe('SSH_UNREACHABLE');
      expect(message).toMatch(
        /172\.\S+:23 cannot be reached through the jump host 127\.0\.0\.1:\d+: Connection refused/,
      );
    },
    MINUTES,
  );

  it(
    'O11 the jump host does not forward',
    async () => {
      const closed = { host: ADDRESS, user: 'deploy', hostKey: machine.hostKey, port: 22 };
      const { code, message } = await refusal({ host: testSubnet(0, '10'), jump: closed });
      expect(code).toBe('SSH_UNREACHABLE');
      expect(message).toContain('it does not forward (AllowTcpForwarding of its sshd)');
    },
    MINUTES,
  );

  it(
    'O11 it does not answer',
    async () => {
      await docker('pause', machine.args.name);
      try {
        const { code, message } = await refusal({});
        expect(code).toBe('SSH_TIMEOUT');
        expect(message).toMatch(/deploy@172\.\S+:22 does not answer within 10 s \(tried 2 times\)/);
      } finally {
        await docker('unpause', machine.args.name);
      }
    },
    2 * MINUTES,
  );

  it(
    'O11 a login that is not there, and keys that are not let in',
    async () => {
      const stranger = await refusal({ user: 'nobody-there' });
      expect(stranger.code).toBe('SSH_LOGIN');
      expect(stranger.message).toMatch(/172\.\S+:22 does not let nobody-there in$/);
      expect(stranger.details).toEqual(['it was tried with the keys of the SSH agent (SSH_AUTH_SOCK)']);
      const foreign = await refusal({ privateKey: newKey().privateKeyOpenSsh }, '');
      expect(foreign.details).toEqual(['it was tried with the private key of the configuration']);
      const [nothing] = (await refusal({}, '')).details;
      expect(nothing).toContain('neither a private key in the configuration nor an SSH agent');
    },
    MINUTES,
  );

  it(
    'O11 another host key than the pinned one, and one of a kind that it has not',
    async () => {
      const other = await refusal({ hostKey: newKey().publicKeyLine });
      expect(other.code).toBe('SSH_HOST_KEY');
      expect(other.message).toMatch(/the host key of 172\.\S+:22 is not the one that is pinned$/);
      expect(other.details).toEqual([
        expect.stringMatching(/^pinned: SHA256:/),
        expect.stringMatching(/^shown: {2}SHA256:/),
      ]);
      await machine.sh('rm /etc/ssh/ssh_host_ecdsa_key*; systemctl reload ssh');
      const ecdsa = `ecdsa-sha2-nistp256 ${Buffer.from('no such key').toString('base64')}`;
      expect((await refusal({ hostKey: ecdsa })).code).toBe('SSH_HOST_KEY');
    },
    MINUTES,
  );

  it(
    'O11 sudo that asks for a password: told by `up` before anything is touched',
    async () => {
      await configure({ user: 'nosudo' });
      const { code, stdout, stderr } = run('up', [], env);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain(`✖ SSH_SUDO nosudo@${ADDRESS} does not become root by \`sudo -n\``);
      expect(stderr).toContain('sudo: a password is required');
      expect(stderr).toMatch(/\n {2}fix: {2}.*NOPASSWD/);
      expect(stderr).toContain('\n  docs: docs/errors.md#ssh_sudo');
      expect(stderr).not.toContain('  … ');
    },
    3 * MINUTES,
  );
});

describe('the gateway on a machine', () => {
  it(
    'D8 S1 S3 S4 `up` moves it there, through the jump host, by a login with sudo',
    async () => {
      await configure();
      const { stderr } = must('up', [], env);
      expect(stderr).toContain(`• gateway machine: deploy@${ADDRESS} is reached and fit`);
      expect((await inspectAll()).map(({ Name }) => Name)).not.toContain(`/${container('gateway-host')}`);
      const ready = async () => (await fetch(`http://${ADDRESS}:4006/health/ready`)).ok;
      await waitFor('the gateway on the machine', async () => ready().catch(() => false), 60_000);
      expect(smoke(50)).toMatchObject(flawless(50));
    },
    5 * MINUTES,
  );

  it(
    'O1 a second up changes nothing there',
    () => {
      expect(must('up', [], env).stderr).toContain('✔ no changes');
    },
    2 * MINUTES,
  );

  it(`S1 its unit, without a list of networks, scores at most ${String(EXPOSURE_LIMIT)} with the process under it`, async () => {
    const report = await machine.sh('systemd-analyze security --no-pager telegram-gateway.service');
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(report)?.[1]);
    process.stderr.write(`    S1 exposure on a machine: ${String(exposure)}\n`);
    expect(exposure).toBeLessThanOrEqual(EXPOSURE_LIMIT);
    expect(await machine.sh('systemctl is-active telegram-gateway')).toBe('active');
    expect(await machine.sh('systemctl show telegram-gateway -P IPAddressDeny')).toBe('');
    const pid = await machine.sh('systemctl show telegram-gateway -P MainPID');
    const [own, host] = (await machine.sh(`readlink /proc/${pid}/ns/user /proc/1/ns/user`)).split('\n');
    expect(own).toMatch(/^user:\[\d+\]$/);
    expect(own).not.toBe(host);
  });

  it(
    'O4 the doctor and `logs` look at it there, and each fix is a command for that machine',
    async () => {
      const { red: none, report } = examine([], env);
      const detail = (row: string) => report.checks.find(({ name }) => name === row)?.detail;
      expect(none).toEqual({});
      expect(detail('systemd unit')).toBe(`telegram-gateway.service running on ${ADDRESS}, restarted 0 times`);
      expect(detail('session')).toBe('1 session(s), 0600');
      expect(detail('gateway')).toMatch(/^ready \(session, telegram, /);
      expect(must('logs', ['gateway', '--lines', '5'], env).stdout.trim().split('\n')).toHaveLength(5);

      await machine.sh(`chmod 644 ${SESSION}; systemctl stop telegram-gateway`);
      const { red } = examine([], env);
      const port = String(await remote.jump.publishedPort());
      const typed = (command: string) => `ssh -J hop@127.0.0.1:${port} -p 22 deploy@${ADDRESS} sudo ${command}`;
      const restart = typed('systemctl restart telegram-gateway.service');
      expect(red['systemd unit']).toMatchObject({
        detail: 'telegram-gateway.service is inactive (success)',
        fix: restart,
      });
      expect(red['gateway']?.detail).toBe(`no answer from http://${ADDRESS}:4006/health/ready: ECONNREFUSED`);
      expect(red['gateway']?.fix).toBe(restart);
      expect(red['session']).toMatchObject({
        detail: `others may read ${SESSION}`,
        fix: typed(`chmod 600 ${SESSION}`),
      });

      for (const row of ['session', 'systemd unit']) await machine.sh(red[row]?.fix?.split(' sudo ')[1] ?? 'false');
      await waitFor('a green doctor', () => Promise.resolve(examine([], env).report.ok), MINUTES);
    },
    3 * MINUTES,
  );

  it('D9 listens where it was told, and nowhere else', async () => {
    const listening = await machine.sh('awk \'$4 == "0A" { print $2 }\' /proc/net/tcp /proc/net/tcp6');
    const hex = ADDRESS.split('.').map((part) => Number(part).toString(16).padStart(2, '0').toUpperCase());
    const health = listening.split('\n').filter((line) => line.endsWith(':0FA6'));
    expect(health).toEqual([`${hex.reverse().join('')}:0FA6`]);
  });

  it('S4 files are for their owner alone, and the login leaves nothing behind', async () => {
    const stat = async (path: string) => machine.sh(`stat -c '%a %U' ${path}`);
    expect(await stat('/opt/telegram-gateway/credentials/credentials.json')).toBe('600 telegram-gateway');
    expect(await stat(SESSION)).toBe('600 telegram-gateway');
    expect(await stat('/etc/telegram-gateway/environment')).toBe('600 root');
    expect(await stat('/opt/telegram-gateway/staging')).toBe('700 deploy');
    expect(
      await machine.sh(
        'ls /opt/telegram-gateway/staging; find /home/deploy /tmp -type f -newer /etc/hostname ! -path "*/.ssh/*"',
      ),
    ).toBe('');
  });

  asOnAnyHost(() => ({ remote, env }));

  describe('S3 O7 back to an older release', () => {
    const RELEASES = '/opt/telegram-gateway/releases';
    const older = '0123456789ab';
    const sick = '00dead00dead';
    const linked = async () => (await machine.sh('readlink /opt/telegram-gateway/current')).trim();
    let current: string;
    beforeAll(async () => {
      current = (await linked()).replace('releases/', '');
    });

    it('S3 O7 there is none: the one before is asked for, or one that is not on the host', async () => {
      expect(await machine.sh(`ls ${RELEASES}`)).toBe(current);
      const before = run('rollback', ['--release'], env);
      expect([before.code, before.stderr]).toEqual([
        1,
        expect.stringContaining(`✖ NO_RELEASE no release older than ${current} is on this host`),
      ]);
      const unknown = run('rollback', ['--release', older], env);
      expect([unknown.code, unknown.stderr]).toEqual([
        1,
        expect.stringContaining(`✖ NO_RELEASE release ${older} is not on this host; there are: ${current}`),
      ]);
      expect(unknown.stderr).toContain('npm run rollback');
      expect(await linked()).toBe(`releases/${current}`);
    }, 60_000);

    it(
      'S3 O7 one that does not get healthy is left again, with its last words, and the gateway goes on',
      async () => {
        const program = `${RELEASES}/${sick}/telegram.cjs`;
        await machine.sh(`cd ${RELEASES}; cp -r ${current} ${sick}; echo 'throw new Error("born sick")' > ${program}`);
        const { code, stderr } = run('rollback', ['--release', sick], env);
        await machine.sh(`rm -r ${RELEASES}/${sick}`);
        expect([code, stderr]).toEqual([1, expect.stringContaining('✖ ROLLBACK_FAILED the release was not changed')]);
        expect(stderr).toContain(`${program}:1`);
        expect(stderr).toContain('born sick');
        expect(stderr).toContain(`telegram-gateway.service is back on release ${current}`);
        expect(await linked()).toBe(`releases/${current}`);
        expect(await machine.sh('systemctl is-active telegram-gateway')).toBe('active');
      },
      3 * MINUTES,
    );

    it(
      'S3 O7 without a hash it is the one installed before, and the next up goes forward again',
      async () => {
        await machine.sh(`cd ${RELEASES}; cp -r ${current} ${older}; touch -d '1 hour ago' ${older}`);
        const [newest, before] = JSON.parse(must('rollback', ['--json'], env).stdout) as Release[];
        expect([newest, before]).toMatchObject([
          { hash: current, current: true },
          { hash: older, current: false },
        ]);
        const { stderr } = must('rollback', ['--release'], env);
        expect(stderr).toContain(`runs release ${older} (was ${current})`);
        expect(await linked()).toBe(`releases/${older}`);
        expect(must('up', [], env).stderr).toContain('replace  Command gateway-service');
        expect(await linked()).toBe(`releases/${current}`);
      },
      4 * MINUTES,
    );
  });

  it(
    'S3 moved back, it is taken away from the machine, and its session stays there; it may come again',
    async () => {
      const before = await machine.sh(`cksum ${SESSION}`);
      restore();
      expect(must('up', [], env).stderr).toContain('create   Container telegram-gateway-host');
      expect(await machine.sh('ls /etc/systemd/system/telegram-gateway.service 2>&1 || true')).toContain(
        'No such file',
      );
      expect(await machine.sh('systemctl is-active telegram-gateway || true')).toBe('inactive');
      expect(await machine.sh(`cksum ${SESSION}`)).toBe(before);
      expect(smoke(20)).toMatchObject(flawless(20));

      await configure();
      must('up', [], env);
      expect(await machine.sh('systemctl is-active telegram-gateway')).toBe('active');
      expect(smoke(20)).toMatchObject(flawless(20));
    },
    8 * MINUTES,
  );

  it(
    'O3 a machine that is gone stops neither `destroy` nor `up` for good: both say how to forget it',
    async () => {
      await docker('stop', '--time', '1', machine.args.name);
      const { red } = examine([], env);
      for (const row of ['systemd unit', 'session', 'gateway'])
        expect([red[row]?.detail, red[row]?.fix]).toEqual([
          expect.stringContaining(ADDRESS),
          expect.stringContaining('telegram:gateway'),
        ]);
      const { code, stderr } = run('destroy', ['--yes'], env);
      expect(code).toBe(1);
      expect(stderr).toContain('✖ SSH_');
      expect(stderr).toContain('npm run destroy -- --forget-gateway');
      expect(await inspectAll()).toHaveLength(everything - 1);
      restore();
      const { stderr: forgotten } = must('up', ['--forget-gateway'], env);
      expect(forgotten).toContain('create   Container telegram-gateway-host');
      expect(smoke(50)).toMatchObject(flawless(50));
    },
    6 * MINUTES,
  );
});
