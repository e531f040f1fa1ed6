import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { remote } from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';
import { SshServer, sshKeyPair } from './support/ssh-server.js';
import { only, TryStack } from './support/stack.js';

describe('O10 over SSH', () => {
  let stack: TryStack;
  let server: SshServer;
  let there: string;
  beforeEach(async () => {
    stack = new TryStack();
    there = mkdtempSync(join(tmpdir(), 'engine-there-'));
    server = new SshServer(there);
    await server.listen();
  });
  afterEach(async () => {
    await server.close();
    stack.dispose();
    rmSync(there, { recursive: true, force: true });
  });

  const command =
    (args: Partial<remote.CommandArgs>, connection: object = {}) =>
    () => ({ stdout: new remote.Command('c', { connection: server.connection(connection), ...args }).stdout });

  it('runs a command with its stdin and gives its output, by the pinned one of two host keys', async () => {
    server.reply = ({ stdin }) => ({ stdout: `got ${stdin}\n` });
    const { outputs } = await stack.up(command({ create: 'tee file', stdin: 'some text' }));
    expect(outputs).toEqual({ stdout: 'got some text' });
    expect(server.executed).toEqual([{ command: 'tee file', stdin: 'some text' }]);
  });

  it('runs update on a change, nothing without one, and delete by the old inputs', async () => {
    const both = { create: 'create', update: 'update', delete: 'delete' };
    await stack.up(command({ ...both, stdin: '1' }));
    await stack.up(command({ ...both, stdin: '2' }));
    await stack.up(command({ ...both, stdin: '2' }));
    await stack.up(() => ({}));
    expect(server.executed.map((one) => one.command)).toEqual(['create', 'update', 'delete']);
  });

  it('a failed command says how it ended and what it said, without the secrets', async () => {
    server.reply = ({ stdin }) => ({ stderr: `no good: ${stdin}\n`, code: 4 });
    await expect(stack.up(command({ create: 'false', stdin: 'S3cretS3cret' }))).rejects.toMatchObject({
      message: 'c (command:remote:Command): command failed, exit code 4',
      details: ['no good: [secret]'],
    });
  });

  it('a wrong host key is refused at once, and nothing is run', async () => {
    const wrong = sshKeyPair('ed25519').public;
    await expect(stack.up(command({ create: 'x' }, { hostKey: wrong }))).rejects.toMatchObject({
      code: 'SSH_HOST_KEY',
      message: expect.stringMatching(/the host key of 127\.0\.0\.1:\d+ is not the one that is pinned$/) as unknown,
      details: [expect.stringMatching(/^pinned: SHA256:/), expect.stringMatching(/^shown: {2}SHA256:/)] as unknown,
    });
    expect(server.executed).toEqual([]);
    expect(server.dials).toBe(1);
  });

  it('dials again when the other side is not ready yet', async () => {
    server.refusals = 2;
    await stack.up(command({ create: 'x' }));
    expect(server.dials).toBe(3);
  });

  it('gives up after dialErrorLimit failures', async () => {
    server.refusals = 10;
    await expect(stack.up(command({ create: 'x' }, { dialErrorLimit: 1 }))).rejects.toMatchObject({
      code: 'SSH_UNREACHABLE',
      message: expect.stringContaining('(tried 2 times)') as unknown,
    });
  });

  it('a foreign client key is not let in, and is not tried twice', async () => {
    const { private: privateKey } = sshKeyPair('ed25519');
    await expect(stack.up(command({ create: 'x' }, { privateKey }))).rejects.toMatchObject({
      code: 'SSH_LOGIN',
      message: expect.stringMatching(/127\.0\.0\.1:\d+ does not let operator in$/) as unknown,
      details: ['it was tried with the private key of the configuration'],
    });
    expect(server.dials).toBe(1);
  });

  it('a port on which nothing listens, and a machine that says nothing', async () => {
    const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const at = { port, dialErrorLimit: 0, perDialTimeout: 1 };
    await expect(stack.up(command({ create: 'x' }, at))).rejects.toMatchObject({
      code: 'SSH_TIMEOUT',
      message: expect.stringContaining(`operator@127.0.0.1:${String(port)} does not answer within 1 s`) as unknown,
    });
    silent.close();
    await once(silent, 'close');
    await expect(stack.up(command({ create: 'x' }, at))).rejects.toMatchObject({
      code: 'SSH_UNREACHABLE',
      message: expect.stringContaining('the connection is refused: nothing listens there') as unknown,
    });
  });

  it('a jump host that does not get through names both ends', async () => {
    const proxy = server.connection();
    await expect(stack.up(command({ create: 'x' }, { proxy, port: 1, dialErrorLimit: 0 }))).rejects.toMatchObject({
      code: 'SSH_UNREACHABLE',
      message: expect.stringMatching(
        /127\.0\.0\.1:1 cannot be reached through the jump host 127\.0\.0\.1:\d+: /,
      ) as unknown,
    });
  });

  it('a jump host that neither forwards nor refuses is waited for no longer than for a machine', async () => {
    server.forwardsNowhere = true;
    const at = { proxy: server.connection(), host: '127.0.0.1', port: 9, dialErrorLimit: 0, perDialTimeout: 1 };
    const began = performance.now();
    await expect(stack.up(command({ create: 'x' }, at))).rejects.toMatchObject({
      code: 'SSH_TIMEOUT',
      message: expect.stringContaining('operator@127.0.0.1:9 does not answer within 1 s') as unknown,
    });
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(server.executed).toEqual([]);
  });

  it('a connection that breaks ends the command with an error', async () => {
    server.reply = () => ({ breaks: true });
    await expect(stack.up(command({ create: 'x' }))).rejects.toThrow(/connection to 127.0.0.1|command failed/);
  });

  it('goes through a bastion, whose key is pinned too', async () => {
    const proxy = server.connection();
    await stack.up(command({ create: 'behind' }, { proxy }));
    expect(server.executed.map((one) => one.command)).toEqual(['behind']);
    expect(server.dials).toBe(2);
  });

  describe('copies', () => {
    let here: string;
    beforeEach(() => {
      here = join(stack.folder, 'release');
      mkdirSync(join(here, 'sub'), { recursive: true });
      writeFileSync(join(here, 'main.js'), 'x'.repeat(300_000));
      writeFileSync(join(here, 'sub', 'empty'), '');
    });

    const copy = (source: pulumi.asset.Asset | pulumi.asset.Archive, remotePath: string) => () => {
      only(new remote.CopyToRemote('copy', { connection: server.connection(), source, remotePath }));
    };
    const read = (path: string): string => readFileSync(join(there, path), 'utf8');

    it('a file to its path, again only when its content changed', async () => {
      const file = () => new pulumi.asset.FileAsset(join(here, 'main.js'));
      await stack.up(copy(file(), '/bundle.js'));
      expect(read('bundle.js')).toHaveLength(300_000);
      expect((await stack.up(copy(file(), '/bundle.js'))).changes.same).toBe(1);
      writeFileSync(join(here, 'main.js'), 'short');
      expect((await stack.up(copy(file(), '/bundle.js'))).changes.update).toBe(1);
      expect(read('bundle.js')).toBe('short');
    });

    it('a file into a folder that is there', async () => {
      mkdirSync(join(there, 'folder'));
      await stack.up(copy(new pulumi.asset.FileAsset(join(here, 'main.js')), '/folder'));
      expect(read('folder/main.js')).toHaveLength(300_000);
    });

    it('a folder under its own name, or its contents only', async () => {
      await stack.up(copy(new pulumi.asset.FileArchive(here), '/a'));
      expect(read('a/release/sub/empty')).toBe('');
      await stack.up(copy(new pulumi.asset.FileArchive(`${here}/`), '/b'));
      expect(read('b/main.js')).toHaveLength(300_000);
    });

    it('a text', async () => {
      await stack.up(copy(new pulumi.asset.StringAsset('hello'), '/text'));
      expect(read('text')).toBe('hello');
    });

    it('says where it could not write', async () => {
      const file = new pulumi.asset.FileAsset(join(here, 'main.js'));
      await expect(stack.up(copy(file, '/nowhere/x'))).rejects.toThrow('could not copy to /nowhere/x');
    });
  });
});
