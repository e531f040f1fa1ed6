import type { RunningStack } from '../context.js';
import { container } from '../doctor/fix.js';
import { say } from '../output.js';
import type { Sql } from '../sql.js';

/** Removes the pooler, the vhost and the database of one bench, whose common name begins with `bench_`. */
export class BenchRemoval {
  constructor(
    private readonly stack: RunningStack,
    /** As the database's administrator. */
    private readonly sql: Sql,
    private readonly name: string,
  ) {}

  /** Name of the pooler's container. */
  get pooler(): string {
    return `${this.stack.outputs.namePrefix}telegram-${this.name.replace('_', '-')}`;
  }

  removePooler = () => this.stack.hosts.at(container(this.stack, 'pgbouncer')).docker(['rm', '--force', this.pooler]);

  removeVhost = () =>
    this.stack.hosts.docker(
      ['exec', container(this.stack, 'rabbitmq'), 'sh', '-c', REMOVE_VHOST, 'sh', this.name],
      60_000,
    );

  removeDatabase = () => this.sql(`drop database ${this.name} with (force)`);
}

const REMOVE_VHOST = 'rabbitmqctl -q delete_vhost "$1"; rabbitmqctl -q delete_user "$1"';

/** What a bench that was killed left; its database, which is made first and removed last, tells of it. */
export async function removeLeftBenches(stack: RunningStack, sql: Sql): Promise<void> {
  for (const { name } of await sql<{ name: string }>(LEFT)) {
    say(`• removing ${name}, which a killed bench left`);
    const left = new BenchRemoval(stack, sql, name);
    for (const step of [left.removeVhost, left.removePooler, left.removeDatabase]) await step().catch(() => undefined);
  }
}

const LEFT = "select datname as name from pg_database where datname ~ '^bench_[0-9a-f]{8}$'";
