import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { admin } from '../../../runtime/admin/process.js';
import { authorityFor } from '../../support/issued.js';
import { SQL_DIRECTORY } from '../../support/services.js';

const HERE = '127.0.0.1';
/** What the certificate names: another host, signed by an authority that is trusted. */
const THERE = '127.0.0.9';
const { certificate: authority, server: issued } = authorityFor(THERE);
const keys = { cert: issued.certificate, key: issued.key };
const sockets: Socket[] = [];
const silent = (socket: Socket) => {
  sockets.push(socket);
  return socket.on('error', () => undefined);
};

/** PostgreSQL speaks in plain until it is asked for TLS. */
const postgres = createServer((socket) => {
  silent(socket).once('data', () => {
    socket.write('S');
    silent(new TLSSocket(socket, { isServer: true, ...keys }));
  });
});
const tls = createTlsServer(keys, silent).on('tlsClientError', () => undefined);

const login = { tls: true, authorities: authority, user: 'u', password: 'p' };
const portOf = (server: Server) => (server.address() as AddressInfo).port;
const TOOLS = {
  migrate: () => ({
    database: { ...login, host: HERE, port: portOf(postgres), name: 'telegram_gateway' },
    directory: SQL_DIRECTORY,
  }),
  'prepare-broker': () => ({ ...login, host: HERE, port: portOf(tls), vhost: 'telegram', groups: ['default'] }),
  'check-cache': () => ({
    ...login,
    sentinels: [{ host: HERE, port: portOf(tls) }],
    masterName: 'telegram',
    sentinelPassword: '',
  }),
};

describe('an engine whose certificate names another host', () => {
  beforeAll(async () => {
    for (const server of [postgres, tls]) await once(server.listen(0, HERE), 'listening');
  });
  afterAll(() => {
    for (const open of sockets) open.destroy();
    for (const server of [postgres, tls]) server.close();
  });

  it.each(Object.entries(TOOLS))(
    'D14 %s refuses it before anything is written, and tells both names',
    async (tool, input) => {
      let said = '';
      const code = await admin([tool], {
        stdin: Readable.from([JSON.stringify(input())]),
        stdout: { write: (text) => (said += text) },
        stderr: { write: (text) => (said += text) },
      });
      expect(code).toBe(1);
      expect(JSON.parse(said)).toMatchObject({
        code: 'SERVICE_UNREACHABLE',
        message: expect.stringContaining(`IP: ${HERE} is not in the cert's list: ${THERE}`) as unknown,
      });
    },
  );
});
