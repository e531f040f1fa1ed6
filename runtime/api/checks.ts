import type { Redis } from 'ioredis';
import { connect } from 'node:net';
import type { Check } from '../http/health-server.js';

const CONNECT_MS = 900;

/** The master that the Sentinels name. */
export function cacheCheck(cache: { readonly redis: Redis }): Check {
  return async () => {
    await cache.redis.ping();
    return { ok: true, detail: 'answers' };
  };
}

/** The API has no login of the broker's: that the port accepts is what it can see. */
export function brokerCheck(address: { readonly host: string; readonly port: number }): Check {
  return () =>
    new Promise((resolve) => {
      const socket = connect({ ...address, timeout: CONNECT_MS });
      const settle = (ok: boolean, detail: string) => {
        socket.destroy();
        resolve({ ok, detail });
      };
      socket.once('connect', () => {
        settle(true, 'accepts connections');
      });
      socket.once('timeout', () => {
        settle(false, 'does not answer');
      });
      socket.once('error', (error) => {
        settle(false, error.message);
      });
    });
}
