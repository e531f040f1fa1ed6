import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../../runtime/config.js';
import { CredentialStore } from '../../../runtime/credentials.js';
import { brokerOptions } from '../../../runtime/queue/connection.js';

describe('the broker of a process', () => {
  it('O5 is reached with the login that the credentials have at that time', () => {
    const folder = mkdtempSync(join(tmpdir(), 'broker-'));
    const file = join(folder, 'credentials.json');
    const write = (password: string, tlsAuthorities?: string) => {
      writeFileSync(file, JSON.stringify({ rabbitmq: { user: 'consumer_a', password }, tlsAuthorities }));
    };
    write('former');
    const credentials = new CredentialStore(file);
    const environment = readEnvironment({ TELEGRAM_RABBITMQ_HOST: '10.0.0.5', TELEGRAM_RABBITMQ_TLS: 'true' });
    const options = brokerOptions(environment, credentials, 'telegram-consumer');
    expect(options).toMatchObject({ host: '10.0.0.5', port: 5_672, vhost: 'telegram', tls: true });
    expect([options.login().password, options.authorities?.()]).toEqual(['former', undefined]);
    write('present', 'PEM');
    credentials.reload();
    expect([options.login().password, options.authorities?.()]).toEqual(['present', 'PEM']);
    rmSync(folder, { recursive: true });
  });
});
