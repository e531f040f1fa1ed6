import { describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { admin } from '../../../runtime/admin/process.js';

async function run(argv: readonly string[], input: string) {
  const [out, err] = [[] as string[], [] as string[]];
  const code = await admin(argv, {
    stdin: Readable.from([input]),
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
  });
  return { code, out: out.join(''), err: err.join('') };
}

describe('admin', () => {
  it('S4 answers with one JSON line on stdout', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const { code, out, err } = await run(
      ['wait'],
      JSON.stringify({ endpoint: { type: 'tcp', host: '127.0.0.1', port } }),
    );
    server.close();
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toEqual({ ms: expect.any(Number) });
  });

  it('S4 gives up at its deadline, with code, reason and fix on stderr', async () => {
    const endpoint = { type: 'tcp', host: '127.0.0.1', port: 1 };
    const { code, out, err } = await run(['wait'], JSON.stringify({ endpoint, timeoutMs: 300 }));
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(JSON.parse(err)).toMatchObject({
      code: 'SERVICE_UNREACHABLE',
      message: expect.stringMatching(/^127\.0\.0\.1:1 did not answer within 300 ms: (Error: )?connect ECONNREFUSED/),
      fix: expect.any(String),
    });
  });

  it('S4 names what is wrong with the document and repeats nothing of it', async () => {
    const broken = await run(['migrate'], '{"password": "secret');
    expect(broken.code).toBe(64);
    expect(broken.err).not.toContain('secret');
    const incomplete = await run(['migrate'], '{"database": {"password": "secret"}}');
    expect(JSON.parse(incomplete.err)).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/database\.host: /),
    });
    expect(incomplete.err).not.toContain('secret');
  });

  it.each(['drop', '', 'constructor'])('S4 lists the tools when asked for "%s"', async (name) => {
    const { code, err } = await run([name], '{}');
    expect(code).toBe(64);
    expect(JSON.parse(err)).toMatchObject({
      message: expect.stringMatching(
        /expected one of migrate, postgres-roles, wait, prepare-broker, check-cache, write-files/,
      ),
    });
  });
});
