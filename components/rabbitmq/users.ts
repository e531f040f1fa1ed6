import { createHash } from 'node:crypto';
import { DEAD_LETTER_QUEUE, EXCHANGE, RETRY_EXCHANGE, VHOST, type BrokerClient } from '../../runtime/contract.js';

/** Both passwords of one client, plain, with the salts of their hashes (base64, 4 bytes). */
export interface BrokerPasswords {
  readonly a: string;
  readonly b: string;
  readonly saltA: string;
  readonly saltB: string;
}

interface Rights {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
  readonly tags: readonly string[];
}

const exactly = (...names: readonly string[]) => {
  const escaped = names.map((name) => name.replaceAll('.', '\\.')).join('|');
  return names.length === 1 ? `^${escaped}$` : `^(${escaped})$`;
};

/**
 * What each client may do. Nobody configures: the topology is the stack's. Reading a queue takes its messages away, so the
 * watchers read none; the tag lets them see totals. Dead-lettering is the broker's own doing and needs no right.
 */
const RIGHTS: Readonly<Record<BrokerClient, Rights>> = {
  gateway: { configure: '^$', write: exactly(EXCHANGE, RETRY_EXCHANGE), read: '^$', tags: [] },
  consumer: { configure: '^$', write: exactly(RETRY_EXCHANGE), read: '^telegram\\.consumer\\..*$', tags: [] },
  reader: { configure: '^$', write: '^$', read: exactly(DEAD_LETTER_QUEUE), tags: ['monitoring'] },
  monitor: { configure: '^$', write: '^$', read: '^$', tags: ['monitoring'] },
};

/**
 * Definitions with the users alone, for an import at run time: two of them for each client, so that a rotation changes
 * the one that nobody uses. Only hashes.
 */
export function renderUsers(clients: Readonly<Record<BrokerClient, BrokerPasswords>>): string {
  const pairs = (Object.keys(RIGHTS) as BrokerClient[]).flatMap((client) => {
    const { a, b, saltA, saltB } = clients[client];
    return [
      { name: `${client}_a`, hash: passwordHash(a, saltA), rights: RIGHTS[client] },
      { name: `${client}_b`, hash: passwordHash(b, saltB), rights: RIGHTS[client] },
    ];
  });
  return JSON.stringify({
    users: pairs.map(({ name, hash, rights }) => ({
      name,
      password_hash: hash,
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: rights.tags,
    })),
    permissions: pairs.map(({ name, rights: { configure, write, read } }) => ({
      user: name,
      vhost: VHOST,
      configure,
      write,
      read,
    })),
  });
}

/** RabbitMQ's salted hash: base64(salt ‖ sha256(salt ‖ password)). */
export function passwordHash(password: string, saltBase64: string): string {
  const salt = Buffer.from(saltBase64, 'base64');
  const digest = createHash('sha256').update(salt).update(password, 'utf8').digest();
  return Buffer.concat([salt, digest]).toString('base64');
}
