import type { Client } from 'pg';
import { UserError } from '../../stack/errors.js';
import type { Fingerprint, Part } from './projection.js';

/**
 * How far the migration is, in the target itself: a schema of its own that goes when the database goes. What a step does in
 * the target is committed with its line; a step outside of it can be repeated.
 */
export const JOURNAL = 'telegram_migration';

/** In this order. From `work-made` on there is only forwards: consumers of this stack may have begun. */
export const STEPS = [
  'sessions-saved',
  'schema-saved',
  'copied',
  'old-stopped',
  'caught-up',
  'compared',
  'session-installed',
  'work-made',
  'switched',
  'connections-switched',
  'reported',
] as const;
export type Step = (typeof STEPS)[number] | 'begun' | 'policy-noted' | 'rolled-back';

const TABLES = `
create schema if not exists ${JOURNAL};
revoke all on schema ${JOURNAL} from public;
create table if not exists ${JOURNAL}.steps (step text primary key, done_at timestamptz not null default clock_timestamp(),
  detail jsonb not null default '{}');
create table if not exists ${JOURNAL}.parts (channel_id bigint, month date, rows bigint not null, checksum numeric not null,
  outcomes bigint not null, outcomes_checksum numeric not null, copied_at timestamptz not null default clock_timestamp(),
  primary key (channel_id, month));
create table if not exists ${JOURNAL}.refused (source_id bigint primary key, reason text not null, row text not null);`;

export class Journal {
  private constructor(
    private readonly client: Client,
    readonly steps: Map<Step, Readonly<Record<string, unknown>>>,
  ) {}

  /** What is there, without making it. */
  static async read(client: Client): Promise<Journal> {
    const { rows: there } = await client.query<{ ok: boolean }>(
      `select to_regclass('${JOURNAL}.steps') is not null as ok`,
    );
    const { rows } =
      there[0]?.ok === true
        ? await client.query<{ step: Step; detail: Record<string, unknown> }>(
            `select step, detail from ${JOURNAL}.steps`,
          )
        : { rows: [] };
    return new Journal(client, new Map(rows.map(({ step, detail }) => [step, detail])));
  }

  /** Begins, or goes on with, the migration from `source`; refuses a target that is somebody else's. */
  static async open(client: Client, source: string, outcomesSince: string): Promise<Journal> {
    const journal = await Journal.read(client);
    await journal.mustFit(source);
    if (journal.done('begun')) return journal;
    await client.query(TABLES);
    await journal.record('begun', { source, outcomesSince, startedAt: new Date().toISOString() });
    return journal;
  }

  /** Throws where the target may not be filled from this source. */
  async mustFit(source: string): Promise<void> {
    const begun = this.text('begun', 'source');
    if (this.done('rolled-back'))
      throw new UserError('MIGRATE_TARGET', 'the migration into this database was rolled back', {
        fix: 'Run `npm run rollback -- --migration full`, then `npm run destroy`, `npm run up` and `npm run migrate`.',
      });
    if (begun !== '' && begun !== source)
      throw new UserError('MIGRATE_TARGET', `a migration from ${begun} was begun in this database`);
    if (begun === '' && (await this.holdsMessages()))
      throw new UserError('MIGRATE_TARGET', 'the new database holds messages already, and no migration brought them');
  }

  async holdsMessages(): Promise<boolean> {
    const { rows } = await this.client.query('select from telegram_gateway.messages limit 1');
    return rows.length > 0;
  }

  done(step: Step): boolean {
    return this.steps.has(step);
  }

  detail(step: Step): Readonly<Record<string, unknown>> {
    return this.steps.get(step) ?? {};
  }

  /** A text that a step has left; `fallback` where it did not. */
  text(step: Step, key: string, fallback = ''): string {
    const value = this.detail(step)[key];
    return typeof value === 'string' ? value : fallback;
  }

  /** Commits with whatever transaction is open on the target. */
  async record(step: Step, detail: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.client.query(
      `insert into ${JOURNAL}.steps (step, detail) values ($1, $2)
       on conflict (step) do update set detail = excluded.detail, done_at = clock_timestamp()`,
      [step, JSON.stringify(detail)],
    );
    this.steps.set(step, detail);
  }

  async forget(step: Step): Promise<void> {
    await this.client.query(`delete from ${JOURNAL}.steps where step = $1`, [step]);
    this.steps.delete(step);
  }

  /** What was copied, by `channel month`. */
  async parts(): Promise<Map<string, Fingerprint>> {
    const { rows } = await this.client.query<Fingerprint>(
      `select channel_id::text as "channelId", to_char(month, 'YYYY-MM-DD') as month, rows::text, checksum::text, outcomes::text,
              outcomes_checksum::text as "outcomesChecksum" from ${JOURNAL}.parts`,
    );
    return new Map(rows.map((part) => [partKey(part), part]));
  }

  async recordPart(part: Fingerprint): Promise<void> {
    await this.client.query(
      `insert into ${JOURNAL}.parts (channel_id, month, rows, checksum, outcomes, outcomes_checksum) values ($1, $2, $3, $4, $5, $6)
       on conflict (channel_id, month) do update set rows = excluded.rows, checksum = excluded.checksum,
         outcomes = excluded.outcomes, outcomes_checksum = excluded.outcomes_checksum, copied_at = clock_timestamp()`,
      [part.channelId, part.month, part.rows, part.checksum, part.outcomes, part.outcomesChecksum],
    );
  }
}

export function partKey({ channelId, month }: Part): string {
  return `${channelId} ${month}`;
}

/** Whether two sides hold the same of a part. */
export function same(one: Fingerprint | undefined, other: Fingerprint | undefined): boolean {
  return (
    one !== undefined &&
    other !== undefined &&
    one.rows === other.rows &&
    one.checksum === other.checksum &&
    one.outcomes === other.outcomes &&
    one.outcomesChecksum === other.outcomesChecksum
  );
}
