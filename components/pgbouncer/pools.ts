import { DATABASE, DATABASE_CLIENTS, type DatabaseClient } from '../../runtime/contract.js';

/** Parts of the whole; the two that must never wait for the others have most. */
const PARTS: Readonly<Record<DatabaseClient, number>> = { gateway: 3, consumer: 3, api: 2, reader: 1, monitor: 1 };
const SUM = DATABASE_CLIENTS.reduce((sum, client) => sum + PARTS[client], 0);

/** One of PgBouncer's databases: an entry to the one database behind it, with server connections of its own. */
export interface Entry {
  readonly name: string;
  /** Server connections of all its logins together. */
  readonly connections: number;
}

/**
 * Name under which a client finds the database at PgBouncer. People and tools, who read, find it under its own name.
 *
 * PgBouncer gives a free server connection back to the pool that used it as long as that pool has clients waiting, and has
 * a pool for each login. Were all clients at one entry, a busy one could keep the others out for good, most of all while
 * a rotation lets both of its logins work. So each client has an entry, whose limit counts both logins.
 */
export function entryName(client: DatabaseClient): string {
  return client === 'reader' ? DATABASE : client;
}

/** All entries. They add up to at most `maxServerConnections`, which is 5 or more: an entry has at least one. */
export function entries(maxServerConnections: number): Entry[] {
  return DATABASE_CLIENTS.map((client) => ({
    name: entryName(client),
    connections: Math.max(1, Math.floor((maxServerConnections * PARTS[client]) / SUM)),
  }));
}
