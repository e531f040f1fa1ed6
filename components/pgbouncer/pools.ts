import { DATABASE_CLIENTS, type DatabaseClient } from '../../runtime/contract.js';

/** Shares of the server connections; the two that must never wait for the others have most. */
const SHARES: Readonly<Record<DatabaseClient, number>> = { gateway: 3, consumer: 3, api: 2, reader: 1, monitor: 1 };
const SUM = DATABASE_CLIENTS.reduce((sum, client) => sum + SHARES[client], 0);

/** Client that a login role `<client>_a` or `<client>_b` belongs to. */
export function clientOf(role: string): DatabaseClient | undefined {
  return DATABASE_CLIENTS.find((client) => role === `${client}_a` || role === `${client}_b`);
}

/**
 * Server connections that one login role may hold. PgBouncer gives a free connection back to the pool that used it as
 * long as that pool has clients waiting, so a busy role could keep the others out for good if pools were larger than
 * their share of the whole. The parts add up to at most `maxServerConnections` (where that is 10 or more); an idle
 * connection of one role is closed as soon as another one needs its place. While a rotation lets both slots of a client
 * work, the cap on the whole still holds, the guarantee for the small ones does not.
 */
export function poolSize(role: string, maxServerConnections: number): number {
  const client = clientOf(role);
  return Math.max(1, Math.floor((maxServerConnections * (client ? SHARES[client] : 1)) / SUM));
}
