import { describe, expect, it } from '@jest/globals';
import { cacheOptions, connectCache } from '../../../runtime/cache/client.js';
import type { CredentialStore } from '../../../runtime/credentials.js';
import { createLogger } from '../../../runtime/logger.js';
import { generateChannelKey, generateDedupKey, generateMessageKey } from '../../../runtime/cache/keys.js';

const environment = {
  TELEGRAM_REDIS_SENTINELS: [{ host: '10.0.0.1', port: 26379 }],
  TELEGRAM_REDIS_NAT_MAP: { '10.0.0.9:6379': { host: '127.0.0.1', port: 6380 } },
  TELEGRAM_REDIS_MASTER_NAME: 'cache',
  TELEGRAM_REDIS_TLS: false,
};
const login = { user: 'gateway', password: 'p', sentinelPassword: 's' };

describe('cache client', () => {
  it('R5 makes the keys of the contract', () => {
    expect(generateMessageKey('77', '5')).toBe('telegram:msg:77:5');
    expect(generateDedupKey('77', '5')).toBe('telegram:dedup:77:5');
    expect(generateChannelKey('77')).toBe('telegram:channel:77:recent');
  });

  it('R5 finds the master through the Sentinels and hears of a failover', () => {
    expect(cacheOptions(environment, login)).toMatchObject({
      sentinels: [{ host: '10.0.0.1', port: 26379 }],
      natMap: { '10.0.0.9:6379': { host: '127.0.0.1', port: 6380 } },
      name: 'cache',
      role: 'master',
      username: 'gateway',
      password: 'p',
      sentinelPassword: 's',
      failoverDetector: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
    });
    expect(cacheOptions(environment, login)).not.toHaveProperty('tls');
  });

  it('R5 never waits long for a reconnect, and sends a write again that met a replica', () => {
    const { retryStrategy, sentinelRetryStrategy, sentinelReconnectStrategy, reconnectOnError } = cacheOptions(
      environment,
      login,
    );
    expect([1, 5, 100].map(retryStrategy)).toEqual([50, 250, 500]);
    expect(sentinelRetryStrategy(100)).toBe(500);
    expect(sentinelReconnectStrategy()).toBe(1_000);
    expect(reconnectOnError(new Error("READONLY You can't write"))).toBe(2);
    expect(reconnectOnError(new Error('ERR other'))).toBe(false);
  });

  it('R5 there is none where no Sentinel is named: the database answers', () => {
    const credentials = { current: {}, need: () => login } as unknown as CredentialStore;
    const none = { ...environment, TELEGRAM_REDIS_SENTINELS: [] };
    expect(connectCache(none, credentials, createLogger('test', 'silent'))).toBeNull();
  });

  it('D14 uses TLS for Redis and Sentinels alike', () => {
    const options = cacheOptions({ ...environment, TELEGRAM_REDIS_TLS: true }, login);
    expect(options).toMatchObject({ tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true });
    const own = cacheOptions({ ...environment, TELEGRAM_REDIS_TLS: true }, login, 'PEM');
    expect(own).toMatchObject({ tls: { ca: 'PEM' }, sentinelTLS: { ca: 'PEM' } });
  });
});
