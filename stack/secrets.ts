import * as random from '@pulumi/random';
import { local } from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';
import { Component } from '../components/component.js';
import type { Slots } from '../components/slots.js';
import {
  BROKER_CLIENTS,
  CACHE_CLIENTS,
  DATABASE_CLIENTS,
  type BrokerClient,
  type CacheClient,
  type DatabaseClient,
} from '../runtime/contract.js';
import { activeSlot, slotKeeper, type Slot } from './rotation.js';
import { scramVerifier } from './scram.js';
import { secretBytes } from './secret-bytes.js';

const SLOTS = ['a', 'b'] as const;

/** Passwords of a PostgreSQL client and the verifiers that PostgreSQL and PgBouncer share. */
export interface DatabaseSlots extends Slots {
  readonly verifiers: Readonly<Record<Slot, pulumi.Output<string>>>;
}

/** Logins of PostgreSQL, and the two of PgBouncer's own console. */
export type DatabaseLogin = DatabaseClient | 'pgb_admin' | 'pgb_stats' | 'postgres';

/** Passwords of a broker user and the salts of their hashes (base64, 4 bytes). */
export interface BrokerSlots extends Slots {
  readonly saltA: pulumi.Output<string>;
  readonly saltB: pulumi.Output<string>;
}

/** Of a secret that is made anew whenever this epoch is another. */
interface Turning {
  readonly epoch: number;
}

export interface SecretsOptions {
  readonly simulator: boolean;
  readonly grafana: boolean;
  /** Whether a key for the backups is to be made. */
  readonly backupKey: boolean;
  /** Record of the epoch's beginning. */
  readonly begun: pulumi.Resource;
}

/**
 * Every secret the stack generates. Machine credentials have two slots that the epoch turns; the others are made once.
 * Each is marked secret where it is made, so that nothing downstream can forget to.
 */
export class Secrets extends Component {
  readonly active: Slot;
  readonly database: Readonly<Record<DatabaseLogin, DatabaseSlots>>;
  readonly broker: Readonly<Record<BrokerClient, BrokerSlots>>;
  readonly cache: Readonly<Record<CacheClient, Slots>>;
  /** Password that clients show to the Sentinels. */
  readonly sentinel: Slots;
  readonly apiKey: Slots;
  /** First password of the superuser, from initdb until the roles are made; `database.postgres` takes its place. */
  readonly bootstrap: pulumi.Output<string>;
  readonly erlangCookie: pulumi.Output<string>;
  /** 32-byte seeds (base64) of the SSH keys of the dev gateway host. */
  readonly sshHostSeed: pulumi.Output<string>;
  readonly sshClientSeed: pulumi.Output<string>;
  /** What the backups are encrypted with, where the owner gave none; not of the epoch, as old backups must stay readable. */
  readonly backupKey: pulumi.Output<string> | null;
  /** What the simulator and its one account share; made only where there is a simulator. */
  readonly simulator: {
    readonly rsaPrivateKey: pulumi.Output<string>;
    readonly authKeyHex: pulumi.Output<string>;
  } | null;

  /** Made only where there is a Grafana: its admin's one password, which every epoch turns, and the key that its own database is under. */
  readonly grafana: { readonly adminPassword: pulumi.Output<string>; readonly secretKey: pulumi.Output<string> } | null;

  constructor(
    private readonly epoch: number,
    private readonly options: SecretsOptions,
  ) {
    super('telegram:stack:Secrets', 'secrets');
    this.active = activeSlot(epoch);
    this.database = record([...DATABASE_CLIENTS, 'pgb_admin', 'pgb_stats', 'postgres'], (client) =>
      this.#database(client),
    );
    this.broker = record(BROKER_CLIENTS, (client) => this.#broker(client));
    this.cache = record(CACHE_CLIENTS, (client) => this.#slots(`redis-${client}`));
    this.sentinel = this.#slots('sentinel');
    this.apiKey = this.#slots('api-key');
    this.bootstrap = this.#password('postgres-bootstrap');
    this.erlangCookie = this.#password('erlang-cookie');
    this.sshHostSeed = this.#bytes('ssh-host-seed', 32, 'base64');
    this.sshClientSeed = this.#bytes('ssh-client-seed', 32, 'base64');
    this.backupKey = options.backupKey ? this.#password('backup-key') : null;
    this.simulator = options.simulator ? this.#simulator() : null;
    this.grafana = options.grafana
      ? { adminPassword: this.#password('grafana-admin', { epoch }), secretKey: this.#password('grafana-key') }
      : null;
    this.registerOutputs({});
  }

  #database(client: string): DatabaseSlots {
    const slots = this.#slots(`database-${client}`);
    const verifier = (slot: Slot) => {
      const salt = this.#bytes(`database-${client}-${slot}-salt`, 16, 'base64', this.#turn(slot));
      return pulumi.secret(pulumi.all([slots[slot], salt]).apply(([password, s]) => scramVerifier(password, s)));
    };
    return { ...slots, verifiers: { a: verifier('a'), b: verifier('b') } };
  }

  #broker(client: string): BrokerSlots {
    const salt = (slot: Slot) => this.#bytes(`rabbitmq-${client}-${slot}-salt`, 4, 'base64', this.#turn(slot));
    return { ...this.#slots(`rabbitmq-${client}`), saltA: salt('a'), saltB: salt('b') };
  }

  #slots(name: string): Slots {
    const [a, b] = SLOTS.map((slot) => this.#password(`${name}-${slot}`, this.#turn(slot))) as [
      pulumi.Output<string>,
      pulumi.Output<string>,
    ];
    return { a, b, active: this.active };
  }

  /** Letters and digits only: it stands in lists, DSNs and Redis ACL files. Without `turning` it is made once. */
  #password(name: string, turning?: Turning): pulumi.Output<string> {
    const keepers = turning && { keepers: { epoch: String(turning.epoch) } };
    const made = new random.RandomPassword(
      this.child(name),
      { length: 40, special: false, ...keepers },
      // What turns with the epoch waits until it is on record that the epoch has begun.
      this.under(turning ? { dependsOn: [this.options.begun] } : {}),
    );
    return pulumi.secret(made.result);
  }

  #bytes(name: string, length: number, encoding: 'base64' | 'hex', turning?: Turning): pulumi.Output<string> {
    const password = this.#password(name, turning);
    return pulumi.secret(password.apply((text) => secretBytes(text, name, length).toString(encoding)));
  }

  /** The epoch in which a slot was last made anew. */
  #turn(slot: Slot): Turning {
    return { epoch: slotKeeper(this.epoch, slot) };
  }

  #simulator(): NonNullable<Secrets['simulator']> {
    const rsa = new local.Command(
      this.child('simulator-rsa'),
      { create: 'node scripts/generate-rsa-key.mjs', logging: local.Logging.None, addPreviousOutputInEnv: false },
      this.under({ additionalSecretOutputs: ['stdout'] }),
    );
    return { rsaPrivateKey: pulumi.secret(rsa.stdout), authKeyHex: this.#bytes('simulator-auth-key', 256, 'hex') };
  }
}

function record<K extends string, V>(keys: readonly K[], make: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>;
}
