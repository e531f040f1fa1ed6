/** What parts of the design are worth: each with and without, side by side, on the same engine. */
import { Client, type ClientConfig } from 'pg';
import type { Database } from '../../runtime/store/database.js';
import { sideBySide } from './measure.js';
import { compareBulk, comparePartialIndex, compareStatus, compareStored } from './sql-comparisons.js';

/** One thing with and without; `ratio` says how many times better it is with. */
export interface Comparison {
  readonly name: string;
  /** Of both figures. */
  readonly unit: 'ms' | 'KB' | 'ms/1000 rows';
  readonly with: number;
  readonly without: number;
  readonly ratio: number;
  /** What was hoped for, as a ratio. */
  readonly hope: number;
  readonly holds: boolean;
}

/** Ways to the same server as the same user. */
export interface PoolerPair {
  readonly pooled: ClientConfig;
  readonly direct: ClientConfig;
}

export interface ComparisonOptions {
  readonly database: Database;
  /** Null without a pooler: it is left out then. */
  readonly pooler: PoolerPair | null;
  /** Stored messages at which indexes and aggregates are compared. */
  readonly rows: number;
}

export type Figure = Omit<Comparison, 'ratio' | 'holds'>;

export async function compareAll({ database, pooler, rows }: ComparisonOptions): Promise<readonly Comparison[]> {
  const figures = [
    ...(pooler ? [await comparePooler(pooler)] : []),
    ...(await comparePartialIndex(database)),
    ...(await compareStored(database, rows)),
    await compareStatus(database),
    await compareBulk(database),
  ];
  return figures.map((figure) => {
    const ratio = figure.without / figure.with;
    return { ...figure, ratio, holds: ratio >= figure.hope };
  });
}

async function comparePooler({ pooled, direct }: PoolerPair): Promise<Figure> {
  const connectAndQuery = (config: ClientConfig) => async () => {
    const client = new Client({ connectionTimeoutMillis: 10_000, query_timeout: 10_000, ...config });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('select 1');
    await client.end();
  };
  const [withIt, without] = await sideBySide(connectAndQuery(pooled), connectAndQuery(direct));
  return { name: 'PgBouncer: connect and query', unit: 'ms', with: withIt, without, hope: 10 };
}
